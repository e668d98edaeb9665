package hub

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// recorded starts a meeting in a room that is recorded in the cloud.
func (s *sandboxed) recorded(account string, trigger provider.Trigger) app.Meeting {
	s.t.Helper()
	name := "recorded on " + account
	if _, err := s.CreateRoom(s.t.Context(), app.RoomSpec{
		Name: name, Account: account, Size: 50, Recording: provider.RecordingCloud, Trigger: trigger,
	}); err != nil {
		s.t.Fatal(err)
	}
	m, err := s.StartMeeting(s.t.Context(), app.StartMeeting{Room: name})
	if err != nil {
		s.t.Fatal(err)
	}
	return m.Meeting
}

func recordingIs(want app.RecordingState) func(app.MeetingDetail) bool {
	return func(d app.MeetingDetail) bool { return d.Recording == want }
}

func TestInstanceIDsAreUUIDsThatStay(t *testing.T) {
	a, b := instanceID("m", "cloud"), instanceID("m", "raw-tracks")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(a) || a == b || a != instanceID("m", "cloud") {
		t.Errorf("%s, %s", a, b)
	}
}

func TestARecordingStartsOnceForEachGathering(t *testing.T) {
	for trigger, people := range map[provider.Trigger]int{provider.TriggerAutomatic: 1, provider.TriggerAutomatic2nd: 2} {
		for _, hooks := range []bool{true, false} {
			t.Run(string(trigger), func(t *testing.T) {
				s := newSandboxed(t)
				if hooks {
					s.listen()
				}
				m := s.recorded("daily", trigger)
				var last string
				for n := range people {
					if last = s.join(m, "P"); n+1 < people {
						s.pass(time.Minute)
						if got := s.world.Recorded(); len(got) != 0 {
							t.Fatalf("too early: %+v", got)
						}
					}
				}
				s.until(m.ID, time.Minute, recordingIs(app.IsRecording))
				s.pass(30 * time.Second)
				// A program that starts again doesn't record a second time.
				s.hooks.mu.Lock()
				if err := s.Hub.Close(); err != nil {
					t.Fatal(err)
				}
				s.open()
				if hooks {
					s.hooks.hub = s.Hub
				}
				s.hooks.mu.Unlock()
				s.join(m, "Late")
				s.pass(time.Minute)
				if got := s.world.Recorded(); len(got) != 1 || got[0].Instance != instanceID(m.ID, "cloud") {
					t.Fatalf("%+v", got)
				}
				// Stopped by hand it stays stopped in this gathering.
				stopped, err := s.StopRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID})
				if err != nil || stopped.Recording != app.NotRecording {
					t.Fatalf("%s, %v", stopped.Recording, err)
				}
				if again, err := s.StopRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID}); err != nil || again.Recording != app.NotRecording {
					t.Errorf("stopped twice: %v", err)
				}
				s.pass(time.Minute)
				if got := s.world.Recorded(); len(got) != 1 || got[0].State != "ready" {
					t.Fatalf("%+v", got)
				}
				// All leave; the next gathering is recorded again.
				if err := s.world.EndAll(provider.Daily, m.PlatformRoom); err != nil {
					t.Fatal(err)
				}
				s.until(m.ID, 3*time.Minute, here(0))
				s.pass(time.Minute)
				for range people {
					last = s.join(m, "Q")
				}
				s.until(m.ID, time.Minute, recordingIs(app.IsRecording))
				if got := s.world.Recorded(); len(got) != 2 {
					t.Errorf("%+v", got)
				}
				_ = s.world.Leave(last, "")
				if err := s.world.EndAll(provider.Daily, m.PlatformRoom); err != nil {
					t.Fatal(err)
				}
				s.until(m.ID, 5*time.Minute, func(app.MeetingDetail) bool {
					list, err := s.Recordings(t.Context(), app.RecordingQuery{Meeting: m.ID, Status: app.RecordingReady})
					return err == nil && len(list) == 2
				})
			})
		}
	}
}

// refusing is a recorder whose plan has no recording.
type refusing struct{ provider.Recorder }

func (refusing) StartRecording(context.Context, provider.Meeting, provider.RecordingStart) error {
	return &provider.Error{Kind: provider.Forbidden, Platform: provider.Daily, Op: "start recording", Text: "not on this plan"}
}

func TestARecordingThatIsRefusedSaysWhy(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	m := s.recorded("daily", provider.TriggerAutomatic)
	r, ok := newAutoRecorder(s.Hub, s.accounts["daily"])
	if !ok {
		t.Fatal("no recorder")
	}
	r.record = refusing{r.record}
	s.others["record daily"] = r.turn
	s.join(m, "Ada")
	s.until(m.ID, 10*time.Second, func(d app.MeetingDetail) bool { return d.RecordingError != "" && d.Recording == app.NotRecording })
	got, err := s.StartRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID})
	if err != nil || got.Recording != app.StartingRecording || got.RecordingError != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	s.until(m.ID, 10*time.Second, recordingIs(app.IsRecording))
	if again, err := s.StartRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID}); err != nil || again.Recording != app.IsRecording {
		t.Errorf("started twice: %v", err)
	}
	if err := s.world.FailRecording(provider.Daily, m.PlatformRoom); err != nil {
		t.Fatal(err)
	}
	s.until(m.ID, 10*time.Second, func(d app.MeetingDetail) bool {
		return d.RecordingError == "the recorder went away" && d.Recording == app.NotRecording
	})
	s.pass(4 * time.Minute)
	list, err := s.Recordings(t.Context(), app.RecordingQuery{})
	if err != nil || len(list) != 1 || list[0].Status != app.RecordingFailed || list[0].Error == "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAnEmptyMeetingIsTriedAgain(t *testing.T) {
	s := newSandboxed(t)
	m := s.recorded("daily", provider.TriggerAutomatic)
	if _, err := s.StartRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID}); !errors.Is(err, provider.NotReady) || provider.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	// Evidence that the platform does not share.
	ghost := []provider.Participant{{Session: "ghost", JoinedAt: s.clock.Now()}}
	if err := s.Observe(t.Context(), m.ID, Reading{Begun: s.clock.Now(), Here: ghost}); err != nil {
		t.Fatal(err)
	}
	turn := s.others["record daily"]
	for n := range 12 {
		turn(t.Context())
		if d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil || (d.RecordingError != "") != (n >= 8) {
			t.Fatalf("after %d s: %q, %v", n, d.RecordingError, err)
		}
		s.clock.Advance(time.Second)
	}
}

func TestWherebyShowsItsRecorderAndSaysWhyItIsNotControlled(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	m := s.recorded("whereby", provider.TriggerAutomatic)
	_, err := s.StartRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID})
	if !errors.Is(err, provider.Unsupported) || app.AsError(err).Hint == "" {
		t.Errorf("%v", err)
	}
	s.join(m, "Ada")
	s.until(m.ID, 5*time.Second, recordingIs(app.IsRecording))
	s.world.RemoveWebhooks(provider.Whereby)
	if err := s.world.EndAll(provider.Whereby, m.PlatformRoom); err != nil {
		t.Fatal(err)
	}
	s.until(m.ID, 5*time.Minute, func(d app.MeetingDetail) bool {
		list, err := s.Recordings(t.Context(), app.RecordingQuery{Meeting: m.ID})
		return err == nil && len(list) == 1 && list[0].Status == app.RecordingReady && d.Recording == app.NotRecording
	})
}

func TestBothKindsAreRecordedAtOnce(t *testing.T) {
	s := newSandboxed(t, func(a *provider.Account) {
		if a.Platform == provider.Daily {
			a.Recording = provider.RecordingTarget{Bucket: "b", RoleARN: "arn:aws:iam::1:role/r", Mode: "both"}
		}
	})
	s.listen()
	m := s.recorded("daily", provider.TriggerAutomatic)
	s.join(m, "Ada")
	s.until(m.ID, 10*time.Second, recordingIs(app.IsRecording))
	s.pass(20 * time.Second)
	got := s.world.Recorded()
	kinds := map[string]string{}
	for _, r := range got {
		kinds[r.Kind] = r.Instance
	}
	if len(got) != 2 || kinds["cloud"] != instanceID(m.ID, "cloud") || kinds["raw-tracks"] != instanceID(m.ID, "raw-tracks") {
		t.Fatalf("%+v", got)
	}
	if _, err := s.StopRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID}); err != nil {
		t.Fatal(err)
	}
	s.until(m.ID, 2*time.Minute, func(app.MeetingDetail) bool {
		list, err := s.Recordings(t.Context(), app.RecordingQuery{Meeting: m.ID, Status: app.RecordingReady})
		return err == nil && len(list) == 2
	})
}

// Where nothing runs in the background, the host's token starts the recording; a program that comes later lets it.
func TestAHostsTokenThatRecordsIsNotDoubled(t *testing.T) {
	s := newSandboxed(t)
	s.started.Store(false)
	if _, err := s.CreateRoom(t.Context(), app.RoomSpec{
		Name: "r", Account: "daily", Recording: provider.RecordingCloud, Trigger: provider.TriggerAutomatic,
	}); err != nil {
		t.Fatal(err)
	}
	m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "r"})
	if err != nil {
		t.Fatal(err)
	}
	s.started.Store(true)
	u, err := url.Parse(m.HostURL)
	if err != nil {
		t.Fatal(err)
	}
	host := sandbox.Person{Name: "Host", Token: u.Query().Get("t")}
	if _, err := s.world.Join(provider.Daily, m.PlatformRoom, host); err != nil {
		t.Fatal(err)
	}
	delete(s.others, "recordings daily")
	s.listen() // too late for the events of the joining: presence and the list tell
	s.until(m.ID, 90*time.Second, recordingIs(app.IsRecording))
	s.pass(time.Minute)
	if got := s.world.Recorded(); len(got) != 1 || got[0].Instance == instanceID(m.ID, "cloud") {
		t.Errorf("%+v", got)
	}
	stopped, err := s.StopRecording(t.Context(), app.RecordingSwitch{Meeting: m.ID})
	if got := s.world.Recorded(); err != nil || stopped.Recording != app.NotRecording || got[0].State == "recording" {
		t.Errorf("%+v, %v", got, err)
	}
	link, err := s.MeetingLink(t.Context(), app.LinkRequest{Meeting: m.ID, Host: true})
	if err != nil {
		t.Fatal(err)
	}
	if u, err = url.Parse(link.URL); err != nil {
		t.Fatal(err)
	}
	// With readers at work the token of a new link starts nothing.
	if _, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: "Host again", Token: u.Query().Get("t")}); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	if got := s.world.Recorded(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

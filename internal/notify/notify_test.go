package notify

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	_ "greenroom/internal/cases"
)

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func at(d time.Duration) app.Time { return app.At(t0.Add(d)) }

func events(calls []app.Call) (out []string) {
	for _, c := range calls {
		out = append(out, c.Event)
	}
	slices.Sort(out)
	return out
}

// after returns what is called for when a state holds for a while.
func after(m *Memory, s State, d time.Duration) (out []app.Call) {
	for end := s.Now.Add(d); !s.Now.After(end); s.Now = s.Now.Add(time.Second) {
		calls, _, _ := m.Next(s)
		out = append(out, calls...)
	}
	return out
}

func TestWhatIsCalledFor(t *testing.T) {
	meeting := app.Meeting{ID: "m", Room: "hall", Account: "acme", Platform: "daily", GuestURL: "https://x/y", Status: app.Live}
	people := func(stays ...app.Stay) State {
		return State{Meetings: []app.MeetingDetail{{Meeting: meeting, Participants: stays}}}
	}
	recorded := meeting
	recorded.Recording, recorded.Here, recorded.Peak = app.IsRecording, 1, 3
	failed := meeting
	failed.RecordingError = "no space"
	take := app.Recording{ID: "r", Account: "acme", Room: "hall", StartedAt: at(time.Minute), DurationS: 60}
	with := func(change func(*app.Recording)) State {
		r := take
		change(&r)
		return State{Recordings: []app.Recording{r}}
	}
	booking := func(in time.Duration) State {
		return State{Bookings: []app.Booking{{ID: "b", Room: "hall", Next: at(time.Hour + in), Link: "https://x/y"}}}
	}
	for _, test := range []struct {
		name  string
		state State
		want  []string
	}{
		{"nothing", State{}, nil},
		{"a guest waits", people(app.Stay{Session: "1", Name: "Ada", Waiting: true, WaitingSince: at(0)}), []string{Waiting}},
		{"two wait", people(app.Stay{Session: "1", Waiting: true}, app.Stay{Session: "2", Waiting: true}), []string{Waiting, Waiting}},
		{"the host alone", people(app.Stay{Session: "1", Owner: true, JoinedAt: at(0)}), nil},
		{"a recorder", people(app.Stay{Session: "1", Bot: true, JoinedAt: at(0)}), nil},
		{"guests", people(app.Stay{Session: "2", Name: "Bo", JoinedAt: at(2)}, app.Stay{Session: "1", Name: "Ada", JoinedAt: at(1)}), []string{FirstGuest}},
		{"a guest who left", people(app.Stay{Session: "1", JoinedAt: at(0), LeftAt: at(1)}), nil},
		{"begins in five minutes", booking(5 * time.Minute), []string{Starting}},
		{"begins in seven hours", booking(7 * time.Hour), nil},
		{"has begun", booking(-time.Second), nil},
		{"ready", with(func(r *app.Recording) { r.Status = app.RecordingReady }), []string{RecordingReady}},
		{"ready long ago", with(func(r *app.Recording) { r.Status, r.StartedAt = app.RecordingReady, at(-time.Hour) }), nil},
		{"still being recorded", with(func(r *app.Recording) { r.Status = app.RecordingRunning }), nil},
		{"failed", with(func(r *app.Recording) { r.Status, r.Error = app.RecordingFailed, "boom" }), []string{RecordingFailed}},
		{"not started", State{Meetings: []app.MeetingDetail{{Meeting: failed}}}, []string{RecordingFailed}},
		{"not downloaded", with(func(r *app.Recording) {
			r.Download = &app.Download{State: app.DownloadFailed, AskedAt: at(time.Minute), Reason: "disk"}
		}), []string{DownloadFailed}},
		{"alone", State{Meetings: []app.MeetingDetail{{Meeting: recorded}}}, []string{AloneRecording}},
		{"an account", State{Accounts: []app.AccountStatus{{Name: "acme", Health: "failing", Detail: "no"}}}, []string{AccountFailed}},
		{"an account without a secret", State{Accounts: []app.AccountStatus{{Name: "acme", Health: "no webhook secret"}}}, nil},
		{"the tunnel", State{Tunnel: app.TunnelStatus{State: "degraded", Reason: "refused"}}, []string{TunnelFailed}},
		{"a tunnel that opens", State{Tunnel: app.TunnelStatus{State: "connecting"}}, nil},
		{"a tunnel that can't", State{Tunnel: app.TunnelStatus{State: "connecting", Reason: "no route"}}, []string{TunnelFailed}},
		{"no tunnel", State{Tunnel: app.TunnelStatus{State: "closed"}}, nil},
	} {
		var m Memory
		m.Next(State{Now: t0})
		test.state.Now = t0.Add(time.Hour)
		calls := after(&m, test.state, time.Minute)
		if got := events(calls); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
		for _, c := range calls {
			if s := Sentence(c); s == "" || c.At.IsZero() || strings.Contains(s, "an event") {
				t.Errorf("%s: %+v is %q", test.name, c, s)
			}
		}
		if again := after(&m, test.state, 2*time.Hour); len(again) > 0 {
			t.Errorf("%s: called again for %q", test.name, events(again))
		}
	}
}

func TestThePersonAndThePlace(t *testing.T) {
	var m Memory
	calls, changed, _ := m.Next(State{Now: t0, Meetings: []app.MeetingDetail{{
		Meeting: app.Meeting{ID: "m", Room: "hall", Account: "acme", Platform: "daily", GuestURL: "https://x/y"},
		Participants: []app.Stay{
			{Session: "2", Name: "Late", JoinedAt: at(2)}, {Session: "1", Name: "First", JoinedAt: at(1)}, {Session: "0", Name: "Host", Owner: true},
		},
	}}})
	want := app.Call{Event: FirstGuest, At: at(1), Room: "hall", Meeting: "m", Account: "acme", Platform: "daily", Person: "First", URL: "https://x/y"}
	if len(calls) != 1 || calls[0] != want || !changed {
		t.Errorf("%+v", calls)
	}
	if s := Sentence(app.Call{Event: Waiting, Person: "\x1b]0;x\a" + strings.Repeat("n", 200), Room: "hall"}); strings.ContainsAny(s, "\x1b\a") || len(s) > 150 {
		t.Errorf("%q", s)
	}
}

// A failure that was over for a moment calls no second time within a quarter of an hour, and afterwards it does.
func TestFailuresComeBack(t *testing.T) {
	var m Memory
	failing := func(now time.Duration) State {
		return State{Now: t0.Add(now), Accounts: []app.AccountStatus{{Name: "acme", Health: "failing"}}}
	}
	health := func(now time.Duration, h string) State {
		return State{Now: t0.Add(now), Accounts: []app.AccountStatus{{Name: "acme", Health: h}}}
	}
	if calls := after(&m, failing(0), 5*time.Second); len(calls) > 0 {
		t.Error("a moment was called for")
	}
	if calls := after(&m, failing(6*time.Second), 5*time.Second); len(calls) != 1 {
		t.Errorf("%d calls", len(calls))
	}
	m.Next(health(20*time.Second, "unchecked")) // as after a restart
	if calls := after(&m, failing(30*time.Second), time.Hour); len(calls) != 0 {
		t.Errorf("a restart called %d times", len(calls))
	}
	m.Next(health(2*time.Hour, "ok"))
	if calls := after(&m, failing(2*time.Hour+time.Second), time.Minute); len(calls) != 1 {
		t.Errorf("another failure called %d times", len(calls))
	}
	m.Next(health(2*time.Hour+2*time.Minute, "ok"))
	if calls := after(&m, failing(2*time.Hour+3*time.Minute), time.Minute); len(calls) != 0 {
		t.Errorf("a flapping account called %d times", len(calls))
	}
	if calls := after(&m, failing(2*time.Hour+4*time.Minute), 20*time.Minute); len(calls) != 1 {
		t.Errorf("one that fails on called %d times", len(calls))
	}
}

func TestARecordingUnderAnotherId(t *testing.T) {
	var m Memory
	m.Next(State{Now: t0})
	r := app.Recording{ID: "bucket", Account: "acme", Status: app.RecordingReady, StartedAt: at(time.Minute)}
	if calls, _, _ := m.Next(State{Now: t0.Add(time.Hour), Recordings: []app.Recording{r}}); len(calls) != 1 {
		t.Fatalf("%+v", calls)
	}
	r.ID, r.Aliases = "platform", []string{"bucket"}
	if calls, _, _ := m.Next(State{Now: t0.Add(time.Hour), Recordings: []app.Recording{r}}); len(calls) != 0 {
		t.Errorf("called again: %+v", calls)
	}
}

func TestWordsIn(t *testing.T) {
	for text, want := range map[string]bool{
		"waiting": true, "waiting, first-guest  starting": true, strings.Join(Words(), " "): true,
		"": false, "waiting kind:x": false, "room:hall": false, "Waiting": false,
	} {
		if in, ok := WordsIn(text); ok != want {
			t.Errorf("%q: %q %t", text, in, ok)
		}
	}
	if len(Words()) != 9 {
		t.Errorf("%q", Words())
	}
}

// Whatever happens in whatever order, with restarts between: what happens once is called for once, and what comes back no more often
// than every quarter of an hour. What lasts is called for.
func TestNoneRepeats(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var m Memory
		s := State{Now: t0}
		m.Next(s)
		once, last, held := map[string]int{}, map[string]time.Time{}, map[string]time.Time{}
		flips := rapid.SliceOfN(rapid.SampledFrom([]string{"account", "unchecked", "tunnel", "alone", "ada", "bo", "guest", "ready", "booking", "restart", "wait", "long"}), 1, 80).Draw(rt, "what happens")
		on := map[string]bool{}
		for _, what := range flips {
			step := time.Second
			switch what {
			case "restart":
				b, err := json.Marshal(m)
				if err != nil {
					rt.Fatal(err)
				}
				var read Memory
				if err := json.Unmarshal(b, &read); err != nil {
					rt.Fatal(err)
				}
				if len(m.Marks) > 0 && !reflect.DeepEqual(m.Marks, read.Marks) {
					rt.Fatalf("%+v became %+v", m, read)
				}
				m = read
			case "wait":
				step = time.Minute
			case "long":
				step = 3 * time.Hour
			default:
				on[what] = !on[what]
			}
			s = stateOf(on, s.Now.Add(step))
			calls, _, soon := m.Next(s)
			for _, c := range calls {
				key := fmt.Sprint(c.Event, c.Person)
				switch c.Event {
				case AccountFailed, TunnelFailed, AloneRecording:
					if before, was := last[key]; was && s.Now.Sub(before) < quiet {
						rt.Fatalf("%s again after %s", key, s.Now.Sub(before))
					}
					last[key] = s.Now
				default:
					if once[key]++; once[key] > 1 {
						rt.Fatalf("%s twice", key)
					}
				}
			}
			pending := on["account"] && !on["unchecked"] && last[AccountFailed].IsZero()
			if pending && !soon {
				rt.Fatal("a failure that lasts isn't looked at again")
			}
			if since, was := held["account"]; !on["account"] || on["unchecked"] {
				delete(held, "account")
			} else if !was {
				held["account"] = s.Now
			} else if s.Now.Sub(since) >= failsFor && last[AccountFailed].IsZero() {
				rt.Fatal("a failure that lasted was not called for")
			}
			for event, flag := range map[string]string{Waiting + "Ada": "ada", Waiting + "Bo": "bo", FirstGuest + "Cy": "guest", RecordingReady: "ready"} {
				if on[flag] && once[event] != 1 {
					rt.Fatalf("%s was called for %d times", event, once[event])
				}
			}
		}
	})
}

// stateOf builds the state in which some things are so.
func stateOf(on map[string]bool, now time.Time) State {
	s := State{Now: now, Accounts: []app.AccountStatus{{Name: "acme", Health: "ok"}}, Tunnel: app.TunnelStatus{State: "live"}}
	if on["account"] {
		s.Accounts[0].Health = "failing"
	}
	if on["unchecked"] {
		s.Accounts[0].Health = "unchecked"
	}
	if on["tunnel"] {
		s.Tunnel = app.TunnelStatus{State: "degraded", Reason: "x"}
	}
	m := app.MeetingDetail{Meeting: app.Meeting{ID: "m", Status: app.Live, Here: 2, Peak: 2, Recording: app.IsRecording}}
	if on["alone"] {
		m.Here = 1
	}
	for _, p := range []struct{ flag, name string }{{"ada", "Ada"}, {"bo", "Bo"}} {
		if on[p.flag] {
			m.Participants = append(m.Participants, app.Stay{Session: p.name, Name: p.name, Waiting: true})
		}
	}
	if on["guest"] {
		m.Participants = append(m.Participants, app.Stay{Session: "c", Name: "Cy", JoinedAt: at(0)})
	}
	s.Meetings = append(s.Meetings, m)
	if on["ready"] {
		s.Recordings = append(s.Recordings, app.Recording{ID: "r", Status: app.RecordingReady, StartedAt: app.At(now)})
	}
	if on["booking"] {
		s.Bookings = append(s.Bookings, app.Booking{ID: "b", Next: at(time.Hour)})
	}
	return s
}

// One failure rings once, whether the meeting reports it, the recording, or first one and then the other.
func TestAFailedRecordingRingsOnce(t *testing.T) {
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	meeting := app.MeetingDetail{Meeting: app.Meeting{ID: "m", Room: "design", Status: app.Live, GuestURL: "https://x.example/design", RecordingError: "disk full"}}
	recording := app.Recording{ID: "r", Account: "daily", Meeting: "m", Room: "design", Status: app.RecordingFailed, Error: "disk full", StartedAt: app.At(now.Add(time.Minute))}
	state := State{Now: now.Add(2 * time.Minute), Meetings: []app.MeetingDetail{meeting}}
	if got := state.conditions(now); len(got) != 1 || got[0].call.Event != RecordingFailed {
		t.Errorf("of the meeting: %+v", got)
	}
	first := state.conditions(now)[0].key
	state.Recordings = []app.Recording{recording}
	got := state.conditions(now)
	if len(got) != 1 || got[0].call.URL != meeting.GuestURL || !slices.Contains(got[0].former, first) {
		t.Errorf("of both: %+v", got)
	}
}

// No tunnel is none that fails.
func TestNoTunnelRingsNothing(t *testing.T) {
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	state := State{Now: now, Tunnel: app.TunnelStatus{Driver: "none", State: "closed", Reason: "no tunnel"}}
	if got := state.conditions(now); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

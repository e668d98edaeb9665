package hub

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestARecordingWhoseStarterIsNotKnownYet(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.event(provider.Event{
		Kind: provider.KindRecordingStarted, ID: "r1", At: t0.Add(time.Minute),
		Recording: &provider.RecordingEvent{ID: "rec", StartedBy: "ada", StartedAt: t0.Add(time.Minute)},
	})
	b.event(join(m.PlatformRoom, "ada", t0))
	if d := b.meeting("design"); d.Recording != app.IsRecording {
		t.Errorf("%s", d.Recording)
	}
	all, err := b.Recordings(t.Context(), app.RecordingQuery{Meeting: "design"})
	if err != nil || len(all) != 1 || all[0].Room != "design" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestARoomIsNotDeletedWhileAMeetingOfItStarts(t *testing.T) {
	b := newBench(t)
	b.room("design")
	b.platform.mu.Lock() // the platform takes its time
	started, deleted := make(chan error), make(chan error)
	go func() {
		_, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "design"})
		started <- err
	}()
	go func() {
		_, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "design"})
		deleted <- err
	}()
	b.platform.mu.Unlock()
	s, d := <-started, <-deleted
	if s == nil && !errors.Is(d, provider.Conflict) || s != nil && (!errors.Is(s, provider.NotFound) || d != nil) {
		t.Errorf("start: %v, delete: %v", s, d)
	}
}

func TestAnAdoptedRoomThatIsMadeAgainHasANewMeeting(t *testing.T) {
	b := newBench(t)
	b.event(join("office", "ada", t0))
	first := b.meeting("office")
	b.clock.Advance(time.Hour)
	if _, err := b.EndMeeting(t.Context(), app.MeetingRef{Ref: first.ID}); err != nil {
		t.Fatal(err)
	}
	if !b.platform.ended[0].Keep {
		t.Error("a room that is not ours would be deleted")
	}
	left := person("ada", t0)
	left.LeftAt = b.clock.Now().Add(5 * time.Second)
	b.event(provider.Event{
		Kind: provider.KindParticipantLeft, ID: "l", At: left.LeftAt, Room: "office", Participant: left,
	})
	b.clock.Advance(time.Hour)
	b.event(join("office", "bob", b.clock.Now()))
	second := b.meeting("office")
	if second.ID == first.ID || second.Status != app.Live || second.Here != 1 || second.RoomID != first.RoomID {
		t.Errorf("%+v", second)
	}
	if d := b.meeting(first.ID); d.Here != 0 || len(d.Participants) != 1 || d.Status != app.Ended {
		t.Errorf("%+v", d)
	}
}

func TestAMeetingThatLivesAgainHasARoom(t *testing.T) {
	b := newBench(t)
	b.room("design")
	s, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "design", For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Hour)
	b.lookupFails(provider.NotFound)
	newEndWatcher(b.Hub, b.order[0]).turn(t.Context())
	if d := b.meeting(s.ID); d.Status != app.Ended || !d.EndedAt.Equal(s.EndsAt.Time) {
		t.Fatalf("%s at %v, booked until %v", d.Status, d.EndedAt, s.EndsAt)
	}
	if _, err := b.DeleteRoom(t.Context(), app.RoomRef{Ref: "design"}); err != nil {
		t.Fatal(err)
	}
	b.event(join(s.PlatformRoom, "ada", b.clock.Now()))
	rooms, err := b.Rooms(t.Context(), app.RoomQuery{})
	if err != nil || len(rooms) != 1 || rooms[0].Meeting == nil || rooms[0].Meeting.ID != s.ID || rooms[0].Meeting.Status != app.Live {
		t.Errorf("%+v, %v", rooms, err)
	}
}

func TestABookingThatIsOverIsNotUsedAgain(t *testing.T) {
	b := newBench(t)
	b.platform.traits.Linger = time.Hour
	b.room("design")
	s, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "design", For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(10 * time.Minute)
	again, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "design", For: time.Hour})
	if err != nil || again.Reused || again.ID == s.ID || !again.EndsAt.Equal(b.clock.Now().Add(time.Hour)) {
		t.Errorf("%+v, %v", again, err)
	}
	if d := b.meeting(s.ID); d.Status != app.Ended || !d.EndedAt.Equal(s.EndsAt.Time) {
		t.Errorf("%s at %v", d.Status, d.EndedAt)
	}
}

func TestAMeetingWithPeopleInItIsNotGone(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.event(join(m.PlatformRoom, "ada", t0))
	b.platform.mu.Lock()
	b.platform.lookup = &provider.Error{Kind: provider.NotFound, Platform: provider.Daily, Op: "look up"}
	b.platform.mu.Unlock()
	if again := b.start("design"); !again.Reused || again.ID != m.ID {
		t.Errorf("%+v", again)
	}
	if d := b.meeting(m.ID); d.Status != app.Live {
		t.Errorf("%s", d.Status)
	}
}

// The host's link is made when it is asked for, and kept nowhere.
func TestNoHostLinkIsStored(t *testing.T) {
	b := newBench(t)
	b.room("design")
	if m := b.start("design"); !strings.Contains(m.HostURL, "?t=secret") {
		t.Fatalf("the host's link is %q", m.HostURL)
	}
	if l, err := b.MeetingLink(t.Context(), app.LinkRequest{Meeting: "design", Host: true}); err != nil || l.URL == "" {
		t.Fatal(l, err)
	}
	b.close()
	raw, err := os.ReadFile(b.path)
	if err != nil || !bytes.Contains(raw, []byte("https://x.example/design-")) {
		t.Fatalf("the store doesn't hold the meeting: %v", err)
	}
	if bytes.Contains(raw, []byte("t=secret")) {
		t.Error("the host's link is in the store")
	}
}

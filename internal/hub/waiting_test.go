package hub

import (
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Platforms let a guest who was turned away, or who left, ask again without loading the page again.
func TestAGuestWhoKnocksAgainIsShownAndAnnounced(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.clock.Advance(time.Hour)
	knock := func(minutes int) provider.Event {
		at := t0.Add(time.Duration(minutes) * time.Minute)
		return provider.Event{Kind: provider.KindParticipantWaiting, ID: "knock" + at.String(), At: at, Room: m.PlatformRoom, Participant: &provider.Participant{Session: "ada", Name: "Ada"}}
	}
	b.event(knock(1))
	b.event(join(m.PlatformRoom, "ada", t0.Add(2*time.Minute)))
	b.event(leave(m.PlatformRoom, "ada", t0.Add(2*time.Minute), t0.Add(3*time.Minute)))
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.event(knock(5))
	d := b.meeting("design")
	if d.Waiting != 1 || d.Here != 0 || len(d.Participants) != 2 {
		t.Fatalf("%d waiting, %d here: %+v", d.Waiting, d.Here, d.Participants)
	}
	waits, was := d.Participants[0], d.Participants[1]
	if !waits.Waiting || !waits.JoinedAt.IsZero() || !waits.LeftAt.IsZero() || !waits.WaitingSince.Equal(t0.Add(5*time.Minute)) {
		t.Errorf("waiting: %+v", waits)
	}
	if was.Waiting || !was.JoinedAt.Equal(t0.Add(2*time.Minute)) || !was.LeftAt.Equal(t0.Add(3*time.Minute)) || !was.WaitingSince.IsZero() {
		t.Errorf("the visit before: %+v", was)
	}
	for late := time.After(patience); ; {
		select {
		case c := <-changes:
			if c.Kind == app.ActivityChange && c.Activity.Kind == provider.KindParticipantWaiting {
				return
			}
		case <-late:
			t.Fatal("the second knock was not announced")
		}
	}
}

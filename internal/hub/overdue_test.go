package hub

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// extending is a platform that moves the end of meetings.
type extending struct {
	*platform
	moved []time.Time
	fails error
}

func (e *extending) Extend(_ context.Context, _ provider.Meeting, until time.Time) error {
	if e.fails == nil {
		e.moved = append(e.moved, until)
	}
	return e.fails
}

func extendingBench(t *testing.T) (*bench, *extending, *endWatcher) {
	b := newBench(t)
	b.close()
	p := &extending{platform: b.platform}
	b.accounts[0].Provider = p
	b.open()
	return b, p, newEndWatcher(b.Hub, b.order[0])
}

func (b *bench) startFor(room string, length time.Duration) app.Meeting {
	b.t.Helper()
	b.room(room)
	m, err := b.StartMeeting(b.t.Context(), app.StartMeeting{Room: room, For: length})
	if err != nil {
		b.t.Fatal(err)
	}
	return m.Meeting
}

// pass lets time pass, the watcher looking every ten seconds.
func (b *bench) pass(w *endWatcher, length time.Duration) {
	for end := b.clock.Now().Add(length); b.clock.Now().Before(end); {
		b.clock.Advance(10 * time.Second)
		w.turn(b.t.Context())
	}
}

func (b *bench) lookupFails(kind provider.Kind) {
	b.platform.mu.Lock()
	defer b.platform.mu.Unlock()
	b.platform.lookup = &provider.Error{Kind: kind, Platform: provider.Daily, Op: "look up"}
}

func TestAMeetingWithPeopleInItOutlivesItsBooking(t *testing.T) {
	b, p, w := extendingBench(t)
	m := b.startFor("design", 2*time.Hour)
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.pass(w, 90*time.Minute)
	if len(p.moved) != 0 {
		t.Fatalf("the meeting is empty, and the end was moved to %v", p.moved)
	}
	b.event(join(m.PlatformRoom, "ada", b.clock.Now()))
	b.pass(w, 4*time.Hour)
	d := b.meeting(m.ID)
	if d.Status != app.Live || d.EndsAt.Sub(b.clock.Now()) < 50*time.Minute || len(p.moved) < 4 || !d.BookedUntil.Equal(m.EndsAt.Time) {
		t.Errorf("%s until %v, booked until %v, moved to %v", d.Status, d.EndsAt, d.BookedUntil, p.moved)
	}
	for i, until := range p.moved {
		if want := m.EndsAt.Add(time.Duration(i+1) * time.Hour); !until.Equal(want) {
			t.Errorf("moved to %v, not %v", until, want)
		}
	}
	b.event(leave(m.PlatformRoom, "ada", t0.Add(90*time.Minute), b.clock.Now()))
	b.pass(w, time.Minute)
	moved := len(p.moved)
	b.lookupFails(provider.NotFound)
	b.pass(w, 3*time.Hour)
	if d := b.meeting(m.ID); d.Status != app.Ended || len(p.moved) != moved {
		t.Errorf("%s after everyone left, moved %d times since", d.Status, len(p.moved)-moved)
	}
	for late := time.After(patience); ; {
		select {
		case c := <-changes:
			if c.Kind == app.ActivityChange && c.Activity.Kind == app.MeetingExtended {
				return
			}
		case <-late:
			t.Fatal("the move was not reported")
		}
	}
}

// A refusal, or a room of others, changes no end; and while people are there a 404 ends nothing.
func TestAMeetingWhoseEndCannotBeMovedLastsAsLongAsItsPeople(t *testing.T) {
	for _, adopted := range []bool{true, false} {
		t.Run(fmt.Sprint("adopted ", adopted), func(t *testing.T) {
			b, p, w := extendingBench(t)
			room := "office"
			if !adopted {
				p.fails = &provider.Error{Kind: provider.NotFound, Platform: provider.Daily, Op: "extend"}
				room = b.startFor("design", 30*time.Minute).PlatformRoom
			}
			b.event(join(room, "ada", t0))
			if adopted {
				if err := b.changeAnEnd(room, t0.Add(30*time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
			b.lookupFails(provider.NotFound)
			b.pass(w, 2*time.Hour)
			if d := b.meeting(room); d.Status != app.Live || len(p.moved) != 0 || !d.BookedUntil.IsZero() {
				t.Errorf("%s (%s), moved to %v", d.Status, d.EndReason, p.moved)
			}
			b.event(leave(room, "ada", t0, b.clock.Now()))
			b.pass(w, time.Minute)
			if d := b.meeting(room); d.Status != app.Ended || d.EndReason != "expired" {
				t.Errorf("%s (%s) after everyone left", d.Status, d.EndReason)
			}
		})
	}
}

func (b *bench) changeAnEnd(room string, end time.Time) error {
	m := b.meeting(room)
	w := newEndWatcher(b.Hub, b.order[0])
	w.complete(b.t.Context(), m.ID, provider.Meeting{Until: end})
	if got := b.meeting(room).EndsAt; !got.Equal(end) {
		return errors.New("the end is " + got.String())
	}
	return nil
}

// A clock that is ahead for a moment ends no meeting whose room the platform still has.
func TestOneReadingOfTheClockEndsNoMeeting(t *testing.T) {
	for name, lookup := range map[string]provider.Kind{"the room is there": "", "no answer": provider.Unavailable} {
		t.Run(name, func(t *testing.T) {
			b, _, w := extendingBench(t)
			m := b.startFor("design", time.Hour)
			if lookup != "" {
				b.lookupFails(lookup)
			}
			b.clock.Advance(24 * 365 * time.Hour)
			w.turn(t.Context())
			b.clock.Advance(-24 * 365 * time.Hour)
			w.turn(t.Context())
			if d := b.meeting(m.ID); d.Status == app.Ended {
				t.Errorf("ended: %s", d.EndReason)
			}
			b.pass(w, time.Hour+overdueFor+time.Minute)
			if d := b.meeting(m.ID); d.Status != app.Ended || !d.EndedAt.Equal(m.EndsAt.Time) {
				t.Errorf("%s at %v", d.Status, d.EndedAt)
			}
		})
	}
}

// Where a room outlives its end by an hour, people seen after that are in it.
func TestPeopleSeenAfterTheEndKeepAMeeting(t *testing.T) {
	b, p, w := extendingBench(t)
	p.fails = &provider.Error{Kind: provider.Unsupported, Platform: provider.Daily, Op: "extend"}
	b.platform.traits.Linger = time.Hour
	b.lookupFails(provider.NotFound)
	m := b.startFor("design", 10*time.Minute)
	b.event(join(m.PlatformRoom, "ada", t0))
	b.clock.Advance(71 * time.Minute)
	if err := b.Observe(t.Context(), m.ID, Reading{Begun: b.clock.Now(), Here: []provider.Participant{*person("ada", t0)}}); err != nil {
		t.Fatal(err)
	}
	b.pass(w, time.Minute)
	if d := b.meeting(m.ID); d.Status != app.Live {
		t.Errorf("%s", d.Status)
	}
	other := b.startFor("other", 10*time.Minute)
	b.event(join(other.PlatformRoom, "bob", b.clock.Now()))
	b.pass(w, 72*time.Minute)
	if d := b.meeting(other.ID); d.Status != app.Ended {
		t.Errorf("%s, though no one was seen since its room was removed", d.Status)
	}
}

func TestAnEndBeyondAllClocksIsRefusedBeforeAnyCall(t *testing.T) {
	b := newBench(t)
	b.room("design")
	for name, req := range map[string]app.StartMeeting{
		"the year 10000": {Until: app.Time{Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -5*3600))}},
		"in 101 years":   {Until: app.At(t0.AddDate(101, 0, 0))},
		"a long time":    {For: 200 * 365 * 24 * time.Hour},
	} {
		req.Room = "design"
		if _, err := b.StartMeeting(t.Context(), req); !errors.Is(err, provider.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.platform.created) != 0 {
		t.Errorf("made %+v", b.platform.created)
	}
}

// closing is a platform whose room is made just when the store can't be written any more.
type closing struct {
	*platform
	hub func() *Hub
}

func (c closing) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	m, err := c.platform.CreateMeeting(ctx, s)
	return m, errors.Join(err, c.hub().store.Close())
}

func TestWhatCannotBeWrittenDownIsRemovedFromThePlatform(t *testing.T) {
	for _, stays := range []bool{false, true} {
		b := newBench(t)
		b.close()
		b.accounts[0].Provider = closing{b.platform, func() *Hub { return b.Hub }}
		b.open()
		b.room("design")
		if stays {
			b.platform.mu.Lock()
			b.platform.endFails = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily, Op: "end"}
			b.platform.mu.Unlock()
		}
		_, err := b.StartMeeting(t.Context(), app.StartMeeting{Room: "design"})
		if err == nil || len(b.platform.ended) != 1 || b.platform.ended[0].Room != b.platform.created[0].Name {
			t.Errorf("%v, ended %+v", err, b.platform.ended)
		}
		b.close()
	}
}

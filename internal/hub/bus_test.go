package hub

import (
	"context"
	"slices"
	"testing"

	"greenroom/internal/app"
)

// A reader keeps its place until more than the backlog waits for it. Then it receives a single Missed, and what follows.
func TestAReaderThatFallsTooFarBehindMissesOnlyItsBacklog(t *testing.T) {
	s := &subscriber{wake: make(chan struct{}, 1)}
	kinds := func() (out []app.ChangeKind) {
		for _, c := range slices.Concat(s.pending...) {
			out = append(out, c.Kind)
		}
		return out
	}
	s.add(make([]app.Change, backlog-1))
	s.add([]app.Change{{Kind: app.RoomChange}})
	if got := kinds(); len(got) != backlog || got[backlog-1] != app.RoomChange {
		t.Fatalf("%d wait", len(got))
	}
	s.add([]app.Change{{Kind: app.RoomChange}})
	if got := kinds(); !slices.Equal(got, []app.ChangeKind{app.Missed}) {
		t.Errorf("%d wait: %.3v", len(got), got)
	}
	s.add([]app.Change{{Kind: app.MeetingChange}, {Kind: app.StatusChange}})
	if got := kinds(); !slices.Equal(got, []app.ChangeKind{app.Missed, app.MeetingChange, app.StatusChange}) {
		t.Errorf("%.5v", got)
	}
}

// Every reader receives what is published while it reads, in order; nothing after it has left, and nothing after the end.
func TestReadersReceiveWhatIsPublished(t *testing.T) {
	b := newBench(t)
	ctx, leave := context.WithCancel(t.Context())
	first, second := b.bus.subscribe(ctx, nil), b.bus.subscribe(t.Context(), nil)
	for _, k := range []app.ChangeKind{app.RoomChange, app.MeetingChange} {
		b.bus.publish([]app.Change{{Kind: k}})
	}
	for _, ch := range []<-chan app.Change{first, second} {
		if a, z := <-ch, <-ch; a.Kind != app.RoomChange || z.Kind != app.MeetingChange {
			t.Errorf("%v, %v", a.Kind, z.Kind)
		}
	}
	leave()
	for range first { // closed once it is forgotten
	}
	if n := len(b.bus.subs); n != 1 {
		t.Errorf("%d readers", n)
	}
	b.bus.publish([]app.Change{{Kind: app.StatusChange}})
	if c := <-second; c.Kind != app.StatusChange {
		t.Errorf("%v", c.Kind)
	}
	b.bus.close()
	b.bus.close()
	if _, open := <-second; open {
		t.Error("a change after the end")
	}
	if _, open := <-b.bus.subscribe(t.Context(), nil); open {
		t.Error("a subscription after the end")
	}
}

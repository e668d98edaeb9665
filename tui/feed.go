package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/tui/pane"
)

// coalesce is how long changes are collected. View runs once for each message, so 2,000 changes a second must not become
// 2,000 messages. While changes keep coming, batches are steady apart: more frames than that can't be read, and keys need the time.
const coalesce, steady = 25 * time.Millisecond, 100 * time.Millisecond

// unhurried is how long changes are collected that only confirm what is known: presence is read several times a second with a hundred
// live meetings.
const unhurried = time.Second

// The limits of one batch. Deliveries beyond them are only counted.
const (
	maxDeliveries = 400
	maxActivity   = 100
	maxNews       = 200
)

// changes are the changes of one interval.
type changes struct {
	pane.Changes
	// calls are those of the user.
	calls []app.Call
	// link is set when the subscription began or broke.
	link linkState
	err  error
}

// linkState is the state of the subscription.
type linkState int

const (
	linkSame linkState = iota
	linkUp
	linkDown
)

func (c *changes) add(ch app.Change) {
	switch ch.Kind {
	case app.DeliveryChange:
		if ch.Delivery == nil {
			return
		}
		c.Total++
		c.Deliveries = append(c.Deliveries, *ch.Delivery)
		if n := len(c.Deliveries); n >= 2*maxDeliveries {
			c.Deliveries = append(c.Deliveries[:0], c.Deliveries[n-maxDeliveries:]...)
		}
	case app.ActivityChange:
		if ch.Activity == nil {
			return
		}
		c.Activity = append(c.Activity, *ch.Activity)
		if n := len(c.Activity); n >= 2*maxActivity {
			c.Activity = append(c.Activity[:0], c.Activity[n-maxActivity:]...)
		}
	case app.MeetingChange:
		if ch.Meeting == nil {
			return
		}
		if c.Meetings == nil {
			c.Meetings = map[string]app.Meeting{}
		}
		c.Meetings[ch.Meeting.ID] = *ch.Meeting
		delete(c.Confirmed, ch.Meeting.ID)
	case app.RoomChange, app.BookingChange:
		c.Rooms = true
	case app.RecordingChange:
		if ch.Recording == nil || ch.Deleted || len(c.News) >= maxNews {
			c.Recordings = true
			return
		}
		if c.News == nil {
			c.News = map[app.RecordingRef]app.Recording{}
		}
		c.News[ch.Recording.Ref()] = *ch.Recording
	case app.CallChange:
		if ch.Call != nil && len(c.calls) < maxNews {
			c.calls = append(c.calls, *ch.Call)
		}
	case app.StatusChange:
		c.Status = true
	case app.Missed:
		c.Missed = true
	}
}

// confirm adds a meeting of which the evidence alone is newer.
func (c *changes) confirm(m app.Meeting) {
	if _, changed := c.Meetings[m.ID]; changed {
		c.Meetings[m.ID] = m
		return
	}
	if c.Confirmed == nil {
		c.Confirmed = map[string]app.Meeting{}
	}
	c.Confirmed[m.ID] = m
}

// feed keeps one subscription open, collects its changes, and returns them as batches. A batch grows until it is asked
// for, within limits.
type feed struct {
	backend app.Backend
	clock   clockwork.Clock
	out     chan changes
	done    chan struct{}
	started bool
	// known are the meetings as they were reported last.
	known map[string]app.Meeting
}

func newFeed(b app.Backend, clock clockwork.Clock) *feed {
	return &feed{backend: b, clock: clock, out: make(chan changes), done: make(chan struct{})}
}

// start subscribes until ctx ends.
func (f *feed) start(ctx context.Context, g *crash.Group) {
	f.started = true
	g.Go("screen changes", func() {
		defer close(f.done)
		f.run(ctx)
	})
}

// wait returns once the goroutine has ended.
func (f *feed) wait() {
	if f.started {
		<-f.done
	}
}

// next returns the command that waits for the next batch.
func (f *feed) next(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		select {
		case c := <-f.out:
			return c
		case <-f.done:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// run subscribes again whenever the stream ends, with growing delays while that fails.
func (f *feed) run(ctx context.Context) {
	const first, most = 250 * time.Millisecond, 5 * time.Second
	delay := first
	for ctx.Err() == nil {
		began := f.clock.Now()
		err := f.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if f.clock.Since(began) > most {
			delay = first
		}
		if !f.send(ctx, changes{link: linkDown, err: err}) {
			return
		}
		select {
		case <-f.clock.After(delay):
		case <-ctx.Done():
		}
		delay = min(2*delay, most)
	}
}

func (f *feed) send(ctx context.Context, c changes) bool {
	select {
	case f.out <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream collects and sends changes until the subscription ends.
func (f *feed) stream(ctx context.Context) error {
	sub, err := f.backend.Subscribe(ctx)
	if err != nil {
		return err
	}
	batch := changes{link: linkUp}
	f.known = map[string]app.Meeting{}
	var due <-chan time.Time
	urgent := false
	ready := f.out // the first batch goes out at once
	var sent time.Time
	for {
		select {
		case ch, ok := <-sub:
			if !ok {
				return nil
			}
			confirms := f.confirms(ch)
			if confirms {
				batch.confirm(*ch.Meeting)
			} else {
				batch.add(ch)
			}
			switch {
			case ready != nil:
			case !confirms && !urgent:
				due, urgent = f.clock.After(max(coalesce, steady-f.clock.Since(sent))), true
			case due == nil:
				due = f.clock.After(unhurried)
			}
		case <-due:
			due, urgent, ready = nil, false, f.out
		case ready <- batch:
			batch, ready, sent = changes{}, nil, f.clock.Now()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// confirms notes a meeting, and reports whether the change is newer evidence and nothing else.
func (f *feed) confirms(ch app.Change) bool {
	switch {
	case ch.Kind == app.Missed:
		clear(f.known)
	case ch.Kind == app.MeetingChange && ch.Meeting != nil:
		had, known := f.known[ch.Meeting.ID]
		if f.known[ch.Meeting.ID] = *ch.Meeting; ch.Meeting.Status == app.Ended {
			delete(f.known, ch.Meeting.ID)
		}
		return known && ch.Meeting.Confirms(had)
	}
	return false
}

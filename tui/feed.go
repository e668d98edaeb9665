package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
)

// coalesce is how long changes are gathered before the screen hears of them: View runs once for each message, so that
// 2,000 changes a second must not be 2,000 messages.
const coalesce = 25 * time.Millisecond

// What one batch may hold; what goes beyond is only counted.
const (
	maxDeliveries = 400
	maxActivity   = 100
	maxNews       = 200
)

// changes is what happened within one coalescing interval.
type changes struct {
	deliveries []app.Delivery // the last ones, in order of arrival
	total      int            // how many there were
	activity   []app.Activity
	meetings   map[string]app.Meeting
	rooms      bool
	// recordings says that some changed of which the stream told too little; news are the others as they stand now.
	recordings bool
	news       map[app.RecordingRef]app.Recording
	status     bool
	missed     bool
	// link is set when the subscription began or broke.
	link linkState
	err  error
}

// linkState is what the subscription is doing.
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
		c.total++
		c.deliveries = append(c.deliveries, *ch.Delivery)
		if n := len(c.deliveries); n >= 2*maxDeliveries {
			c.deliveries = append(c.deliveries[:0], c.deliveries[n-maxDeliveries:]...)
		}
	case app.ActivityChange:
		if ch.Activity == nil {
			return
		}
		c.activity = append(c.activity, *ch.Activity)
		if n := len(c.activity); n >= 2*maxActivity {
			c.activity = append(c.activity[:0], c.activity[n-maxActivity:]...)
		}
	case app.MeetingChange:
		if ch.Meeting == nil {
			return
		}
		if c.meetings == nil {
			c.meetings = map[string]app.Meeting{}
		}
		c.meetings[ch.Meeting.ID] = *ch.Meeting
	case app.RoomChange:
		c.rooms = true
	case app.RecordingChange:
		if ch.Recording == nil || ch.Deleted || len(c.news) >= maxNews {
			c.recordings = true
			return
		}
		if c.news == nil {
			c.news = map[app.RecordingRef]app.Recording{}
		}
		c.news[ch.Recording.Ref()] = *ch.Recording
	case app.StatusChange:
		c.status = true
	case app.Missed:
		c.missed = true
	}
}

// feed keeps one subscription open, gathers what it says, and hands it to whoever asks for the next batch. While nobody
// asks the batch grows, within limits.
type feed struct {
	backend app.Backend
	clock   clockwork.Clock
	out     chan changes
	done    chan struct{}
	started bool
}

func newFeed(b app.Backend, clock clockwork.Clock) *feed {
	return &feed{backend: b, clock: clock, out: make(chan changes), done: make(chan struct{})}
}

// start begins to subscribe, until ctx ends.
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

// next is the command that waits for the next batch.
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

// run subscribes again whenever the stream ends, less and less often while that fails.
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

// stream gathers and hands over until the subscription ends.
func (f *feed) stream(ctx context.Context) error {
	sub, err := f.backend.Subscribe(ctx)
	if err != nil {
		return err
	}
	batch := changes{link: linkUp}
	var due <-chan time.Time
	ready := f.out // the first batch goes out at once
	for {
		select {
		case ch, ok := <-sub:
			if !ok {
				return nil
			}
			batch.add(ch)
			if due == nil && ready == nil {
				due = f.clock.After(coalesce)
			}
		case <-due:
			due, ready = nil, f.out
		case ready <- batch:
			batch, ready = changes{}, nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

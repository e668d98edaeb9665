package fetch

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"greenroom/internal/recording"
)

// yieldAfter is how long a file may go without a new byte before it yields its place to another one.
const yieldAfter = 5 * time.Second

// turn is a task's place among the concurrent downloads. A task that receives no bytes yields it, and waits for another place before it
// writes the next byte.
type turn struct {
	slots *semaphore.Weighted
	// asking holds an element while one of the task's workers waits for a place.
	asking chan struct{}

	mu   sync.Mutex
	held bool
}

func newTurn(slots *semaphore.Weighted) *turn {
	return &turn{slots: slots, asking: make(chan struct{}, 1)}
}

// take returns when the task has a place. Tasks get places in the order of their calls.
func (t *turn) take(ctx context.Context) error {
	if t.has() {
		return nil
	}
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-t.asking }()
	if t.has() {
		return nil
	}
	if err := t.slots.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = true
	return nil
}

// yield releases the place, and reports whether there was one.
func (t *turn) yield() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.held
	if t.held = false; was {
		t.slots.Release(1)
	}
	return was
}

func (t *turn) has() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held
}

// attend sends the task's reports, and yields its place while nothing arrives, until ctx ends.
func (f *fetch) attend(ctx context.Context) {
	tick := f.d.opt.Clock.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.Chan():
			if f.meter.idle() >= yieldAfter && f.meter.stats().State == recording.Running && f.turn.yield() {
				f.meter.yielded(true, "the source has sent nothing for "+yieldAfter.String())
			}
			f.meter.send()
		}
	}
}

// admitted returns when the task may write: immediately, unless it has yielded its place.
func (f *fetch) admitted(ctx context.Context) error {
	if f.turn.has() {
		return nil
	}
	f.meter.state(recording.Waiting, "")
	if err := f.turn.take(ctx); err != nil {
		return err
	}
	f.meter.yielded(false, "")
	f.meter.state(recording.Running, "")
	return nil
}

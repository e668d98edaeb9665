package rest

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// watch ends attempts that take too long. It does what context.WithTimeout does, with one timer for all attempts of a
// client instead of one each: setting and stopping a timer costs more than everything else that this package does for a
// call. All attempts have the same time, so that the oldest is always the next to end.
type watch struct {
	after time.Duration

	mu sync.Mutex
	// running holds the attempts' *guard, oldest first.
	running list.List
	// armed says that the timer will fire, at or before the oldest attempt's deadline.
	armed bool
}

// guard is one attempt's end.
type guard struct {
	deadline time.Time
	cancel   context.CancelCauseFunc
}

// begin gives the context of an attempt and what must be called when it is over. When its time is up the context's cause
// is context.DeadlineExceeded.
func (w *watch) begin(ctx context.Context) (context.Context, func()) {
	actx, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	at := w.running.PushBack(&guard{deadline: time.Now().Add(w.after), cancel: cancel})
	if !w.armed {
		w.armed = true
		time.AfterFunc(w.after, w.fire)
	}
	w.mu.Unlock()
	return actx, func() {
		w.mu.Lock()
		w.running.Remove(at)
		w.mu.Unlock()
		cancel(nil)
	}
}

// fire ends the attempts whose time is up, and comes again for the oldest of the others.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		front := w.running.Front()
		if front == nil {
			w.armed = false
			return
		}
		g := front.Value.(*guard)
		if left := time.Until(g.deadline); left > 0 {
			time.AfterFunc(left, w.fire)
			return
		}
		g.cancel(context.DeadlineExceeded)
		w.running.Remove(front)
	}
}

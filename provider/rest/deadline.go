package rest

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// watch ends attempts that take too long. It replaces context.WithTimeout with one timer for all attempts of a client: setting
// and stopping a timer costs more than everything else that this package does for a call. All attempts have the same timeout, so
// the oldest is always the next to end.
type watch struct {
	after time.Duration

	mu sync.Mutex
	// running holds the attempts' *guard, oldest first.
	running list.List
	// armed means that the timer will fire, at or before the oldest attempt's deadline.
	armed bool
}

// guard is the deadline of one attempt.
type guard struct {
	deadline time.Time
	cancel   context.CancelCauseFunc
}

// begin returns the context of an attempt and a function to call when it is over. After the deadline the context's cause is
// context.DeadlineExceeded.
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

// fire ends the attempts past their deadline, and sets the timer for the oldest of the others.
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

package sandbox

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// appointment is a future event in the world. do is called with the world locked, and with the time at which it was due.
type appointment struct {
	at  time.Time
	seq int
	do  func(at time.Time)
}

// agenda is a heap of appointments by time, then by order of creation.
type agenda struct {
	items []appointment
	seq   int
}

func (a *agenda) Len() int { return len(a.items) }
func (a *agenda) Less(i, j int) bool {
	if !a.items[i].at.Equal(a.items[j].at) {
		return a.items[i].at.Before(a.items[j].at)
	}
	return a.items[i].seq < a.items[j].seq
}
func (a *agenda) Swap(i, j int) { a.items[i], a.items[j] = a.items[j], a.items[i] }
func (a *agenda) Push(x any)    { a.items = append(a.items, x.(appointment)) }
func (a *agenda) Pop() any {
	last := len(a.items) - 1
	x := a.items[last]
	a.items[last] = appointment{}
	a.items = a.items[:last]
	return x
}

// at adds an appointment. The world must be locked.
func (w *World) at(t time.Time, do func(at time.Time)) {
	w.agenda.seq++
	heap.Push(&w.agenda, appointment{at: t, seq: w.agenda.seq, do: do})
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// runDue runs everything that is due. The world must be locked.
func (w *World) runDue() time.Time {
	now := w.clock.Now()
	for w.agenda.Len() > 0 && !w.agenda.items[0].at.After(now) {
		next := heap.Pop(&w.agenda).(appointment)
		next.do(next.at)
	}
	return now
}

// lock locks the world and brings it up to the clock; it returns the time that is valid until unlock.
func (w *World) lock() time.Time {
	w.mu.Lock()
	return w.runDue()
}

// unlock ends a lock and wakes all who wait for a change.
func (w *World) unlock() {
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
}

// keepTime runs appointments when they are due.
func (w *World) keepTime() {
	for {
		w.lock()
		var next time.Time
		if w.agenda.Len() > 0 {
			next = w.agenda.items[0].at
		}
		w.unlock()
		if !w.rest(next, w.wake) {
			return
		}
	}
}

// rest waits until the clock reaches next (never, if zero) or wake is signalled. It returns false once the world is closed.
func (w *World) rest(next time.Time, wake <-chan struct{}) bool {
	var due <-chan time.Time
	if !next.IsZero() {
		t := w.clock.NewTimer(w.clock.Until(next))
		defer t.Stop()
		// A fake clock may have been advanced between the two readings above.
		if !w.clock.Now().Before(next) {
			return w.ctx.Err() == nil
		}
		due = t.Chan()
	}
	select {
	case <-w.ctx.Done():
		return false
	case <-wake:
	case <-due:
	}
	return true
}

// Settle returns when everything that is due by the world's clock has happened and every webhook that is due has been attempted.
// It does not wait for retries that are due later: advance the clock first.
//
// On a fake clock, call it before advancing too: a webhook that is under way while the clock jumps beyond its timeout fails.
func (w *World) Settle(ctx context.Context) error {
	for {
		now := w.lock()
		busy := false
		for _, h := range w.hooks {
			busy = busy || h.busy(now)
		}
		changed := w.changed
		w.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("sandbox: settle: %w", ctx.Err())
		}
	}
}

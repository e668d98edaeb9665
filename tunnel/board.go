package tunnel

import (
	"reflect"
	"sync"
	"time"
)

// Board passes a driver's [Status] to one reader, who gets the latest one and never blocks the driver. [NewBoard] makes it.
type Board struct {
	mu     sync.Mutex
	now    Status
	out    chan Status
	closed bool
}

// NewBoard returns a board with its first status.
func NewBoard(first Status) *Board {
	b := &Board{now: first, out: make(chan Status, 1)}
	b.out <- first
	return b
}

// Status returns the channel that [Tunnel].Status returns.
func (b *Board) Status() <-chan Status { return b.out }

// Update changes the status, and posts it if it differs. After [Board.Close] nothing is posted.
func (b *Board) Update(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.now
	change(&b.now)
	if b.now.State != Degraded {
		b.now.RetryAt = time.Time{}
	}
	if !b.closed && !reflect.DeepEqual(b.now, was) {
		b.post()
	}
}

// Now returns the latest status.
func (b *Board) Now() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// Close posts the last status, with the state [Closed] and the reason, and closes the channel.
func (b *Board) Close(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	b.now.State, b.now.Reason, b.now.RTT, b.now.RetryAt = Closed, reason, 0, time.Time{}
	b.post()
	close(b.out)
}

func (b *Board) post() {
	select {
	case <-b.out:
	default:
	}
	b.out <- b.now
}

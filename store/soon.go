package store

import (
	"context"
	"errors"
	"time"
)

const (
	// soonWait is how long a write of [Store.UpdateSoon] waits for other writes, while the last ones are not older than soonAfter.
	soonWait  = 5 * time.Millisecond
	soonAfter = 20 * time.Millisecond
)

// UpdateSoon is Update for what must be durable and may wait some milliseconds: while deliveries arrive it shares their commits and causes
// none.
func (s *Store) UpdateSoon(ctx context.Context, f Effect) error {
	return s.enqueue(ctx, s.soon, &write{effect: f, done: make(chan error, 1)})
}

// peek is a read in the writer's goroutine.
type peek struct {
	f    func(*Tx) error
	done chan error
}

var errNothingOpen = errors.New("store: everything is merged")

// Latest is [Store.View] without a merge, which would delay writes. f may run between two commits and must be short.
func (s *Store) Latest(ctx context.Context, f func(*Tx) error) error {
	if !s.unmerged.Load() {
		return s.View(ctx, f)
	}
	p := peek{f, make(chan error, 1)}
	select {
	case s.peeks <- p:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
	err := <-p.done
	if errors.Is(err, errNothingOpen) {
		return s.View(ctx, f)
	}
	return err
}

// peek answers a [Store.Latest] from the open transaction, in which everything is durable between two commits.
func (s *Store) peek(p peek) {
	if s.open == nil {
		p.done <- errNothingOpen
		return
	}
	p.done <- s.noted(s.apply(func() error { return p.f(&Tx{b: s.open, store: s}) }))
}

package hub

import (
	"context"
	"sync"

	"greenroom/internal/app"
	"greenroom/internal/crash"
)

// backlog is how many changes can wait for one slow reader before one Missed replaces them.
const backlog = 4096

// bus delivers changes to subscribers in the order in which they were published. publish never blocks: a reader that falls too
// far behind loses its backlog, receives [app.Missed], and then later changes.
type bus struct {
	crash *crash.Group

	mu     sync.Mutex
	subs   map[*subscriber]struct{}
	closed bool
}

type subscriber struct {
	mu sync.Mutex
	// pending holds the published changes, which all subscribers share; waiting is their number.
	pending [][]app.Change
	waiting int
	wake    chan struct{}
	done    chan struct{}
}

// publish delivers changes, which must not be modified afterwards.
func (b *bus) publish(changes []app.Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.add(changes)
	}
}

// lost replaces the changes that a slow reader has missed.
var lost = []app.Change{{Kind: app.Missed}}

func (s *subscriber) add(changes []app.Change) {
	s.mu.Lock()
	if s.waiting += len(changes); s.waiting > backlog {
		s.pending, s.waiting = [][]app.Change{lost}, len(lost)
	} else {
		s.pending = append(s.pending, changes)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// subscribe returns the changes from now on. complete adds what isn't stored to each; nil adds nothing.
func (b *bus) subscribe(ctx context.Context, complete func(context.Context, app.Change) app.Change) <-chan app.Change {
	s := &subscriber{wake: make(chan struct{}, 1), done: make(chan struct{})}
	out := make(chan app.Change, app.ChangesAtOnce)
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		close(out)
		return out
	}
	if b.subs == nil {
		b.subs = make(map[*subscriber]struct{})
	}
	b.subs[s] = struct{}{}
	b.mu.Unlock()
	b.crash.Go("subscription", func() {
		defer close(out)
		defer b.forget(s)
		s.pump(ctx, out, complete)
	})
	return out
}

func (s *subscriber) pump(ctx context.Context, out chan<- app.Change, complete func(context.Context, app.Change) app.Change) {
	for {
		s.mu.Lock()
		batches := s.pending
		s.pending, s.waiting = nil, 0
		s.mu.Unlock()
		for _, batch := range batches {
			for _, c := range batch {
				if complete != nil {
					c = complete(ctx, c)
				}
				select {
				case out <- c: // a select with one channel costs less
					continue
				default:
				}
				select {
				case out <- c:
				case <-ctx.Done():
					return
				case <-s.done:
					return
				}
			}
		}
		if len(batches) > 0 {
			continue
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		case <-s.done:
			return
		}
	}
}

func (b *bus) forget(s *subscriber) {
	b.mu.Lock()
	delete(b.subs, s)
	b.mu.Unlock()
}

func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	for s := range b.subs {
		close(s.done)
	}
}

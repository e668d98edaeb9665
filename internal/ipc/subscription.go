package ipc

import (
	"context"
	"time"

	"greenroom/internal/app"
)

// Subscribe implements [app.Backend]. When the owner exits, the reader gets a StatusChange, so that the screen can show it; with
// the next owner it gets Missed, for what happened in between, and another StatusChange. The channel is closed when ctx or the
// session ends.
func (s *Session) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	ctx, cancel := context.WithCancel(ctx)
	in, err := s.follow(ctx, s.o.Clock.Now().Add(s.o.Wait))
	if err != nil {
		cancel()
		return nil, err
	}
	out := make(chan app.Change, app.ChangesAtOnce)
	stop := context.AfterFunc(s.life, cancel)
	s.o.Crash.Go("ipc subscription", func() {
		defer close(out)
		defer cancel()
		defer stop()
		for forward(ctx, in, out) && pass(ctx, out, app.Change{Kind: app.StatusChange}) {
			if in, err = s.follow(ctx, time.Time{}); err != nil {
				return
			}
			if !pass(ctx, out, app.Change{Kind: app.Missed}) || !pass(ctx, out, app.Change{Kind: app.StatusChange}) {
				return
			}
		}
	})
	return out, nil
}

// follow subscribes with the owner. It waits for one until the given time.
func (s *Session) follow(ctx context.Context, until time.Time) (<-chan app.Change, error) {
	for {
		l, err := s.await(ctx, until)
		if err != nil {
			return nil, err
		}
		in, err := l.subscribe(ctx)
		l.users.Done()
		if is, _ := isLost(err); !is || l.client == nil {
			return in, err
		}
		l.lose()
	}
}

// forward passes changes on until their stream ends, and reports whether to follow the next owner.
func forward(ctx context.Context, in <-chan app.Change, out chan<- app.Change) bool {
	for {
		select {
		case c, ok := <-in:
			if !ok {
				return ctx.Err() == nil
			}
			if !pass(ctx, out, c) {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
}

// pass hands over one change, and reports false if ctx ended.
func pass(ctx context.Context, out chan<- app.Change, c app.Change) bool {
	select {
	case out <- c: // a select with one channel costs less
		return true
	default:
	}
	select {
	case out <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

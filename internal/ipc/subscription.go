package ipc

import (
	"context"
	"time"

	"greenroom/internal/app"
)

// Subscribe implements [app.Backend]. When the owner goes the reader gets a StatusChange, for the screen to say so; when
// the next one is there it gets Missed, for what happened in between, and another StatusChange. The channel is closed
// when ctx or the session ends.
func (s *Session) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	ctx, cancel := context.WithCancel(ctx)
	in, err := s.follow(ctx, s.o.Clock.Now().Add(s.o.Wait))
	if err != nil {
		cancel()
		return nil, err
	}
	out := make(chan app.Change)
	s.o.Crash.Go("ipc subscription", func() {
		defer close(out)
		defer cancel()
		for s.forward(ctx, in, out) && s.tell(ctx, out, app.StatusChange) {
			if in, err = s.follow(ctx, time.Time{}); err != nil {
				return
			}
			if !s.tell(ctx, out, app.Missed) || !s.tell(ctx, out, app.StatusChange) {
				return
			}
		}
	})
	return out, nil
}

// follow subscribes with the owner, waiting for one until the given time.
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

// forward passes changes on, and says whether there is reason to follow the next owner.
func (s *Session) forward(ctx context.Context, in <-chan app.Change, out chan<- app.Change) bool {
	for {
		select {
		case c, ok := <-in:
			if !ok {
				return ctx.Err() == nil && s.life.Err() == nil
			}
			select {
			case out <- c:
			case <-ctx.Done():
				return false
			case <-s.life.Done():
				return false
			}
		case <-ctx.Done():
			return false
		case <-s.life.Done():
			return false
		}
	}
}

func (s *Session) tell(ctx context.Context, out chan<- app.Change, kind app.ChangeKind) bool {
	select {
	case out <- app.Change{Kind: kind}:
		return true
	case <-ctx.Done():
		return false
	case <-s.life.Done():
		return false
	}
}

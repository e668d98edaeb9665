package ipc

import "context"

// Call makes one call over the socket by its method's name.
func Call[Result any](ctx context.Context, c *Client, method string, request any) (Result, error) {
	return call[Result](ctx, c, method, request)
}

// Owner reports whether this process holds the store.
func (s *Session) Owner() bool { return s.State().Owner }

// Stale reports whether there is no owner at the moment.
func (s *Session) Stale() bool { return s.State().Stale }

// States returns the state now and after each change, until ctx or the session ends and the channel is closed. A slow reader
// sees the latest state, not each one.
func (s *Session) States(ctx context.Context) <-chan State {
	out := make(chan State)
	s.o.Crash.Go("ipc states", func() {
		defer close(out)
		for {
			s.mu.Lock()
			state, changed, closed := s.state, s.changed, s.closed
			s.mu.Unlock()
			if closed {
				return
			}
			select {
			case out <- state:
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
	return out
}

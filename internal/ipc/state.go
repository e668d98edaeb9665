package ipc

import (
	"context"

	"greenroom/internal/app"
)

// State is a session's relation to the store, for screens.
type State struct {
	// Owner says that this process holds the store.
	Owner bool
	// Stale says that there is no owner at the moment: what was read is old, and calls wait.
	Stale bool
	// PID, Version and Since are the owner's; of the last one while Stale.
	PID     int
	Version string
	Since   app.Time
	// Warning is a harmless difference from the owner, or why others can't attach to us; mostly empty.
	Warning string
	// Problem says, while Stale, what keeps this process from taking over or attaching; nil while it merely tries.
	Problem *app.Error
}

// State gives the state as it is now.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Owner reports whether this process holds the store.
func (s *Session) Owner() bool { return s.State().Owner }

// Stale reports whether there is no owner at the moment.
func (s *Session) Stale() bool { return s.State().Stale }

// States gives the state now and after each change, until ctx or the session ends and the channel is closed. A slow reader
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

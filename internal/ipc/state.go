package ipc

import "greenroom/internal/app"

// State is a session's relation to the store.
type State struct {
	// Owner reports that this process holds the store.
	Owner bool
	// Stale reports that there is no owner at the moment: what was read is old, and calls wait.
	Stale bool
	// PID, Version and Since are the owner's, those of the last one while Stale.
	PID     int
	Version string
	Since   app.Time
	// Warning is a harmless difference from the owner, or why others can't attach to us; usually empty.
	Warning string
	// Problem is, while Stale, why this process can neither take over nor attach; nil while it tries.
	Problem *app.Error
}

// State returns the present state.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

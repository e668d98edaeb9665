package notify

import (
	"time"

	"greenroom/internal/app"
)

const (
	// quiet is the least time between two calls for the same thing that failed again.
	quiet = 15 * time.Minute
	// keep is how long is remembered what can't happen again.
	keep = 7 * 24 * time.Hour
	// ahead is how long before a meeting the user is called.
	ahead = 5 * time.Minute
)

// Fresh is how old a recording may be that is called for: older ones are found when an account is new.
const Fresh = 48 * time.Hour

// State is the part of the state that can be called for.
type State struct {
	Now time.Time
	// Meetings are the open and live ones.
	Meetings []app.MeetingDetail
	// Recordings are those that changed.
	Recordings []app.Recording
	Bookings   []app.Booking
	Accounts   []app.AccountStatus
	Tunnel     app.TunnelStatus
}

// Memory remembers what was called for. Only [Memory.Next] changes it; it survives JSON.
type Memory struct {
	// Since is when it began: recordings and downloads before it are not called for.
	Since app.Time `json:"since"`
	// Marks are by what is called for, such as "waiting", the meeting and the session.
	Marks map[string]Mark `json:"marks,omitempty"`
}

// Mark remembers one thing.
type Mark struct {
	// Since is when it began to hold, zero while it doesn't.
	Since app.Time `json:"since,omitzero"`
	// Called reports that it was called for since then, At is when it was called for last.
	Called bool     `json:"called,omitempty"`
	At     app.Time `json:"at,omitzero"`
}

// condition is something that holds now.
type condition struct {
	key  string
	call app.Call
	// lasting is how long it must hold until it is called for. With again it is called for again after it was over.
	lasting time.Duration
	again   bool
	// former are keys that the same thing had.
	former []string
}

// Next returns the calls that are due and remembers them. changed reports whether the memory must be stored, and soon that something
// is pending: the state is worth another look in a few seconds.
func (m *Memory) Next(s State) (calls []app.Call, changed, soon bool) {
	if m.Since.IsZero() {
		m.Since, changed = app.At(s.Now), true
	}
	if m.Marks == nil {
		m.Marks = map[string]Mark{}
	}
	holds := map[string]bool{}
	for _, c := range s.conditions(m.Since.Time) {
		if holds[c.key] {
			continue
		}
		holds[c.key] = true
		was := m.Marks[c.key]
		mark := was
		for _, key := range c.former {
			if at := m.Marks[key].At; mark.At.IsZero() {
				mark.At = at
			}
		}
		if mark.Since.IsZero() {
			mark.Since, mark.Called = app.At(s.Now), false
		}
		due := !mark.Called && s.Now.Sub(mark.Since.Time) >= c.lasting
		switch {
		case due && c.again && !mark.At.IsZero() && s.Now.Sub(mark.At.Time) < quiet:
			soon = true
		case due && !c.again && !mark.At.IsZero():
			mark.Called = true
		case due:
			mark.Called, mark.At = true, app.At(s.Now)
			if c.call.At.IsZero() {
				c.call.At = mark.Since
			}
			calls = append(calls, c.call)
		case !mark.Called:
			soon = true
		}
		if mark != was {
			m.Marks[c.key], changed = mark, true
		}
	}
	return calls, m.forget(s, holds) || changed, soon
}

// forget notes what is over, and drops what is long past.
func (m *Memory) forget(s State, holds map[string]bool) (changed bool) {
	unknown := s.unknown()
	for key, mark := range m.Marks {
		switch {
		case holds[key] || unknown(key):
		case mark.At.IsZero() || s.Now.Sub(mark.At.Time) > keep:
			delete(m.Marks, key)
			changed = true
		case !mark.Since.IsZero():
			mark.Since, mark.Called = app.Time{}, false
			m.Marks[key], changed = mark, true
		}
	}
	return changed
}

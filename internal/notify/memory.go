package notify

import (
	"time"

	"greenroom/internal/app"
)

const (
	// quiet is the shortest time between two calls for a condition that recurs.
	quiet = 15 * time.Minute
	// keep is how long calls are remembered.
	keep = 7 * 24 * time.Hour
	// ahead is how long before a meeting the call is made.
	ahead = 5 * time.Minute
)

// Fresh is the maximum age of a recording that causes a call: a new account may have older ones.
const Fresh = 48 * time.Hour

// State is the part of the application's state that can cause calls.
type State struct {
	Now time.Time
	// Meetings are the open and live meetings.
	Meetings []app.MeetingDetail
	// Recordings are the changed recordings.
	Recordings []app.Recording
	Bookings   []app.Booking
	Accounts   []app.AccountStatus
	Tunnel     app.TunnelStatus
}

// Memory remembers calls. Only [Memory.Next] changes it; it can be stored as JSON.
type Memory struct {
	// Since is the time of the first [Memory.Next]. Earlier recordings and downloads cause no call.
	Since app.Time `json:"since"`
	// Marks are the conditions by their keys, such as "waiting", the meeting and the session.
	Marks map[string]Mark `json:"marks,omitempty"`
}

// Mark remembers a condition.
type Mark struct {
	// Since is when the condition began to hold, zero while it doesn't.
	Since app.Time `json:"since,omitzero"`
	// Called reports that a call was made since then, At is the time of the last call.
	Called bool     `json:"called,omitempty"`
	At     app.Time `json:"at,omitzero"`
}

// condition is something that holds now.
type condition struct {
	key  string
	call app.Call
	// lasting is how long the condition must hold before the call. With again, it causes another call after it was over.
	lasting time.Duration
	again   bool
	// former are the earlier keys of the condition.
	former []string
}

// Next returns the calls that are due and remembers them. changed reports whether the memory must be stored, and soon whether Next should be
// called again in a few seconds, because a call is pending.
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

// forget marks conditions that are over, and removes old ones.
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

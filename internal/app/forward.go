package app

import (
	"errors"
	"net/url"
	"time"
	"unicode/utf8"
)

// ForwardState is the state of a forward.
type ForwardState string

// The states of a forward.
const (
	ForwardRunning  ForwardState = "running"
	ForwardRetrying ForwardState = "retrying" // the target did not accept the event at hand; it is sent again
	ForwardPaused   ForwardState = "paused"
)

// ForwardSource is where a forward comes from.
type ForwardSource string

// The sources of forwards.
const (
	// ForwardByRun marks a forward of `listen --forward-to`: it sends while that runs, and resumes with the next run.
	ForwardByRun ForwardSource = "run"
	// ForwardByCommand marks one that was added by command and sends whenever the store has an owner.
	ForwardByCommand ForwardSource = "command"
)

// Forward passes authentic events on to a URL, in order, each until the target has answered it. What it has to send and what
// it has sent is in the store, so that neither an outage of the target nor the end of a process loses or repeats an event,
// except the one that was under way.
type Forward struct {
	Name string `json:"name"`
	// URL is the target, without a password.
	URL string `json:"url"`
	// Position is the last event that is settled: answered, parked, or not of interest. The queue begins after it.
	Position uint64 `json:"position"`
	// Queue is how many events wait, counted up to 100,000.
	Queue int          `json:"queue"`
	State ForwardState `json:"state"`
	// Parked are events that were not accepted within a day. Only an explicit replay sends them.
	Parked []uint64 `json:"parked"`
	// Dropped counts the events that retention dropped while they waited.
	Dropped uint64 `json:"dropped"`
	// Last is the latest attempt, nil before the first.
	Last   *Attempt      `json:"last"`
	Source ForwardSource `json:"source"`
}

// Attempt is one request of a forward, and what became of it.
type Attempt struct {
	Name string `json:"name"`
	// Seq is the event that was sent; absent where the attempt is listed with its event.
	Seq uint64 `json:"seq,omitempty"`
	// Attempt counts from 1 for each event.
	Attempt int  `json:"attempt"`
	At      Time `json:"at"`
	// Ms is how long it took, in milliseconds.
	Ms int64 `json:"ms"`
	// Status and Answer are the target's: its HTTP status, 0 without an answer, and the first 4 KiB of its body.
	Status int    `json:"status"`
	Answer string `json:"answer"`
	// Error says why there was no answer.
	Error string `json:"error"`
	// Final reports whether the event is settled by it: the target has answered, or the time for retries is over.
	Final bool `json:"final"`
}

// ForwardSpec makes or changes a forward. One that exists under the name keeps its position.
type ForwardSpec struct {
	Name   string        `json:"name"`
	URL    string        `json:"url"`
	Source ForwardSource `json:"source"`
	// From is the first event to send, for a forward that is new; 0 sends those that arrive from now on.
	From uint64 `json:"from,omitempty"`
	// Lease is for how long a forward of a run sends without being renewed. Zero ends the run.
	Lease time.Duration `json:"lease,omitempty"`
}

// ForwardURL parses the target of a forward.
func ForwardURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || !utf8.ValidString(s) || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("write it like http://localhost:3000/webhooks")
	}
	return u, nil
}

// ForwardQuery selects forwards. The zero value selects all.
type ForwardQuery struct{}

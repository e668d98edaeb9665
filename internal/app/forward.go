package app

import (
	"errors"
	"net/url"
	"regexp"
	"sync"
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

// ForwardSource is where a forward was defined.
type ForwardSource string

// The sources of forwards.
const (
	// ForwardByRun is a forward of `listen --forward-to`: it sends while that runs, and resumes with the next run.
	ForwardByRun ForwardSource = "run"
	// ForwardByCommand was added by a command. It sends whenever the screen or listen runs.
	ForwardByCommand ForwardSource = "command"
	// ForwardByFile is in the configuration file. It sends like one that was added by a command, while the file has it.
	ForwardByFile ForwardSource = "file"
)

// Forward sends authentic events to a URL, in order, each until the target has answered it. Its progress is in the store, so that
// neither an outage of the target nor the end of a process loses or repeats an event, except the one under way.
type Forward struct {
	Name string `json:"name"`
	// URL is the target, without a password.
	URL string `json:"url"`
	// Filter selects the events, in the language of package filter. Empty selects all authentic ones.
	Filter string `json:"filter"`
	// Resign reports whether events are signed again, with the forward's own secret.
	Resign bool `json:"resign"`
	// Insecure accepts any certificate of the target; CA reports whether the forward has its own certificate authority.
	Insecure bool `json:"insecure"`
	CA       bool `json:"ca"`
	// Position is the last settled event: answered, parked, or not selected. The queue begins after it.
	Position uint64 `json:"position"`
	// Queue is how many events wait, counted up to 100,000.
	Queue int          `json:"queue"`
	State ForwardState `json:"state"`
	// Parked are the events that were not accepted within a day. Only an explicit replay sends them.
	Parked []uint64 `json:"parked"`
	// Dropped counts the events that retention removed while they waited.
	Dropped uint64 `json:"dropped"`
	// Last is the latest attempt, nil before the first.
	Last   *Attempt      `json:"last"`
	Source ForwardSource `json:"source"`
}

// Attempt is one request of a forward, with its outcome.
type Attempt struct {
	Name string `json:"name"`
	// Seq is the event that was sent; absent where the attempt is listed with its event.
	Seq uint64 `json:"seq,omitempty"`
	// Attempt counts from 1 for each event.
	Attempt int  `json:"attempt"`
	At      Time `json:"at"`
	// Ms is its duration in milliseconds.
	Ms int64 `json:"ms"`
	// Status and Answer are the target's: its HTTP status, 0 without an answer, and the first 4 KiB of its body.
	Status int    `json:"status"`
	Answer string `json:"answer"`
	// Error is why there was no answer.
	Error string `json:"error"`
	// Final reports whether it settled the event: the target answered, or the time for retries is over.
	Final bool `json:"final"`
}

// ForwardTarget is the destination of a forward.
type ForwardTarget struct {
	URL string
	// CA holds the trusted certificates in PEM, instead of the system's; Insecure trusts any.
	CA       string
	Insecure bool
}

// ForwardSpec creates or changes a forward. An existing one keeps its position.
type ForwardSpec struct {
	Name   string        `json:"name"`
	URL    string        `json:"url"`
	Source ForwardSource `json:"source"`
	Filter string        `json:"filter,omitempty"`
	// Resign is the secret that signs events again, in the form of the event's platform; empty keeps their signatures.
	Resign string `json:"resign,omitempty"`
	// CA holds the trusted certificates in PEM, instead of the system's; Insecure trusts any.
	CA       string `json:"ca,omitempty"`
	Insecure bool   `json:"insecure,omitempty"`
	// From is the first event that a new forward sends; 0 sends those that arrive from now on.
	From uint64 `json:"from,omitempty"`
	// Lease is how long a forward of a run sends without being renewed. Zero ends the run.
	Lease time.Duration `json:"lease,omitempty"`
}

// ForwardPatch changes a forward. nil fields stay.
type ForwardPatch struct {
	Name     string  `json:"name"`
	URL      *string `json:"url,omitempty"`
	Filter   *string `json:"filter,omitempty"`
	Resign   *string `json:"resign,omitempty"`
	CA       *string `json:"ca,omitempty"`
	Insecure *bool   `json:"insecure,omitempty"`
	// From is the next event to send, which may be an earlier one.
	From *uint64 `json:"from,omitempty"`
	// Paused pauses or resumes it.
	Paused *bool `json:"paused,omitempty"`
}

// ForwardRef names a forward.
type ForwardRef struct {
	Name string `json:"name"`
}

// forwardName matches the names of forwards that users choose. Compiling it takes two milliseconds, which every start would wait for.
var forwardName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,63}$`) })

// CheckForwardName returns why a forward can't have a name, nil if it can.
func CheckForwardName(s string) error {
	if !forwardName().MatchString(s) {
		return errors.New("use letters, digits, dots, hyphens and underscores, at most 64")
	}
	return nil
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

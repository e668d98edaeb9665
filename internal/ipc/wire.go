package ipc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Protocol is the version of the wire. It changes when an older peer would misunderstand.
const Protocol = 1

const (
	pathHello     = "/v1/hello"
	pathSubscribe = "/v1/subscribe"
	pathAlive     = "/v1/alive"
	pathCall      = "/v1/"
)

// headerInstance carries the [Hello.Instance] that a request is meant for.
const headerInstance = "Greenroom-Instance"

// beat is how often a stream without news carries an empty line, and silence after how long a stream without even that
// is dropped: its owner is frozen, or gone in a way that the kernel didn't report.
const (
	beat    = 2 * time.Second
	silence = 3 * beat
)

// Limits of a request's body. Ingest carries a webhook of up to 25 MiB as base64, and so does IngestBatch, or several small
// ones.
const (
	limitCall   = 1 << 20
	limitIngest = 40 << 20
)

// Hello is how two processes introduce themselves.
type Hello struct {
	Protocol int    `json:"protocol"`
	Version  string `json:"version"`
	// DataDir is the real path of the data folder.
	DataDir string `json:"data_dir"`
	// Fingerprint is a hash of the configuration, without its secrets' values.
	Fingerprint string   `json:"fingerprint"`
	PID         int      `json:"pid"`
	Since       app.Time `json:"since"`
	// Instance is random for each server. A client names it in every request, since the next connection to the same socket
	// may reach the next owner.
	Instance string `json:"instance"`
	// Demo says that the owner is the demo.
	Demo bool `json:"demo,omitempty"`
}

// compare compares the owner with us: an error when we can't work together, else a warning or "".
func compare(us, owner Hello) (warning string, err error) {
	switch {
	case !sameFolder(owner.DataDir, us.DataDir):
		return "", &app.Error{
			Kind: provider.Conflict,
			Text: fmt.Sprintf("process %d serves the data folder %s, not %s", owner.PID, owner.DataDir, us.DataDir),
			Hint: "end that process, or start both with the same --data-dir",
		}
	case owner.Protocol != us.Protocol || owner.Version != us.Version:
		return "", &app.Error{
			Kind: provider.Conflict,
			Text: fmt.Sprintf("greenroom %s (process %d) has the store open; this is greenroom %s",
				owner.Version, owner.PID, us.Version),
			Hint: fmt.Sprintf("quit process %d and start it again with the same version as this one", owner.PID),
		}
	case owner.Demo:
		return "", &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("the demo (process %d) has the store in %s open", owner.PID, us.DataDir),
			Hint: "choose another folder with --data-dir",
		}
	case us.Demo:
		return "", &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("process %d has the store in %s open, and it is not the demo", owner.PID, us.DataDir),
			Hint: "choose an empty folder with --data-dir",
		}
	case owner.Fingerprint != us.Fingerprint:
		return fmt.Sprintf("process %d, which has the store open, uses a different configuration, which applies here too: quit it, "+
			"or start this program with the same environment and file",
			owner.PID), nil
	}
	return "", nil
}

// sameFolder is about folders, not names: one may be mounted in two places.
func sameFolder(a, b string) bool {
	if a == b {
		return true
	}
	ai, aErr := os.Stat(a)
	bi, bErr := os.Stat(b)
	return aErr == nil && bErr == nil && os.SameFile(ai, bi)
}

// failure is an error on the wire.
type failure struct {
	Kind provider.Kind `json:"kind"`
	Text string        `json:"text"`
	// Plain is the sentence for people.
	Plain string `json:"plain,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Platform is set when it was a platform that refused.
	Platform provider.Platform `json:"platform,omitempty"`
	// Cause is "canceled" or "deadline" for errors of a context.
	Cause string `json:"cause,omitempty"`
	// Leaving means that the owner refuses further calls; this one was not carried out.
	Leaving bool `json:"leaving,omitempty"`
}

// failureOf makes err fit for the wire.
func failureOf(err error) failure {
	e := app.AsError(err)
	f := failure{Kind: e.Kind, Text: e.Text, Plain: e.Plain, Hint: e.Hint, Platform: e.Platform}
	switch {
	case errors.Is(err, context.Canceled):
		f.Cause = "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		f.Cause = "deadline"
	}
	return f
}

// Err gives the error back that was sent.
func (f failure) Err() error {
	e := &app.Error{Kind: f.Kind, Text: f.Text, Plain: f.Plain, Hint: f.Hint, Platform: f.Platform}
	switch f.Cause {
	case "canceled":
		e.Err = context.Canceled
	case "deadline":
		e.Err = context.DeadlineExceeded
	}
	return e
}

// status is the HTTP status that goes with a failure. It serves people with curl: the client reads the body.
func (f failure) status() int {
	switch f.Kind {
	case provider.NotFound:
		return http.StatusNotFound
	case provider.Invalid:
		return http.StatusBadRequest
	case provider.Conflict:
		return http.StatusConflict
	case provider.Unavailable, app.Busy:
		return http.StatusServiceUnavailable
	case provider.Unsupported:
		return http.StatusNotImplemented
	default:
		return http.StatusInternalServerError
	}
}

func writeFailure(w http.ResponseWriter, f failure) {
	b, err := json.Marshal(f)
	if err != nil {
		b = []byte(`{"text":"the error could not be written"}`)
	}
	writeJSON(w, f.status(), b)
}

// writeJSON writes a whole answer and sees it on its way, so that closing the connection right after loses nothing.
func writeJSON(w http.ResponseWriter, status int, b []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", fmt.Sprint(len(b)))
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return // The caller has gone; there is no one to report to.
	}
	_ = http.NewResponseController(w).Flush()
}

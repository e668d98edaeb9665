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

// Protocol is the version of the protocol. It changes when an older peer would misunderstand a message.
const Protocol = 1

const (
	pathHello     = "/v1/hello"
	pathSubscribe = "/v1/subscribe"
	pathAlive     = "/v1/alive"
	pathCall      = "/v1/"
)

// headerInstance is the header with the [Hello.Instance] that a request is for.
const headerInstance = "Greenroom-Instance"

// beat is how often an idle stream carries an empty line, silence how long a stream may be without even that: then its owner is
// frozen, or has gone in a way that the kernel didn't report.
const (
	beat    = 2 * time.Second
	silence = 3 * beat
)

// Limits of a request's body. Ingest carries a webhook of up to 25 MiB as base64; IngestBatch one such, or several small ones.
const (
	limitCall   = 1 << 20
	limitIngest = 40 << 20
)

// Hello describes a process to its peer.
type Hello struct {
	Protocol int    `json:"protocol"`
	Version  string `json:"version"`
	// DataDir is the real path of the data folder.
	DataDir string `json:"data_dir"`
	// Fingerprint is a hash of the configuration, without its secrets' values.
	Fingerprint string   `json:"fingerprint"`
	PID         int      `json:"pid"`
	Since       app.Time `json:"since"`
	// Instance is random for each server. A client sends it with every request, since the next connection to the same socket
	// may reach the next owner.
	Instance string `json:"instance"`
	// Demo reports that the process is the demo.
	Demo bool `json:"demo,omitempty"`
}

// compare compares the owner with us. The error is why we can't work together, the warning a harmless difference or empty.
func compare(us, owner Hello) (warning string, err error) {
	switch {
	case !sameFolder(owner.DataDir, us.DataDir):
		err = app.Errorf(provider.Conflict, "end that process, or start both with the same --data-dir",
			"process %d serves the data folder %s, not %s", owner.PID, owner.DataDir, us.DataDir)
	case owner.Protocol != us.Protocol || owner.Version != us.Version:
		err = app.Errorf(provider.Conflict, fmt.Sprintf("quit process %d and start it again with the same version as this one", owner.PID),
			"greenroom %s (process %d) has the store open; this is greenroom %s", owner.Version, owner.PID, us.Version)
	case owner.Demo:
		err = app.Errorf(provider.Conflict, "choose another folder with --data-dir",
			"the demo (process %d) has the store in %s open", owner.PID, us.DataDir)
	case us.Demo:
		err = app.Errorf(provider.Conflict, "choose an empty folder with --data-dir",
			"process %d has the store in %s open, and it is not the demo", owner.PID, us.DataDir)
	case owner.Fingerprint != us.Fingerprint:
		warning = fmt.Sprintf("process %d, which has the store open, uses a different configuration, which applies here too: quit it, "+
			"or start this program with the same environment and file", owner.PID)
	}
	return warning, err
}

// sameFolder reports whether two paths are the same folder. One may be mounted in two places.
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
	app.Error
	// Cause is "canceled" or "deadline" for errors of a context.
	Cause string `json:"cause,omitempty"`
	// Leaving means that the owner refuses further calls; this one was not carried out.
	Leaving bool `json:"leaving,omitempty"`
}

// failureOf returns err as it is sent.
func failureOf(err error) failure {
	f := failure{Error: *app.AsError(err)}
	switch {
	case errors.Is(err, context.Canceled):
		f.Cause = "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		f.Cause = "deadline"
	}
	return f
}

// err returns the error that was sent.
func (f failure) err() error {
	switch f.Cause {
	case "canceled":
		f.Err = context.Canceled
	case "deadline":
		f.Err = context.DeadlineExceeded
	}
	return &f.Error
}

// status returns the HTTP status of a failure. It is for people with curl: the client reads the body.
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

// writeJSON writes and flushes an answer, so that closing the connection right afterwards loses nothing.
func writeJSON(w http.ResponseWriter, status int, b []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", fmt.Sprint(len(b)))
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return // the caller has gone
	}
	_ = http.NewResponseController(w).Flush()
}

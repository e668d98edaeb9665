// Package peers starts real software, written by others, for tests to talk to: an OpenSSH server, servers that
// speak SQS and S3.
//
// It is for tests alone. Everything binds 127.0.0.1 and ends with the test, also when the test is killed. What isn't
// installed makes a test skip; where GREENROOM_REQUIRE_PEERS is set, as in .ci/run, it makes it fail.
package peers

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// startTime bounds how long a peer may take to be ready.
const startTime = 30 * time.Second

// Missing ends the test because the software isn't there: a skip, or a failure where peers are required. what names it and
// says how to get it.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("GREENROOM_REQUIRE_PEERS") != "" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// Find returns the path of a program, which may also stand at one of the other places, or ends the test with [Missing].
func Find(t testing.TB, program string, places ...string) string {
	t.Helper()
	for _, p := range append([]string{program}, places...) {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	Missing(t, program)
	return ""
}

// output collects what a peer says, for a test that fails.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

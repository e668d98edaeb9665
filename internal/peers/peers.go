// Package peers starts third-party software for tests: an OpenSSH server, servers that speak SQS and S3, browsers.
//
// Everything binds 127.0.0.1 and ends with the test, even if the test is killed. A test is skipped if its software isn't installed, or
// fails if GREENROOM_REQUIRE_PEERS is set, as in .ci/run.
package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Missing skips the test because software is missing, or fails it where peers are required. what names the software and how to get it.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("GREENROOM_REQUIRE_PEERS") != "" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// Find returns the path of a program, which may also be at one of the other places, or ends the test with [Missing].
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

// FindGo is Find for a program that "go install" has installed.
func FindGo(t testing.TB, program string) string {
	t.Helper()
	places := []string{"/usr/local/bin/" + program}
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, filepath.Join(home, "go", "bin", program))
	}
	return Find(t, program, places...)
}

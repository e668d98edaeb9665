package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"greenroom/provider"
	"greenroom/provider/sandbox"
)

type worldKey struct{}

// newWorld starts a sandbox for one script. It posts no webhooks of its own: scripts sign theirs.
func newWorld(env *testscript.Env) (*sandbox.World, string) {
	w := sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1, Processing: 2 * time.Second})
	srv := httptest.NewServer(w.Handler())
	env.Defer(func() {
		srv.Close()
		_ = w.Close()
	})
	env.Values[processKey{}] = map[string]*process{}
	return w, srv.URL
}

// serve is newWorld for tests that are no scripts.
func serve(t testing.TB, w *sandbox.World) string {
	t.Helper()
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv.URL
}

// join PLATFORM ROOM NAME VARIABLE lets a participant enter a platform's room, and keeps the session in a variable.
func cmdJoin(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*sandbox.World)
	session, err := w.Join(provider.Platform(args[0]), args[1], sandbox.Person{Name: args[2]})
	ts.Check(err)
	ts.Setenv(args[3], session)
}

// leave SESSION lets them leave.
func cmdLeave(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Value(worldKey{}).(*sandbox.World).Leave(args[0], ""))
}

// webhooks PLATFORM URL lets the platform post its webhooks to a URL.
func cmdWebhooks(ts *testscript.TestScript, neg bool, args []string) {
	_, err := ts.Value(worldKey{}).(*sandbox.World).SetWebhook(provider.Platform(args[0]), args[1], "")
	ts.Check(err)
}

// post STATUS URL BODY posts a body, which must be answered with the status.
func cmdPost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: post STATUS URL BODY")
	}
	resp, err := http.Post(args[1], "application/json", strings.NewReader(args[2]))
	ts.Check(err)
	ts.Check(resp.Body.Close())
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("%s answered %s", args[1], resp.Status)
	}
}

// elsewhere PLATFORM NAME VARIABLE makes a room as another program would, and keeps its name on the platform.
func cmdElsewhere(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*sandbox.World)
	name, err := w.AddRoom(provider.Platform(args[0]), args[1], sandbox.RoomOptions{})
	ts.Check(err)
	ts.Setenv(args[2], name)
}

// fault KIND PLATFORM switches a fault on; with ! all are switched off.
func cmdFault(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*sandbox.World)
	if neg {
		w.ClearFaults()
		return
	}
	_, err := w.Fault(sandbox.Fault{Kind: sandbox.FaultKind(args[0]), Platform: provider.Platform(args[1])})
	ts.Check(err)
}

// recorded PLATFORM ROOM SECONDS VARIABLE adds a recording that has just ended, and keeps its id.
func cmdRecorded(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*sandbox.World)
	seconds, err := strconv.Atoi(args[2])
	ts.Check(err)
	length := time.Duration(seconds) * time.Second
	id, err := w.AddRecording(provider.Platform(args[0]), args[1], sandbox.PastRecording{
		StartedAt: w.Now().Add(time.Second - length).Truncate(time.Second), For: length, BytesPerSecond: 10_000,
	})
	ts.Check(err)
	ts.Setenv(args[3], id)
}

// archive PLATFORM ROOM N VARIABLE… adds N recordings of a second, an hour apart, and keeps the ids of the oldest, the oldest first.
func cmdArchive(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*sandbox.World)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	for i := range n {
		id, err := w.AddRecording(provider.Platform(args[0]), args[1], sandbox.PastRecording{
			StartedAt: w.Now().Add(-time.Duration(i+1) * time.Hour).Truncate(time.Second), For: time.Second,
		})
		ts.Check(err)
		if left := n - 1 - i; left < len(args[3:]) {
			ts.Setenv(args[3+left], id)
		}
	}
}

package tunneltest

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"

	"greenroom/tunnel"
)

// statusPatience is how long to wait for a status.
const statusPatience = 60 * time.Second

// Journal is a log that tests can read while it is written.
type Journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// String returns the log so far.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// Opened is an open tunnel with its status and log. It is for the test's goroutine.
type Opened struct {
	tunnel.Tunnel
	Log *Journal
	// Last is the last status seen.
	Last tunnel.Status
	// Each is called every few milliseconds during Until; it may be nil. It can advance a clock.
	Each func()
	// T is the test.
	T testing.TB
}

// Open opens a tunnel with a separate log. It is closed at the end of the test; a failed test shows the log's beginning.
func Open(t testing.TB, d tunnel.Driver, local tunnel.Local) *Opened {
	t.Helper()
	o := &Opened{Log: &Journal{}, T: t}
	local.Log = slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tun, err := d.Open(t.Context(), local)
	if err != nil {
		t.Fatal(err)
	}
	o.Tunnel = tun
	t.Cleanup(func() {
		if err := tun.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			s := o.Log.String()
			t.Logf("the log:\n%s", s[:min(len(s), 8000)])
		}
	})
	return o
}

// Until waits for a status.
func (o *Opened) Until(what string, ok func(tunnel.Status) bool) tunnel.Status {
	o.T.Helper()
	late := time.NewTimer(statusPatience)
	defer late.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case s, more := <-o.Status():
			if !more {
				o.T.Fatalf("ended before %s; last %+v", what, o.Last)
			}
			if o.Last = s; ok(s) {
				return s
			}
		case <-tick.C:
			if o.Each != nil {
				o.Each()
			}
		case <-late.C:
			o.T.Fatalf("no status with %s; last %+v", what, o.Last)
		}
	}
}

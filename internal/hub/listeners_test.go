package hub

import (
	"context"
	"testing"
	"time"

	"greenroom/internal/app"
)

// TestAListenerOfAnotherProcessIsKnown as long as its lease lasts, unless this process has one itself.
func TestAListenerOfAnotherProcessIsKnown(t *testing.T) {
	b := newBench(t)
	url := func() string {
		t.Helper()
		s, err := b.Status(t.Context(), app.StatusQuery{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Listener.URL
	}
	report := func(source, url string, lease time.Duration) {
		t.Helper()
		if _, err := b.ReportTunnel(t.Context(), app.TunnelReport{Source: source, Lease: lease, Listener: &app.ListenerStatus{URL: url}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := url(); got != "" {
		t.Errorf("before: %s", got)
	}
	report("a", "http://a", time.Second)
	report("b", "", time.Second)
	if got := url(); got != "http://a" {
		t.Errorf("reported: %s", got)
	}
	b.clock.Advance(time.Second)
	if got := url(); got != "" {
		t.Errorf("after its lease: %s", got)
	}
	report("a", "http://a", time.Second)
	report("a", "http://a", 0)
	if got := url(); got != "" {
		t.Errorf("taken back: %s", got)
	}
	report("a", "http://a", time.Second)
	b.SetListener(func() app.ListenerStatus { return app.ListenerStatus{URL: "http://own"} })
	if got := url(); got != "http://own" {
		t.Errorf("beside one's own: %s", got)
	}
	if s, err := b.Status(t.Context(), app.StatusQuery{}); err != nil || s.Tunnel.State != "" && s.Tunnel.State != "closed" {
		t.Errorf("a report of a listener is one of a tunnel: %+v, %v", s.Tunnel, err)
	}
}

// A report is news only when it is the first one, the last one, or shows something else.
func TestARenewedReportOfAListenerIsNoNews(t *testing.T) {
	b := newBench(t)
	up, down := app.ListenerStatus{URL: "http://a"}, app.ListenerStatus{Problem: "the port is used"}
	for _, c := range []struct {
		name   string
		status app.ListenerStatus
		lease  time.Duration
		news   bool
	}{
		{"the first", up, time.Minute, true}, {"renewed", up, time.Minute, false}, {"a problem", down, time.Minute, true},
		{"the same problem", down, time.Minute, false}, {"another problem", app.ListenerStatus{Problem: "it crashed"}, time.Minute, true},
		{"up again", up, time.Minute, true}, {"the last", up, 0, true}, {"after the last", up, time.Minute, true},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		changes, err := b.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.reportListener("a", c.status, c.lease)
		b.bus.publish([]app.Change{{Kind: app.RoomChange}})
		if got := <-changes; (got.Kind == app.StatusChange) != c.news {
			t.Errorf("%s: %s", c.name, got.Kind)
		}
		cancel()
	}
	b.clock.Advance(time.Minute)
	b.reportListener("b", down, time.Minute)
	if n := len(b.listeners.reports); n != 1 {
		t.Errorf("%d reports are kept after their lease", n)
	}
}

// A lease lasts at most so long, whatever is asked for.
func TestTheLeaseOfAListenerIsBounded(t *testing.T) {
	b := newBench(t)
	b.reportListener("a", app.ListenerStatus{URL: "http://a"}, 2*maxLease)
	b.clock.Advance(maxLease - 1)
	if got := b.listeners.reported(b.clock.Now()); got.URL != "http://a" {
		t.Errorf("%+v", got)
	}
	b.clock.Advance(1)
	if got := b.listeners.reported(b.clock.Now()); got.URL != "" {
		t.Errorf("%+v", got)
	}
}

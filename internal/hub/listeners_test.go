package hub

import (
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

package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/provider"
)

// relayed is a request of the hook "h".
func (b *bench) relayed(seq uint64, sig string, body []byte) app.Inbound {
	return app.Inbound{
		Account: "daily", Method: "POST", Target: "/hooks/daily", ReceivedAt: b.clock.Now(), Body: body,
		Header: http.Header{"X-Sig": {sig}}, Position: &cursor.Position{Hook: "h", Epoch: 1, Seq: seq},
	}
}

func (b *bench) relayedEvent(seq uint64, e provider.Event) app.Inbound {
	b.t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.relayed(seq, "good", raw)
}

func (b *bench) batch(in ...app.Inbound) []app.Answer {
	b.t.Helper()
	out, err := b.IngestBatch(b.t.Context(), app.Batch{Requests: in})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) position() cursor.Position {
	b.t.Helper()
	s, err := b.TunnelState(b.t.Context(), app.TunnelQuery{})
	if err != nil || len(s.Positions) != 1 {
		b.t.Fatalf("%+v, %v", s, err)
	}
	return s.Positions[0]
}

func TestABatchIsAnsweredOneByOne(t *testing.T) {
	b := newBench(t)
	stranger := b.relayed(6, "good", []byte("{}"))
	stranger.Account = "acme"
	refused := b.relayed(7, "", nil)
	refused.Refused = &app.Answer{Status: http.StatusRequestEntityTooLarge, Text: "the body is too large"}
	missing := b.relayed(8, "good", nil)
	missing.Missing = "it arrived damaged 3 times"
	answers := b.batch(
		b.relayedEvent(1, join("x", "ada", t0)), b.relayed(2, "forged", nil), b.relayed(3, "", nil),
		b.relayed(4, "ping", []byte(`{"test":"test"}`)), b.relayed(5, "good", []byte("not json")), stranger, refused, missing,
	)
	want := []int{200, 401, 400, 200, 200, 404, 413, 413}
	for i, a := range answers {
		if a.Status != want[i] || !a.Stored || (a.Seq != 0) != (i != 6) {
			t.Errorf("request %d: %+v, want %d", i+1, a, want[i])
		}
	}
	if p := b.position(); p.Seq != 8 {
		t.Errorf("the position is %+v", p)
	}
	if d, err := b.Event(t.Context(), app.EventRef{Seq: answers[7].Seq}); err != nil || d.Verdict != provider.Rejected || !strings.Contains(d.Reason, "damaged 3 times") {
		t.Errorf("what is missing its body: %+v, %v", d, err)
	}
	page, err := b.Events(t.Context(), app.EventQuery{Account: "acme"})
	if err != nil || len(page.Events) != 1 || page.Events[0].Verdict != provider.Unverified || !strings.Contains(page.Events[0].Reason, "acme") {
		t.Errorf("what came for an account that isn't here: %+v, %v", page.Events, err)
	}
	if m := b.meeting("x"); m.Here != 1 {
		t.Errorf("%+v", m)
	}
}

func TestARequestForNoAccountIsKeptWithItsReason(t *testing.T) {
	b := newBench(t)
	lost := b.relayed(1, "good", []byte("a body"))
	lost.Account, lost.Target = "", "/"
	lost.Refused, lost.Reason = &app.Answer{Status: http.StatusNotFound, Text: "not found"}, "no account has this path"
	for range 2 { // handed over again, it is kept once
		b.batch(lost)
	}
	page, err := b.Events(t.Context(), app.EventQuery{Verdict: provider.Rejected})
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("%+v, %v", page.Events, err)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: page.Events[0].Seq})
	if err != nil || d.Status != 404 || d.Reason != lost.Reason || d.Target != "/" || string(d.Body) != "a body" {
		t.Errorf("%+v, %v", d, err)
	}
}

// The relay drops what was handed over, so that nothing of it may be missing once the account is mended.
func TestARelayedRequestOfAnUnusableAccountIsKeptWhole(t *testing.T) {
	b := newBench(t)
	b.close()
	b.accounts[0].Unusable = &app.Error{Kind: app.NotConfigured, Text: "the keyring is locked"}
	b.open()
	body := bytes.Repeat([]byte("x"), 2*keptBytes)
	answers := b.batch(b.relayed(1, "good", body))
	d, err := b.Event(t.Context(), app.EventRef{Seq: answers[0].Seq})
	if err != nil || answers[0].Status != 503 || d.Verdict != provider.Unverified || !bytes.Equal(d.Body, body) {
		t.Errorf("%+v: %d bytes, %s, %v", answers[0], len(d.Body), d.Verdict, err)
	}
}

func TestARelayedEventIsAppliedOnce(t *testing.T) {
	b := newBench(t)
	e := b.relayedEvent(1, join("x", "ada", t0))
	first := b.batch(e)
	b.close()
	b.open()
	if again := b.batch(e); again[0] != (app.Answer{Status: 200, Stored: true}) {
		t.Errorf("first %+v, again %+v", first[0], again[0])
	}
	page, err := b.Events(t.Context(), app.EventQuery{})
	if err != nil || len(page.Events) != 1 {
		t.Errorf("%+v, %v", page.Events, err)
	}
}

func TestAClosedStoreStoresNothingOfABatch(t *testing.T) {
	b := newBench(t)
	h := b.Hub
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() { b.Hub = nil }() // its store is closed already
	answers, err := h.IngestBatch(t.Context(), app.Batch{Requests: []app.Inbound{b.relayed(1, "good", nil), b.relayed(2, "", nil)}})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.Stored || a.Status != 503 || a.RetryAfter == 0 || !strings.Contains(a.Text, "closed") {
			t.Errorf("answer %d: %+v", i, a)
		}
	}
	h.cancel()
	h.bus.close()
}

func TestAHookNeedsAName(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"", strings.Repeat("h", maxHookName+1)} {
		in := b.relayed(1, "good", nil)
		in.Position.Hook = name
		if _, err := b.IngestBatch(t.Context(), app.Batch{Requests: []app.Inbound{in}}); !errors.Is(err, provider.Invalid) {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
	}
}

func TestABacklogDoesNotMakeTheLastEventOlder(t *testing.T) {
	b := newBench(t)
	b.batch(b.relayedEvent(1, join("x", "ada", t0)))
	old := b.relayedEvent(2, join("x", "bob", t0))
	old.ReceivedAt = t0.Add(-time.Hour)
	b.batch(old)
	s, err := b.Status(t.Context(), app.StatusQuery{})
	if err != nil || !s.Accounts[0].LastEventAt.Equal(t0) {
		t.Errorf("the last event came at %v, %v", s.Accounts[0].LastEventAt, err)
	}
}

func (b *bench) report(r app.TunnelReport) {
	b.t.Helper()
	if _, err := b.ReportTunnel(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tunnel() app.TunnelStatus {
	b.t.Helper()
	s, err := b.Status(b.t.Context(), app.StatusQuery{})
	if err != nil {
		b.t.Fatal(err)
	}
	return s.Tunnel
}

func live(source, url string) app.TunnelReport {
	return app.TunnelReport{Source: source, Lease: 15 * time.Second, Status: app.TunnelStatus{
		Driver: "manual", State: "live", URL: url, Hooks: map[string]string{"daily": url + "/hooks/daily"},
	}}
}

func TestAReportIsForgottenWhenItsLeaseHasRunOut(t *testing.T) {
	b := newBench(t)
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.report(live("a", "https://a.example"))
	<-changes
	for range 3 {
		b.clock.Advance(10 * time.Second)
		b.report(live("a", "https://a.example"))
	}
	if got := b.tunnel(); got.State != "live" || got.Hooks["daily"] != "https://a.example/hooks/daily" {
		t.Errorf("a report that is renewed: %+v", got)
	}
	b.clock.Advance(15 * time.Second)
	if c := <-changes; c.Kind != app.StatusChange {
		t.Errorf("%+v", c)
	}
	if got := b.tunnel(); got.Driver != "none" || got.State != "closed" {
		t.Errorf("after the lease: %+v", got)
	}
	b.report(live("a", "https://a.example"))
	gone := live("a", "")
	gone.Lease = 0
	b.report(gone)
	if got := b.tunnel(); got.Driver != "none" {
		t.Errorf("after it was taken back: %+v", got)
	}
}

func TestOfSeveralTunnelsTheLiveOneIsShown(t *testing.T) {
	b := newBench(t)
	b.report(live("a", "https://a.example"))
	b.clock.Advance(time.Second)
	down := live("b", "https://b.example")
	down.Status.State = "degraded"
	b.report(down)
	if got := b.tunnel(); got.URL != "https://a.example" {
		t.Errorf("%+v", got)
	}
	b.clock.Advance(time.Second)
	b.report(live("b", "https://b.example"))
	if got := b.tunnel(); got.URL != "https://b.example" {
		t.Errorf("of two live ones %+v", got)
	}
}

func TestAProbeIsAskedOfWhoHasTheTunnel(t *testing.T) {
	b := newBench(t)
	if _, err := b.ProbeTunnel(t.Context(), app.TunnelProbe{}); !errors.Is(err, app.NotConfigured) {
		t.Fatalf("without a tunnel: %v", err)
	}
	b.report(live("a", "https://a.example"))
	changes, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		for c := range changes {
			if c.Kind != app.ProbeChange {
				continue
			}
			for _, source := range []string{"stranger", "a"} {
				r := live(source, "https://"+source+".example")
				r.Probed = &app.TunnelProbed{ID: c.Probe, OK: true, URL: r.Status.URL, RTTMs: 3}
				if _, err := b.ReportTunnel(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
			return
		}
	}()
	out, err := b.ProbeTunnel(t.Context(), app.TunnelProbe{})
	if err != nil || !out.OK || out.URL != "https://a.example" {
		t.Errorf("%+v, %v", out, err)
	}
	<-reported
}

func TestAProbeWithoutAnAnswerEnds(t *testing.T) {
	b := newBench(t)
	b.report(live("a", "https://a.example"))
	failed := make(chan error, 1)
	go func() {
		_, err := b.ProbeTunnel(t.Context(), app.TunnelProbe{})
		failed <- err
	}()
	if err := b.clock.BlockUntilContext(t.Context(), 2); err != nil { // the lease's timer and the probe's
		t.Fatal(err)
	}
	b.clock.Advance(probeTime)
	if err := <-failed; !errors.Is(err, provider.Unavailable) {
		t.Errorf("%v", err)
	}
}

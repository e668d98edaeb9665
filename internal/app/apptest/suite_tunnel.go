package apptest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/provider"
)

// relayed makes requests of a hook with the given sequence numbers.
func relayed(h Harness, hook string, seqs ...uint64) app.Batch {
	var b app.Batch
	for _, n := range seqs {
		in := inbound(h, fmt.Appendf(nil, `{"hook":%q,"n":%d}`, hook, n))
		in.Position = &cursor.Position{Hook: hook, Epoch: 1, Seq: n}
		b.Requests = append(b.Requests, in)
	}
	return b
}

func testBatch(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	first := relayed(h, "a", 3, 5)
	first.Requests = append(first.Requests, relayed(h, "b", 1).Requests...)
	answers := must[[]app.Answer](t)(b.IngestBatch(ctx, first))
	if len(answers) != 3 {
		t.Fatalf("%d answers to 3 requests", len(answers))
	}
	for i, a := range answers {
		if !a.Stored || a.Seq == 0 || a.Status < 200 || a.Status >= 500 {
			t.Errorf("answer %d: %+v", i, a)
			continue
		}
		if d := must[app.Delivery](t)(b.Event(ctx, app.EventRef{Seq: a.Seq})); !bytes.Equal(d.Body, first.Requests[i].Body) {
			t.Errorf("request %d has the body %q", i, d.Body)
		}
	}
	if answers[0].Seq >= answers[1].Seq || answers[1].Seq >= answers[2].Seq {
		t.Errorf("not in order: %+v", answers)
	}

	again := relayed(h, "a", 2, 5, 6)
	answers = must[[]app.Answer](t)(b.IngestBatch(ctx, again))
	known := app.Answer{Status: http.StatusOK, Stored: true}
	if len(answers) != 3 || answers[0] != known || answers[1] != known || answers[2].Seq == 0 {
		t.Errorf("handed over again: %+v", answers)
	}
	later := relayed(h, "a", 1)
	later.Requests[0].Position.Epoch = 2
	if a := must[[]app.Answer](t)(b.IngestBatch(ctx, later)); len(a) != 1 || a[0].Seq == 0 {
		t.Errorf("the first of a later epoch: %+v", a)
	}
	if page := must[app.EventPage](t)(b.Events(ctx, app.EventQuery{})); len(page.Events) != 5 {
		t.Errorf("%d events were kept of 5", len(page.Events))
	}

	state := must[app.TunnelState](t)(b.TunnelState(ctx, app.TunnelQuery{}))
	got := make(map[string]cursor.Position)
	for _, p := range state.Positions {
		got[p.Hook] = p
	}
	want := map[string]cursor.Position{"a": {Hook: "a", Epoch: 2, Seq: 1}, "b": {Hook: "b", Epoch: 1, Seq: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
	if s := must[app.TunnelState](t)(b.TunnelState(ctx, app.TunnelQuery{})); s.Device == "" || s.Device != state.Device {
		t.Errorf("the device is %q and then %q", state.Device, s.Device)
	}
}

func testRefused(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	batch := relayed(h, "a", 1, 2)
	batch.Requests[0].Account, batch.Requests[0].Refused = "", &app.Answer{Status: http.StatusNotFound, Text: "not found"}
	answers := must[[]app.Answer](t)(b.IngestBatch(ctx, batch))
	want := app.Answer{Status: http.StatusNotFound, Text: "not found", Stored: true}
	if len(answers) != 2 || answers[0] != want || answers[1].Seq == 0 {
		t.Errorf("answers: %+v", answers)
	}
	if page := must[app.EventPage](t)(b.Events(ctx, app.EventQuery{})); len(page.Events) != 1 {
		t.Errorf("%d events were kept of 1", len(page.Events))
	}
	lost := relayed(h, "a", 3)
	lost.Requests[0].Account, lost.Requests[0].Refused, lost.Requests[0].Reason = "", batch.Requests[0].Refused, "no such hook"
	if a := must[[]app.Answer](t)(b.IngestBatch(ctx, lost)); len(a) != 1 || a[0].Status != http.StatusNotFound || a[0].Seq == 0 {
		t.Errorf("what is refused with a reason: %+v", a)
	} else if d := must[app.Delivery](t)(b.Event(ctx, app.EventRef{Seq: a[0].Seq})); d.Reason != "no such hook" || d.Verdict != provider.Rejected {
		t.Errorf("what was refused with a reason is kept as %+v", d)
	}
	if a := must[[]app.Answer](t)(b.IngestBatch(ctx, relayed(h, "a", 1))); len(a) != 1 || a[0].Seq != 0 || !a[0].Stored {
		t.Errorf("what was refused is handed over again: %+v", a)
	}
	if a := must[[]app.Answer](t)(b.IngestBatch(ctx, app.Batch{})); len(a) != 0 {
		t.Errorf("answers to nothing: %+v", a)
	}
}

// testLargeBatch hands over more than one call may carry.
func testLargeBatch(t *testing.T, h Harness) {
	batch := relayed(h, "a", 1, 2, 3)
	for i := range batch.Requests {
		batch.Requests[i].Body = bytes.Repeat([]byte{0xfe, byte(i)}, 8<<20)
	}
	answers := must[[]app.Answer](t)(h.Backend.IngestBatch(t.Context(), batch))
	if len(answers) != 3 {
		t.Fatalf("answers: %+v", answers)
	}
	for i, a := range answers {
		if got := must[app.Delivery](t)(h.Backend.Event(t.Context(), app.EventRef{Seq: a.Seq})); !bytes.Equal(got.Body, batch.Requests[i].Body) {
			t.Errorf("body %d of %d bytes became %d", i, len(batch.Requests[i].Body), len(got.Body))
		}
	}
}

func testTunnel(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	if _, err := b.ProbeTunnel(ctx, app.TunnelProbe{}); !errors.Is(err, app.NotConfigured) {
		t.Errorf("a probe without a tunnel: %v", err)
	}
	if _, err := b.RegisterWebhook(ctx, app.WebhookRegistration{Account: "unknown"}); app.AsError(err) == nil || app.AsError(err).Text == "" {
		t.Errorf("a registration of an unknown account: %v", err)
	}
	if _, err := b.SignWebhook(ctx, app.SyntheticWebhook{Account: "unknown"}); app.AsError(err) == nil || app.AsError(err).Text == "" {
		t.Errorf("a webhook of an unknown account: %v", err)
	}
	changes := must[<-chan app.Change](t)(b.Subscribe(ctx))
	report := app.TunnelReport{Source: "test", Lease: time.Minute, Status: app.TunnelStatus{
		Driver: "relay", State: "live", URL: "https://gr.example/h/x", RTTMs: 12.5, Spool: 3, Gap: "2 are lost", StoreAndForward: true,
		Hooks: map[string]string{h.Account: "https://gr.example/h/x/hooks/" + h.Account},
	}}
	must[app.TunnelReported](t)(b.ReportTunnel(ctx, report))
	seen(t, changes, "the report", func(c app.Change) bool { return c.Kind == app.StatusChange })
	s := must[app.Status](t)(b.Status(ctx, app.StatusQuery{}))
	if diff := cmp.Diff(report.Status, s.Tunnel); diff != "" {
		t.Errorf("tunnel (-reported +returned):\n%s", diff)
	}
	report.Lease = 0
	must[app.TunnelReported](t)(b.ReportTunnel(ctx, report))
	if s := must[app.Status](t)(b.Status(ctx, app.StatusQuery{})); s.Tunnel.Driver != "none" || s.Tunnel.State != "closed" {
		t.Errorf("after it was taken back: %+v", s.Tunnel)
	}
}

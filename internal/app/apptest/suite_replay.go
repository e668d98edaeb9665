package apptest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greenroom/internal/app"
	"greenroom/provider"
)

func testReplays(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	seq := must[app.Answer](t)(b.Ingest(ctx, inbound(h, []byte(`{"n":1}`)))).Seq
	first := must[app.Delivery](t)(b.Event(ctx, app.EventRef{Seq: seq}))
	again := must[app.Answer](t)(b.Replay(ctx, app.Replay{Seq: seq}))
	got := must[app.Delivery](t)(b.Event(ctx, app.EventRef{Seq: again.Seq}))
	if again.Seq == seq || got.ReplayOf != app.Seq(seq) || got.DuplicateOf != 0 || got.Verdict != first.Verdict || string(got.Body) != `{"n":1}` ||
		cmp.Diff(got.Headers, first.Headers) != "" {
		t.Errorf("a replay: %+v of %+v", got, first)
	}
	if page := must[app.EventPage](t)(b.Events(ctx, app.EventQuery{Filter: "is:replay"})); len(page.Events) != 1 || page.Events[0].Seq != again.Seq {
		t.Errorf("replays: %+v", page)
	}
	if _, err := b.Replay(ctx, app.Replay{Seq: 9999}); !errors.Is(err, provider.NotFound) {
		t.Errorf("a replay of nothing: %v", err)
	}
}

func testImports(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	at := time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC)
	events := []app.Delivery{
		{Seq: 7, At: app.At(at), Account: "elsewhere", Method: "POST", Target: "/hooks/\xff?x=1", Headers: http.Header{"X-Two": {"a", "\xfe"}}, Body: app.Body("\x00\xff"),
			Verdict: provider.Rejected, Reason: "why", Status: 401, Kind: provider.KindTest, Type: "own.type", ProviderID: "evt", Participant: "Zoë", Session: "s"},
		{Seq: 9, At: app.At(at), Account: "elsewhere", Method: "PUT", Target: "/", Headers: http.Header{}, Verdict: provider.Verified, Status: 200, Kind: provider.KindTest, ProviderID: "evt"},
	}
	if got := must[app.ImportedBatch](t)(b.Import(ctx, app.ImportBatch{Events: events})); got.Stored != 2 || got.Known != 0 {
		t.Fatalf("imported: %+v", got)
	}
	if got := must[app.ImportedBatch](t)(b.Import(ctx, app.ImportBatch{Events: events})); got.Stored != 0 || got.Known != 2 {
		t.Errorf("imported twice: %+v", got)
	}
	page := must[app.EventPage](t)(b.Events(ctx, app.EventQuery{Filter: "is:imported"}))
	if len(page.Events) != 2 {
		t.Fatalf("%d are listed", len(page.Events))
	}
	for i, want := range events {
		got := must[app.Delivery](t)(b.Event(ctx, app.EventRef{Seq: page.Events[1-i].Seq}))
		want.Seq, want.Imported = got.Seq, true
		want.Size, want.StoredAt = got.Size, got.StoredAt
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("an imported event (-want +got):\n%s", diff)
		}
	}
}

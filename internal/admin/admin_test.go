package admin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/provider"
)

// backend answers what the tests set.
type backend struct {
	*apptest.Memory
	status     app.Status
	recordings []app.Recording
	forwards   []app.Forward
	err        error
	changes    chan app.Change
}

func (b *backend) Status(context.Context, app.StatusQuery) (app.Status, error) {
	return b.status, b.err
}
func (b *backend) Recordings(context.Context, app.RecordingQuery) ([]app.Recording, error) {
	return b.recordings, b.err
}
func (b *backend) Forwards(context.Context, app.ForwardQuery) ([]app.Forward, error) {
	return b.forwards, b.err
}
func (b *backend) Subscribe(context.Context) (<-chan app.Change, error) { return b.changes, b.err }

func get(t *testing.T, h http.Handler, path, body string) (int, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestHealthAndReadiness(t *testing.T) {
	b := &backend{Memory: apptest.NewMemory(1)}
	h := Handler(b, slog.New(slog.DiscardHandler))
	if code, _ := get(t, h, "/healthz", ""); code != 200 {
		t.Errorf("/healthz is %d", code)
	}
	if code, text := get(t, h, "/readyz", ""); code != 503 || !strings.Contains(text, "no listener") {
		t.Errorf("without a listener: %d %q", code, text)
	}
	b.status.Listener.URL = "http://127.0.0.1:7070"
	if code, text := get(t, h, "/readyz", ""); code != 200 {
		t.Errorf("with a listener: %d %q", code, text)
	}
	b.status.Store.Problem = "store: the file is gone"
	if code, text := get(t, h, "/readyz", ""); code != 503 || !strings.Contains(text, "the file is gone") {
		t.Errorf("with a store that can't be written to: %d %q", code, text)
	}
	b.status.Store.Problem = ""
	b.err = errors.New("the disk is gone")
	if code, text := get(t, h, "/readyz", ""); code != 503 || !strings.Contains(text, "the disk is gone") {
		t.Errorf("without a store: %d %q", code, text)
	}
	if code, _ := get(t, h, "/elsewhere", ""); code != 404 {
		t.Errorf("another path is %d", code)
	}
	if code, _ := get(t, h, "/healthz", "a body"); code != 405 {
		t.Errorf("a body is answered %d", code)
	}
}

func TestMetrics(t *testing.T) {
	b := &backend{Memory: apptest.NewMemory(1)}
	b.status = app.Status{
		Accounts: []app.AccountStatus{
			{Name: "acme", Health: "ok", LastEventAt: app.At(time.Unix(1700000000, 0))}, {Name: "other", Health: "failing"},
		},
		Listener: app.ListenerStatus{Accepted: 7, Rejected: 3, Busy: 1},
		Tunnel:   app.TunnelStatus{Driver: "relay", State: "live", Spool: 5},
		Store:    app.StoreStatus{Path: t.TempDir(), Bytes: 4096, FreeBytes: 1024, Deliveries: 10},
		Pollers:  []app.PollerStatus{{Name: "presence", Account: "acme", Error: "down"}},
	}
	b.recordings = []app.Recording{
		{Download: &app.Download{State: app.DownloadFailed}}, {},
		{Download: &app.Download{State: app.DownloadDone, Command: &app.DownloadCommand{State: app.CommandFailed}}},
	}
	b.forwards = []app.Forward{{Name: "dev", Queue: 4, Parked: []uint64{1, 2}, State: app.ForwardRetrying}}
	h := Handler(b, slog.New(slog.DiscardHandler))
	code, text := get(t, h, "/metrics", "")
	if code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	for _, want := range []string{
		"greenroom_up 1", `greenroom_webhooks_total{outcome="accepted"} 7`, `greenroom_webhooks_total{outcome="rejected"} 3`,
		`greenroom_webhooks_total{outcome="busy"} 1`, `greenroom_last_webhook_timestamp_seconds{account="acme"} 1.7e+09`,
		`greenroom_account_healthy{account="acme"} 1`, `greenroom_account_healthy{account="other"} 0`,
		`greenroom_tunnel_live{driver="relay"} 1`, "greenroom_tunnel_spool 5", "greenroom_store_bytes 4096", "greenroom_store_problem 0", "greenroom_store_reusable_bytes 1024",
		"greenroom_deliveries 10", "greenroom_disk_free_bytes ", `greenroom_downloads{state="failed"} 1`, `greenroom_downloads{state="done"} 1`,
		`greenroom_programs{state="failed"} 1`, `greenroom_poller_failing{account="acme",poller="presence"} 1`,
		`greenroom_forward_queue{forward="dev"} 4`, `greenroom_forward_parked{forward="dev"} 2`,
		`greenroom_forward_state{forward="dev",state="retrying"} 1`, `greenroom_forward_state{forward="dev",state="running"} 0`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line %q", want)
		}
	}
	b.err = errors.New("closed")
	if _, text := get(t, h, "/metrics", ""); !strings.Contains(text, "greenroom_up 0") || strings.Contains(text, "greenroom_deliveries") {
		t.Errorf("without a store: %s", text)
	}
}

func TestJournalLogsEachStateOnce(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	meeting := app.Meeting{ID: "m", Room: "office\x1b[2J", Account: "acme", Status: app.Live}
	running := app.Recording{ID: "r", Account: "acme", Status: app.RecordingReady, Download: &app.Download{State: app.DownloadRunning}}
	failed := running
	failed.Download = &app.Download{State: app.DownloadFailed, Reason: "gone"}
	changes := []app.Change{
		{Kind: app.DeliveryChange, Delivery: &app.Delivery{Seq: 3, Account: "acme", Kind: provider.KindTest, Verdict: provider.Verified, Status: 200}},
		{Kind: app.MeetingChange, Meeting: &meeting}, {Kind: app.MeetingChange, Meeting: &meeting},
		{Kind: app.RecordingChange, Recording: &running}, {Kind: app.RecordingChange, Recording: &running},
		{Kind: app.RecordingChange, Recording: &failed},
		{Kind: app.AttemptChange, Attempt: &app.Attempt{Name: "dev", Seq: 3, Attempt: 1, Status: 503}},
		{Kind: app.Missed},
	}
	b := &backend{changes: make(chan app.Change, len(changes))}
	for _, c := range changes {
		b.changes <- c
	}
	close(b.changes)
	if err := Journal(t.Context(), b, log); err != nil {
		t.Fatal(err)
	}
	want := `level=INFO msg=webhook seq=3 account=acme kind=test room="" verdict=verified status=200 reason=""
level=INFO msg=meeting room="office\x1b[2J" account=acme status=live id=m
level=INFO msg=recording id=r account=acme room="" state="download running" reason=""
level=WARN msg=recording id=r account=acme room="" state="download failed" reason=gone
level=WARN msg=forward name=dev seq=3 attempt=1 status=503 error="" final=false
level=WARN msg="changes came too fast to be logged one by one"
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}

// A page whose name resolves to this machine reads nothing.
func TestAWebPageReadsNothing(t *testing.T) {
	srv := httptest.NewServer(Handler(&backend{Memory: apptest.NewMemory(1)}, slog.New(slog.DiscardHandler)))
	defer srv.Close()
	for host, want := range map[string]int{"evil.example": http.StatusForbidden, "localhost:1": http.StatusOK, "[::1]": http.StatusOK} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("as %s: %d, want %d", host, resp.StatusCode, want)
		}
	}
}

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "greenroom/internal/cases"

	"greenroom/internal/app"
	"greenroom/internal/hub"
	"greenroom/provider"
)

// inbox is a listener over a real store, and independent of it, what must be in that.
type inbox struct {
	dir      string
	listener *Listener

	mu  sync.Mutex
	hub *hub.Hub // nil while the store is closed

	client *http.Client
	next   int
	// sent are the bodies that were answered 2xx, with how often. Sessions are the participants in them.
	sent     map[string]int
	sessions map[string]bool
}

// Ingest implements [Ingester].
func (b *inbox) Ingest(ctx context.Context, in app.Inbound) (app.Answer, error) {
	b.mu.Lock()
	h := b.hub
	b.mu.Unlock()
	if h == nil {
		return app.Answer{}, &app.Error{Kind: provider.Unavailable, Text: "the store is closed"}
	}
	return h.Ingest(ctx, in)
}

// inboxLimit is the limit of bodies: more than two chunks.
const inboxLimit = 2*chunkSize + 1000

func (b *inbox) listen(r *rapid.T) {
	l, err := Listen(Options{
		Addr: "127.0.0.1:0", Ingest: b, BodyLimit: inboxLimit, Hosts: func() []string { return []string{"hooks.example"} },
		Router: Router{
			Accounts: []string{"daily"}, Aliases: map[string]string{"/v1/daily/webhook": "daily"},
			Signatures: map[string][]string{"daily": {"X-Webhook-Signature"}},
		},
	})
	if err != nil {
		r.Fatal(err)
	}
	b.listener = l
}

func (b *inbox) closeListener(r *rapid.T) {
	b.client.CloseIdleConnections()
	if err := b.listener.Close(context.Background()); err != nil {
		r.Fatal(err)
	}
}

// setHub changes the store while the listener runs, and closes the one before.
func (b *inbox) setHub(r *rapid.T, h *hub.Hub) {
	b.mu.Lock()
	was := b.hub
	b.hub = h
	b.mu.Unlock()
	if was != nil {
		if err := was.Close(); err != nil {
			r.Fatal(err)
		}
	}
}

func (b *inbox) openHub(r *rapid.T) {
	h, err := newHub(b.dir)
	if err != nil {
		r.Fatal(err)
	}
	b.setHub(r, h)
}

// webhookOf is a webhook of so many bytes, at least those that it needs.
func (b *inbox) webhookOf(r *rapid.T, size int) []byte {
	b.next++
	req, err := signed("http://localhost/", fmt.Sprintf("room-%d", b.next%3), b.next)
	if err != nil {
		r.Fatal(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.Fatal(err)
	}
	if pad := size - len(body) - len(`,"pad":""`); pad >= 0 {
		body = fmt.Appendf(bytes.TrimSuffix(body, []byte("}")), `,"pad":"%s"}`, strings.Repeat("x", pad))
	}
	return body
}

// anyTarget is a request's target, and whether it is the hook's.
func anyTarget(r *rapid.T) (target string, hook bool) {
	ours := []string{"/hooks/daily", "/hooks/daily/", "/v1/daily/webhook", "/hooks/daily?x=%41", "/hooks/%64aily", "/v1/daily/webhook/"}
	others := []string{"/", "/hooks", "/hooks/", "/hooks/daily//", "//hooks/daily", "/hooks/zoom", "/hooks/daily/x", "/HOOKS/daily", "/hooks/../hooks/daily"}
	switch rapid.IntRange(0, 9).Draw(r, "target") {
	default:
		return rapid.SampledFrom(ours).Draw(r, "hook"), true
	case 0, 1:
		return rapid.SampledFrom(others).Draw(r, "other"), false
	case 2:
		return "/x" + rapid.StringMatching(`[a-z/.%2f-]{0,20}`).Filter(func(s string) bool { return !strings.Contains(s, "%") }).Draw(r, "any"), false
	}
}

// send sends one request, and checks that it is answered 2xx exactly when it is authentic and the store is open.
func (b *inbox) send(r *rapid.T) {
	target, hook := anyTarget(r)
	method := rapid.SampledFrom([]string{"POST", "POST", "POST", "POST", "GET", "PUT", "DELETE", "OPTIONS", "WEIRD"}).Draw(r, "method")
	host := rapid.SampledFrom([]string{"", "", "localhost", "[::1]:9", "Hooks.Example:443", "evil.example", "localhost.evil.example"}).Draw(r, "host")
	size := rapid.SampledFrom([]int{0, 0, 0, chunkSize - 1, chunkSize, chunkSize + 1, inboxLimit - 1, inboxLimit, inboxLimit + 1, 3 * inboxLimit}).Draw(r, "size")
	signature := rapid.SampledFrom([]string{"good", "good", "good", "forged", "none", "of another", "stale"}).Draw(r, "signature")
	chunked := rapid.Bool().Draw(r, "chunked")

	body := b.webhookOf(r, size)
	if again := slices.Sorted(maps.Keys(b.sent)); len(again) > 0 && rapid.IntRange(0, 4).Draw(r, "repeat") == 0 {
		body = []byte(rapid.SampledFrom(again).Draw(r, "again"))
	}
	var reader io.Reader = bytes.NewReader(body)
	if chunked {
		reader = struct{ io.Reader }{reader}
	}
	req, err := http.NewRequest(method, b.listener.URL()+target, reader)
	if err != nil {
		r.Fatal(err)
	}
	req.Host = host
	sign(r, req, body, signature)
	resp, err := b.client.Do(req)
	if err != nil {
		if len(body) > inboxLimit { // the answer may overtake a body that is refused
			return
		}
		r.Fatalf("%s %s: %v", method, target, err)
	}
	resp.Body.Close()
	ours := host != "evil.example" && host != "localhost.evil.example"
	authentic := hook && method == http.MethodPost && ours && len(body) <= inboxLimit && signature == "good"
	if ok := resp.StatusCode < 300; ok != (authentic && b.hub != nil) {
		r.Fatalf("%s %s at %q with %d bytes and a signature that is %s: %d", method, target, host, len(body), signature, resp.StatusCode)
	}
	if authentic && b.hub == nil && resp.StatusCode != http.StatusServiceUnavailable {
		r.Fatalf("without a store: %d", resp.StatusCode)
	}
	if resp.StatusCode < 300 {
		b.sent[string(body)]++
		b.sessions[sessionOf(r, body)] = true
	}
}

// sign gives a request a signature of a kind.
func sign(r *rapid.T, req *http.Request, body []byte, kind string) {
	at := time.Now()
	switch kind {
	case "none":
		return
	case "of another":
		body = append(bytes.Clone(body), ' ')
	case "stale":
		at = at.Add(-48 * time.Hour)
	}
	if err := signAs(req, body, at); err != nil {
		r.Fatal(err)
	}
	if kind == "forged" {
		req.Header.Set("X-Webhook-Signature", "c3RyYW5nZXI=")
	}
}

func sessionOf(r *rapid.T, body []byte) string {
	var e struct {
		Payload struct {
			SessionID string `json:"session_id"`
		}
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Payload.SessionID == "" {
		r.Fatalf("no session in %q: %v", body, err)
	}
	return e.Payload.SessionID
}

// check compares the store with what was answered 2xx.
func (b *inbox) check(r *rapid.T) {
	if b.hub == nil {
		return
	}
	ctx := context.Background()
	stored := map[string]int{}
	for q := (app.EventQuery{Verdict: provider.Verified, Limit: 1000}); ; {
		page, err := b.hub.Events(ctx, q)
		if err != nil {
			r.Fatal(err)
		}
		for _, row := range page.Events {
			e, err := b.hub.Event(ctx, app.EventRef{Seq: row.Seq})
			if err != nil {
				r.Fatal(err)
			}
			if stored[string(e.Body)]++; e.Unapplied != "" || e.Status != http.StatusOK {
				r.Fatalf("event %d: status %d, unapplied %q", e.Seq, e.Status, e.Unapplied)
			}
		}
		if !page.More {
			break
		}
		q.Before = page.Next
	}
	if !maps.Equal(stored, b.sent) {
		r.Fatalf("%d bodies were answered 2xx, %d others are stored", len(b.sent), len(stored))
	}
	stays := map[string]bool{}
	meetings, err := b.hub.Meetings(ctx, app.MeetingQuery{})
	if err != nil {
		r.Fatal(err)
	}
	for _, m := range meetings {
		d, err := b.hub.Meeting(ctx, app.MeetingRef{Ref: m.ID})
		if err != nil {
			r.Fatal(err)
		}
		for _, s := range d.Participants {
			if stays[s.Session] {
				r.Fatalf("%s is there twice", s.Session)
			}
			stays[s.Session] = true
		}
	}
	if !maps.Equal(stays, b.sessions) {
		r.Fatalf("the state is of %v, not of %v", slices.Sorted(maps.Keys(stays)), slices.Sorted(maps.Keys(b.sessions)))
	}
}

// TestWhatIsAnswered2xxIsStoredAndNothingElseCounts: any requests, in any order, with the listener and the store closed and
// opened in between.
func TestWhatIsAnswered2xxIsStoredAndNothingElseCounts(t *testing.T) {
	checks := "20"
	if testing.Short() {
		checks = "3"
	}
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", checks); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", f.DefValue) })
	}
	rapid.Check(t, func(r *rapid.T) {
		b := &inbox{
			dir: t.TempDir(), client: &http.Client{Transport: &http.Transport{}}, sent: map[string]int{}, sessions: map[string]bool{},
		}
		b.openHub(r)
		b.listen(r)
		defer func() {
			b.closeListener(r)
			b.setHub(r, nil)
		}()
		r.Repeat(map[string]func(*rapid.T){
			"send": b.send, "send 2": b.send, "send 3": b.send, "send 4": b.send, "send 5": b.send,
			"restart the listener": func(r *rapid.T) {
				b.closeListener(r)
				b.listen(r)
			},
			"close the store": func(r *rapid.T) { b.setHub(r, nil) },
			"open the store": func(r *rapid.T) {
				b.setHub(r, nil)
				b.openHub(r)
			},
			"": func(*rapid.T) {},
		})
		if b.hub == nil {
			b.openHub(r)
		}
		b.check(r)
	})
}

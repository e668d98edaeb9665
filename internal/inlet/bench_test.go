package inlet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub"
	"greenroom/internal/web"
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/store"
)

// BenchmarkForwarding is the time from a webhook to its 200 without forwards, with forwards to three targets that answer, and with
// three that never do. They take turns of some requests in a row within one run, and what is left of a turn is forwarded before the next;
// "of-none" is the median's ratio to that without forwards.
func BenchmarkForwarding(b *testing.B) {
	answers := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(answers.Close)
	end := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	b.Cleanup(hangs.Close)
	b.Cleanup(func() { close(end) })
	targets := []string{"", answers.URL, hangs.URL}
	names := []string{"none", "answering", "hanging"}
	var hubs []*hub.Hub
	var urls []string
	for i, target := range targets {
		h, url := serving(b)
		for n := 0; target != "" && n < 3; n++ {
			if _, err := h.AddForward(b.Context(), app.ForwardSpec{Name: fmt.Sprint("f", n), URL: fmt.Sprint(targets[i], "/", n)}); err != nil {
				b.Fatal(err)
			}
		}
		hubs, urls = append(hubs, h), append(urls, url)
	}
	took := make([][]time.Duration, len(targets))
	for n := 0; b.Loop(); n++ {
		for turn := range len(hubs) * inTurn {
			i := (turn/inTurn + n) % len(hubs)
			h := hubs[i]
			if turn%inTurn == 0 {
				settled(b, hubs[1])
			}
			w, err := h.SignWebhook(b.Context(), app.SyntheticWebhook{
				Account: "daily", Kind: provider.KindParticipantJoined, Room: "demo", ID: fmt.Sprint("e-", n, "-", turn), Session: fmt.Sprint("s-", n, "-", turn), At: app.At(time.Now()),
			})
			if err != nil {
				b.Fatal(err)
			}
			r, err := http.NewRequest(http.MethodPost, urls[i]+"/hooks/daily", bytes.NewReader(w.Body))
			if err != nil {
				b.Fatal(err)
			}
			r.Header = w.Header
			begun := time.Now()
			res, err := http.DefaultClient.Do(r)
			took[i] = append(took[i], time.Since(begun))
			if err != nil || res.StatusCode != http.StatusOK {
				b.Fatalf("%+v, %v", res, err)
			}
			res.Body.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms-"+names[i])
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms-p99-"+names[i])
		b.ReportMetric(float64(all[len(all)/2])/float64(took[0][len(took[0])/2]), names[i]+"-of-none")
	}
}

// inTurn is the number of requests in a turn.
const inTurn = 20

// settled waits until nothing waits to be forwarded.
func settled(b *testing.B, h *hub.Hub) {
	for queue := 1; queue > 0; {
		all, err := h.Forwards(b.Context(), app.ForwardQuery{})
		if err != nil {
			b.Fatal(err)
		}
		queue = 0
		for _, f := range all {
			queue += f.Queue
		}
	}
}

// serving starts a hub with a listener and returns its URL.
func serving(b *testing.B) (*hub.Hub, string) {
	a := provider.Account{Name: "daily", Platform: provider.Daily, APIKey: "key", APIURL: "http://127.0.0.1:1/v1", WebhookSecret: "c2VjcmV0LXNlY3JldC1zZWNyZXQ="}
	p, err := daily.Driver().Open(a, nil)
	if err != nil {
		b.Fatal(err)
	}
	f := NewForwarder(time.Now)
	h, err := hub.Open(hub.Options{
		Store: store.Options{Path: filepath.Join(b.TempDir(), store.FileName)}, Accounts: []hub.Account{{Account: a, Provider: p}}, Forwarder: f.Send,
		Drivers: []provider.Driver{daily.Driver()},
	})
	if err != nil {
		b.Fatal(err)
	}
	h.Start()
	l, err := web.Listen(web.Options{Addr: "127.0.0.1:0", Router: web.Router{Accounts: []string{"daily"}}, Ingest: h})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			b.Error(err)
		}
		if err := h.Close(); err != nil {
			b.Error(err)
		}
		f.Close()
	})
	return h, l.URL()
}

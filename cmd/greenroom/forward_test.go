package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/provider"
)

// whole is a Backend with one event in it.
type whole struct {
	*apptest.Memory
	event app.Delivery
}

func (w whole) Event(context.Context, app.EventRef) (app.Delivery, error) { return w.event, nil }

type received struct {
	method, target, body, agent string
	header                      http.Header
}

// forwardOne forwards an event to a server that answers the given status, and gives what that got and what was told.
func forwardOne(t *testing.T, d app.Delivery, status int, query string) (*received, string) {
	t.Helper()
	var got *received
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = &received{r.Method, r.RequestURI, string(body), r.UserAgent(), r.Header}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	u, err := forwardURL(srv.URL + "/in" + query)
	if err != nil {
		t.Fatal(err)
	}
	var told string
	f := newForwarder(whole{apptest.NewMemory(1), d}, u, func() time.Time { return time.Unix(0, 0) }, func(s string) { told = s })
	if err := f.one(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	return got, told
}

func TestForwardIsExact(t *testing.T) {
	d := app.Delivery{
		Seq: 7, Method: "POST", Target: "/hooks/daily?a=1&b=%20", Verdict: provider.Verified, Body: app.Body("{\"x\": 1}\x00\xff"),
		Headers: http.Header{
			"Host": {"public.example"}, "Connection": {"keep-alive, X-Private"}, "X-Private": {"p"}, "Keep-Alive": {"1"}, "Upgrade": {"h2c"},
			"Transfer-Encoding": {"chunked"}, "Content-Length": {"999"}, "Proxy-Authorization": {"Basic x"},
			"X-Webhook-Signature": {"s"}, "Content-Type": {"application/json"}, "X-Twice": {"1", "2"}, "User-Agent": {"Daily/1"},
		},
	}
	got, told := forwardOne(t, d, 204, "")
	if got.method != "POST" || got.target != "/in?a=1&b=%20" || got.body != string(d.Body) {
		t.Errorf("got %+v", got)
	}
	want := http.Header{
		"X-Webhook-Signature": {"s"}, "Content-Type": {"application/json"}, "X-Twice": {"1", "2"}, "User-Agent": {"Daily/1"},
		"Content-Length": {fmt.Sprint(len(d.Body))},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Error(diff)
	}
	if told != "event 7 forwarded: 204 in 0 ms" {
		t.Errorf("told %q", told)
	}
	if d.Headers.Get("Host") == "" {
		t.Error("the delivery itself was changed")
	}
}

func TestForwardEdges(t *testing.T) {
	bare := app.Delivery{Seq: 1, Method: "POST", Target: "/hooks/daily?a=1", Verdict: provider.Verified}
	if got, told := forwardOne(t, bare, 307, "?own=2"); got.target != "/in?own=2" || got.agent != "" || !strings.Contains(told, "307") {
		t.Errorf("a redirect: %+v, %q", got, told)
	}
	forged := bare
	forged.Verdict = provider.Rejected
	if got, told := forwardOne(t, forged, 200, ""); got != nil || told != "" {
		t.Errorf("a forged one went on: %+v, %q", got, told)
	}
	odd := bare
	odd.Method = "PO ST"
	if got, told := forwardOne(t, odd, 200, ""); got != nil || !strings.Contains(told, "was not forwarded") {
		t.Errorf("an odd method: %+v, %q", got, told)
	}
	var told string
	u := &url.URL{Scheme: "http", User: url.UserPassword("u", "hush"), Host: "127.0.0.1:1"}
	f := newForwarder(whole{apptest.NewMemory(1), bare}, u, time.Now, func(s string) { told = s })
	if err := f.one(context.Background(), bare); err != nil || !strings.Contains(told, "refused") || strings.Contains(told, "hush") {
		t.Errorf("nobody there: %v, %q", err, told)
	}
	for _, bad := range []string{"", "localhost:3000", "ftp://x/", "http://", "/x"} {
		if _, err := forwardURL(bad); exitCode(err) != exitUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

package inlet

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
)

type received struct {
	method, target, body, agent string
	header                      http.Header
}

func TestFailuresInWords(t *testing.T) {
	for err, want := range map[error]string{
		os.ErrDeadlineExceeded: "no answer within 10 s", io.ErrUnexpectedEOF: "the server closed the connection", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}: "no answer within 10 s",
	} {
		if got := why(err); got != want {
			t.Errorf("%v: %q, not %q", err, got, want)
		}
	}
}

// forwardOne forwards an event to a server with the given answer, and returns what that received and the attempt.
func forwardOne(t *testing.T, d app.Delivery, status int, answer, query string) (*received, app.Attempt) {
	t.Helper()
	var got *received
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = &received{r.Method, r.RequestURI, string(body), r.UserAgent(), r.Header}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	f := NewForwarder(func() time.Time { return time.Unix(0, 0) })
	defer f.Close()
	a := f.Send(context.Background(), app.ForwardTarget{URL: srv.URL + "/in" + query}, d)
	return got, a
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
	got, a := forwardOne(t, d, 200, "ok \xff", "")
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
	if (a != app.Attempt{Status: 200, Answer: "ok \uFFFD"}) {
		t.Errorf("%+v", a)
	}
	if d.Headers.Get("Host") == "" {
		t.Error("the delivery itself was changed")
	}
}

func TestForwardEdges(t *testing.T) {
	bare := app.Delivery{Seq: 1, Method: "POST", Target: "/hooks/daily?a=1", Verdict: provider.Verified}
	got, a := forwardOne(t, bare, 307, "", "?own=2")
	if got.target != "/in?own=2&a=1" || got.agent != "" || a.Status != 307 {
		t.Errorf("a redirect: %+v, %+v", got, a)
	}
	if _, a := forwardOne(t, bare, 500, strings.Repeat("x", 10_000), ""); len(a.Answer) != maxAnswer || a.Final {
		t.Errorf("a long answer: %d bytes, final %v", len(a.Answer), a.Final)
	}
	odd := bare
	odd.Method = "PO ST"
	if got, a := forwardOne(t, odd, 200, "", ""); got != nil || !a.Final || a.Error == "" {
		t.Errorf("an odd method: %+v, %+v", got, a)
	}
	f := NewForwarder(time.Now)
	defer f.Close()
	if a := f.Send(t.Context(), app.ForwardTarget{URL: "http://u:hush@127.0.0.1:1/"}, bare); !strings.Contains(a.Error, "refused") || strings.Contains(a.Error, "hush") ||
		a.Final {
		t.Errorf("no one listens: %+v", a)
	}
}

// A target whose certificate isn't trusted gets nothing, unless its authority is given or nothing is checked.
func TestForwardChecksCertificates(t *testing.T) {
	requests := 0
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	f := NewForwarder(time.Now)
	defer f.Close()
	d := app.Delivery{Method: "POST", Target: "/", Body: app.Body("secret")}
	if a := f.Send(t.Context(), app.ForwardTarget{URL: srv.URL}, d); a.Status != 0 || a.Final || !strings.Contains(a.Error, "--insecure") || requests != 0 {
		t.Errorf("an unknown certificate: %+v, %d requests", a, requests)
	}
	if a := f.Send(t.Context(), app.ForwardTarget{URL: srv.URL, CA: ca}, d); a.Status != 200 {
		t.Errorf("with its authority: %+v", a)
	}
	if a := f.Send(t.Context(), app.ForwardTarget{URL: srv.URL, Insecure: true}, d); a.Status != 200 {
		t.Errorf("without a check: %+v", a)
	}
	if a := f.Send(t.Context(), app.ForwardTarget{URL: srv.URL}, d); a.Status != 0 || requests != 2 {
		t.Errorf("a connection of another forward was used: %+v, %d requests", a, requests)
	}
	for i := range 2 * maxClients {
		f.client(trust{ca: strconv.Itoa(i)})
	}
	if len(f.clients) > maxClients {
		t.Errorf("%d clients are kept", len(f.clients))
	}
}

package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// TestASmallBodyNeedsNoTurn: only larger bodies wait until others are stored.
func TestASmallBodyNeedsNoTurn(t *testing.T) {
	in := newIntake(Options{BodyLimit: MaxBodyLimit, Concurrent: 2, BodyTime: time.Second})
	if !in.whole.TryAcquire(wholeAtOnce) {
		t.Fatal("someone is there already")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	read := func(n int) error {
		return in.read(ctx, bytes.NewReader(make([]byte, n)), MaxBodyLimit, func([]byte) {})
	}
	if err := read(chunkSize); err != nil {
		t.Errorf("a small one: %v", err)
	}
	if err := read(chunkSize + 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a larger one: %v", err)
	}
}

func TestARelayedBodyOfTheLargestSizeIsKept(t *testing.T) {
	r := Router{Accounts: []string{"daily"}}
	got := r.Relayed(app.Inbound{Method: "POST", Target: "/hooks/daily", Body: make([]byte, MaxBodyLimit)})
	if got.Missing != "" || len(got.Body) != MaxBodyLimit {
		t.Errorf("%d bytes are left: %s", len(got.Body), got.Missing)
	}
}

func TestOptionsHaveDefaultsAndLimits(t *testing.T) {
	for _, c := range []struct{ given, want Options }{
		{Options{}, Options{BodyLimit: DefaultBodyLimit, BodyTime: bodyTime, Concurrent: defaultConcurrent}},
		{Options{BodyLimit: -1, BodyTime: -1, Concurrent: -1}, Options{BodyLimit: DefaultBodyLimit, BodyTime: bodyTime, Concurrent: defaultConcurrent}},
		{Options{BodyLimit: 1, BodyTime: 1, Concurrent: 1}, Options{BodyLimit: 1, BodyTime: 1, Concurrent: 1}},
		{Options{BodyLimit: MaxBodyLimit + 1}, Options{BodyLimit: MaxBodyLimit, BodyTime: bodyTime, Concurrent: defaultConcurrent}},
	} {
		l := listen(t, &sink{}, func(o *Options) {
			o.BodyLimit, o.BodyTime, o.Concurrent = c.given.BodyLimit, c.given.BodyTime, c.given.Concurrent
		})
		if o := l.opt; o.BodyLimit != c.want.BodyLimit || o.BodyTime != c.want.BodyTime || o.Concurrent != c.want.Concurrent {
			t.Errorf("%d bytes in %s, %d at a time", o.BodyLimit, o.BodyTime, o.Concurrent)
		}
	}
}

func TestAListenerThatBreaksIsLogged(t *testing.T) {
	for _, broken := range []bool{true, false} {
		var log bytes.Buffer
		l, err := Listen(Options{Addr: "127.0.0.1:0", Ingest: &sink{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if broken {
			if err := l.net.Close(); err != nil {
				t.Fatal(err)
			}
			<-l.done
		}
		if err := l.Close(t.Context()); err != nil && !broken {
			t.Error(err)
		}
		if strings.Contains(log.String(), "the listener stopped") != broken {
			t.Errorf("broken: %t, and the log: %s", broken, log.String())
		}
	}
}

// hold listens on a number of ports in a row.
func hold(t *testing.T, n int) (first int, held []net.Listener) {
	t.Helper()
	release := func() {
		for _, l := range held {
			l.Close()
		}
		held = nil
	}
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held, first = append(held, l), l.Addr().(*net.TCPAddr).Port
		for p := first + 1; p < first+n && p <= 65535; p++ {
			if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p)); err != nil {
				break
			}
			held = append(held, l)
		}
		if len(held) == n {
			t.Cleanup(release)
			return first, held
		}
		release()
	}
	t.Skipf("there are no %d free ports in a row", n)
	return 0, nil
}

func TestThePortsAfterAUsedOneAreTried(t *testing.T) {
	first, held := hold(t, portTries+2)
	addr := fmt.Sprintf("127.0.0.1:%d", first)
	if err := held[portTries+1].Close(); err != nil {
		t.Fatal(err)
	}
	if l, err := bind(addr, false); !errors.Is(err, provider.Conflict) {
		t.Errorf("with %d taken: %v, %v", portTries+1, l, err)
	}
	if err := held[portTries].Close(); err != nil {
		t.Fatal(err)
	}
	l, err := bind(addr, false)
	if err != nil {
		t.Fatalf("with %d taken: %v", portTries, err)
	}
	defer l.Close()
	if got := l.Addr().(*net.TCPAddr).Port; got != first+portTries {
		t.Errorf("port %d, not %d", got, first+portTries)
	}
	// The last port there is may be taken; it is one all the same.
	if l, err := bind("127.0.0.1:65535", true); errors.Is(err, provider.Invalid) {
		t.Errorf("the last port: %v", err)
	} else if err == nil {
		l.Close()
	}
}

func TestWhenAPortIsInUse(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.EADDRINUSE: true, syscall.EACCES: false, syscall.Errno(10048): runtime.GOOS == "windows",
	} {
		if inUse(fmt.Errorf("listen: %w", err)) != want {
			t.Errorf("%v: %t", err, !want)
		}
	}
}

// TestAnsweringHasAnEnd: what is still being answered when the time for closing is over is cut.
func TestAnsweringHasAnEnd(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}, inside: make(chan struct{}, 1), gate: make(chan struct{})}
	l, err := Listen(Options{Addr: "127.0.0.1:0", Router: Router{Accounts: []string{"daily"}}, Ingest: s})
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		resp, err := http.Post(l.URL()+"/hooks/daily", "", strings.NewReader("{}"))
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	<-s.inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case err := <-failed:
		if err == nil {
			t.Error("it is answered")
		}
	case <-time.After(patience):
		t.Error("it is not cut")
		defer func() { <-failed }()
	}
	close(s.gate)
	http.DefaultClient.CloseIdleConnections()
}

// TestWhatAnAnswerHolds: header and text by what was decided.
func TestWhatAnAnswerHolds(t *testing.T) {
	s := &sink{}
	l := listen(t, s, signatures)
	post := func(method, path string, size int) (*http.Response, string) {
		t.Helper()
		resp := request(t, method, l.URL()+path, "", bytes.NewReader(make([]byte, size)))
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp, string(text)
	}
	for _, c := range []struct {
		answer app.Answer
		text   string
		retry  string
	}{
		{app.Answer{Status: 200}, "ok\n", ""},
		{app.Answer{Status: 200, Text: "hi"}, "hi\n", ""},
		{app.Answer{Status: 300}, "\n", ""},
		{app.Answer{Status: 401}, "\n", ""},
		{app.Answer{Status: 503, RetryAfter: 1, Text: "busy"}, "busy\n", "1"},
	} {
		s.answer = c.answer
		if resp, text := post("POST", "/hooks/daily", pingLimit); resp.StatusCode != c.answer.Status || text != c.text || resp.Header.Get("Retry-After") != c.retry {
			t.Errorf("%+v: %d, %q, %v", c.answer, resp.StatusCode, text, resp.Header)
		}
	}
	if resp, _ := post("PUT", "/hooks/daily", 0); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("another method: %d, %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := post("POST", "/other", 0); resp.StatusCode != 404 || resp.Header.Get("Allow") != "" {
		t.Errorf("another path: %d, %v", resp.StatusCode, resp.Header)
	}
	// Without a signature a request may be a platform's test of the address while it is small enough.
	s.answer = app.Answer{Status: 200}
	for size, want := range map[int]int{0: 200, pingLimit: 200, pingLimit + 1: 400} {
		if resp, _ := post("POST", "/hooks/daily", size); resp.StatusCode != want {
			t.Errorf("%d bytes without a signature: %d", size, resp.StatusCode)
		}
	}
}

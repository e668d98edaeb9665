package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
)

const secretKey = "key-0123456789abcdef"

var began = time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)

// client returns one that calls h, on a clock that moves only when it is slept on.
func client(t *testing.T, h http.Handler, change func(*rest.Config)) (*rest.Client, *providertest.Clock) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	clock := providertest.NewClock(began)
	c := rest.Config{
		Platform: provider.Daily, BaseURL: srv.URL + "/v1", Key: secretKey, KeySetting: "DAILY_API_KEY",
		URLSetting: "DAILY_API_URL", KeyHint: "find it", Options: rest.Options{Transport: srv.Client().Transport, Clock: clock},
		Jitter: func() float64 { return 0.5 },
	}
	if change != nil {
		change(&c)
	}
	cl, err := rest.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl, clock
}

// answers serves one function after the other, repeats the last one, and counts.
func answers(n *atomic.Int32, hs ...http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		hs[min(i, len(hs)-1)](w, r)
	}
}

func reply(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func asJSON(status int, body string, header ...string) http.HandlerFunc {
	return reply(status, "application/json", body, header...)
}

// cut promises a body and breaks off in its middle.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"name":"x`)
	panic(http.ErrAbortHandler)
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

type named struct {
	Name string `json:"name"`
}

func get(out any) rest.Call {
	return rest.Call{Op: "look up room", Subject: "demo", Method: http.MethodGet, Path: "/rooms/demo", Out: out}
}

func post(out any) rest.Call {
	return rest.Call{Op: "create room", Subject: "demo", Method: http.MethodPost, Path: "/rooms", In: named{"demo"}, Out: out}
}

func TestCallSendsWhatItShould(t *testing.T) {
	var got *http.Request
	var body string
	c, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		asJSON(200, `{"name":"demo"}`, "Date", "Sun, 15 Jun 2025 12:00:00 GMT")(w, r)
	}), func(c *rest.Config) { c.BaseURL += "/" })
	var out named
	var header http.Header
	call := post(&out)
	call.Path, call.Query, call.Header = "/rooms/a%2Fb", url.Values{"limit": {"5"}}, &header
	if err := c.Do(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if out.Name != "demo" || body != `{"name":"demo"}` || got.Method != "POST" {
		t.Errorf("sent %s %q, got %+v", got.Method, body, out)
	}
	if got.RequestURI != "/v1/rooms/a%2Fb?limit=5" {
		t.Errorf("asked for %s", got.RequestURI)
	}
	for k, want := range map[string]string{
		"Authorization": "Bearer " + secretKey, "Accept": "application/json", "Content-Type": "application/json",
		"User-Agent": "greenroom",
	} {
		if got.Header.Get(k) != want {
			t.Errorf("%s: %q, want %q", k, got.Header.Get(k), want)
		}
	}
	if header.Get("Date") == "" {
		t.Error("the answer's headers were not handed over")
	}
}

func TestRetries(t *testing.T) {
	good := asJSON(200, `{"name":"demo"}`)
	busy := asJSON(429, `{}`, "Retry-After", "3")
	for _, tt := range []struct {
		name  string
		post  bool
		first http.HandlerFunc
		calls int32
		kind  provider.Kind
		maybe bool
		wait  time.Duration
	}{
		{name: "a server's error is tried again", first: asJSON(503, `{}`), calls: 2, wait: 125 * time.Millisecond},
		{name: "a lost connection is tried again", first: hangUp, calls: 2},
		{name: "a cut answer is tried again", first: cut, calls: 2},
		{name: "broken JSON is tried again", first: asJSON(200, `{"name":`), calls: 2},
		{name: "a limit is waited for", first: busy, calls: 2, wait: 3125 * time.Millisecond},
		{name: "a refusal is final", first: asJSON(403, `{}`), calls: 1, kind: provider.Forbidden},
		{name: "another shape is final", first: asJSON(200, `[]`), calls: 1, kind: provider.Unavailable},
		{name: "a limit has done nothing", post: true, first: busy, calls: 2, wait: 3125 * time.Millisecond},
		{name: "a creation that failed may be done", post: true, first: asJSON(502, `{}`), calls: 1, kind: provider.Unavailable, maybe: true},
		{name: "a creation without an answer may be done", post: true, first: hangUp, calls: 1, kind: provider.Unavailable, maybe: true},
		{name: "a creation with a cut answer may be done", post: true, first: cut, calls: 1, kind: provider.Unavailable, maybe: true},
		{name: "a creation answered with a page may be done", post: true, first: reply(200, "text/html", "<html>hi"), calls: 1, kind: provider.Unavailable, maybe: true},
		{name: "a creation answered with an error may be done", post: true, first: asJSON(200, `{"error":"odd"}`), calls: 1, kind: provider.Invalid, maybe: true},
		{name: "a refused creation is not done", post: true, first: asJSON(400, `{}`), calls: 1, kind: provider.Invalid},
		{name: "a redirected creation is not done", post: true, first: reply(307, "text/plain", "", "Location", "/v2"), calls: 1, kind: provider.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int32
			c, clock := client(t, answers(&n, tt.first, good), nil)
			var out named
			call := get(&out)
			if tt.post {
				call = post(&out)
			}
			err := c.Do(t.Context(), call)
			if provider.KindOf(err) != tt.kind || errors.Is(err, rest.ErrMaybeDone) != tt.maybe {
				t.Errorf("error %v, maybe done %v", err, errors.Is(err, rest.ErrMaybeDone))
			}
			if n.Load() != tt.calls {
				t.Errorf("%d calls, want %d", n.Load(), tt.calls)
			}
			if waits := clock.Waits(); tt.wait > 0 && (len(waits) != 1 || waits[0] != tt.wait) {
				t.Errorf("waited %v, want %v", waits, tt.wait)
			}
			if tt.kind == "" && out.Name != "demo" {
				t.Errorf("got %+v", out)
			}
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	var n atomic.Int32
	c, clock := client(t, answers(&n, asJSON(500, `{}`)), func(c *rest.Config) { c.Jitter = func() float64 { return 1 } })
	err := c.Do(t.Context(), get(nil))
	if !errors.Is(err, provider.Unavailable) || errors.Is(err, rest.ErrMaybeDone) || n.Load() != rest.DefaultAttempts {
		t.Errorf("%v after %d calls", err, n.Load())
	}
	want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second}
	if got := clock.Waits(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("waited %v, want %v", got, want)
	}
	for n, want := range map[int]time.Duration{1: 250 * time.Millisecond, 60: 8 * time.Second} {
		if err := c.Backoff(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if w := clock.Waits(); w[len(w)-1] != want {
			t.Errorf("back-off %d is %v, want %v", n, w[len(w)-1], want)
		}
	}
}

func TestIdempotentPostIsRepeated(t *testing.T) {
	var n atomic.Int32
	c, _ := client(t, answers(&n, hangUp, asJSON(200, `{}`)), nil)
	call := post(nil)
	call.Idempotent = true
	if err := c.Do(t.Context(), call); err != nil || n.Load() != 2 {
		t.Errorf("%v after %d calls", err, n.Load())
	}
}

func TestRefusedConnectionIsRepeatedEvenForCreations(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	c, clock := client(t, asJSON(200, `{}`), func(c *rest.Config) { c.BaseURL = "http://" + addr })
	err = c.Do(t.Context(), post(nil))
	if !errors.Is(err, provider.Unavailable) || errors.Is(err, rest.ErrMaybeDone) || len(clock.Waits()) != 3 {
		t.Errorf("%v after %v", err, clock.Waits())
	}
	if !strings.Contains(provider.HintOf(err), "DAILY_API_URL") {
		t.Errorf("hint %q", provider.HintOf(err))
	}
}

func TestCertificateThatProvesNothing(t *testing.T) {
	srv := httptest.NewTLSServer(asJSON(200, `{}`))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, clock := client(t, asJSON(200, `{}`), func(c *rest.Config) { c.BaseURL, c.Transport = srv.URL, transport })
	err := c.Do(t.Context(), post(nil))
	if !errors.Is(err, provider.Unavailable) || errors.Is(err, rest.ErrMaybeDone) || len(clock.Waits()) != 0 {
		t.Errorf("%v after %v", err, clock.Waits())
	}
	if !strings.Contains(provider.HintOf(err), "certificate is not valid") {
		t.Errorf("hint %q", provider.HintOf(err))
	}
}

// roundTrip is a transport of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestContext(t *testing.T) {
	t.Run("cancelled before", func(t *testing.T) {
		var n atomic.Int32
		c, _ := client(t, answers(&n, asJSON(200, `{}`)), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := c.Do(ctx, get(nil))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, provider.Unavailable) || n.Load() != 0 {
			t.Errorf("%v after %d calls", err, n.Load())
		}
	})
	t.Run("cancelled during", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, clock := client(t, nil, func(c *rest.Config) {
			c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				cancel()
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
		})
		err := c.Do(ctx, post(nil))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, rest.ErrMaybeDone) || len(clock.Waits()) != 0 {
			t.Errorf("%v after %v", err, clock.Waits())
		}
	})
	t.Run("cancelled between attempts", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, _ := client(t, nil, func(c *rest.Config) {
			c.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
				cancel()
				return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
			})
		})
		if err := c.Do(ctx, get(nil)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("an attempt that takes too long is not the caller's end", func(t *testing.T) {
		calls := 0
		c, _ := client(t, nil, func(c *rest.Config) {
			c.Timeout = time.Millisecond
			c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				calls++
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
		})
		err := c.Do(t.Context(), get(nil))
		if !errors.Is(err, context.DeadlineExceeded) || calls != rest.DefaultAttempts || !strings.Contains(err.Error(), "1ms") {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
	t.Run("an answer that takes too long is cut short", func(t *testing.T) {
		c, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"name":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), func(c *rest.Config) { c.Timeout, c.Attempts = 20*time.Millisecond, 2 })
		err := c.Do(t.Context(), post(new(named)))
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !errors.Is(err, rest.ErrMaybeDone) {
			t.Error(err)
		}
	})
	t.Run("each attempt has its own time", func(t *testing.T) {
		// Attempts overlap, and every second one hangs: those end, the others succeed.
		c, _ := client(t, nil, func(c *rest.Config) {
			c.Timeout, c.Attempts = 5*time.Millisecond, 1
			c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"name":"x"}`))}, nil
			})
		})
		var group crash.Group
		for range 8 {
			group.Go("post", func() {
				if err := c.Do(t.Context(), post(nil)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("a hanging call: %v", err)
				}
			})
			group.Go("get", func() {
				if err := c.Do(t.Context(), get(nil)); err != nil {
					t.Errorf("a quick call: %v", err)
				}
			})
		}
		group.Wait()
	})
	t.Run("no time to wait", func(t *testing.T) {
		var n atomic.Int32
		c, clock := client(t, answers(&n, asJSON(429, `{}`, "Retry-After", "15")), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := c.Do(ctx, get(nil))
		var e *provider.Error
		if !errors.As(err, &e) || e.Kind != provider.RateLimited || e.RetryAfter != 15*time.Second || n.Load() != 1 || len(clock.Waits()) != 0 {
			t.Errorf("%v after %d calls and %v", err, n.Load(), clock.Waits())
		}
	})
}

func TestConfiguration(t *testing.T) {
	good := rest.Config{
		Platform: provider.Daily, BaseURL: "https://api.example/v1", Key: secretKey, KeySetting: "DAILY_API_KEY",
		URLSetting: "DAILY_API_URL", KeyHint: "find it",
	}
	if _, err := rest.New(good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*rest.Config)
		kind   provider.Kind
		hint   string
	}{
		{"no key", func(c *rest.Config) { c.Key = " " }, provider.Unauthenticated, "DAILY_API_KEY; find it"},
		{"a key of two lines", func(c *rest.Config) { c.Key = secretKey + "\n" }, provider.Invalid, "DAILY_API_KEY"},
		{"no URL", func(c *rest.Config) { c.BaseURL = "" }, provider.Invalid, "DAILY_API_URL"},
		{"a URL with a password", func(c *rest.Config) { c.BaseURL = "https://u:" + secretKey + "@h/" }, provider.Invalid, "DAILY_API_URL"},
		{"another scheme", func(c *rest.Config) { c.BaseURL = "ftp://h/" }, provider.Invalid, "DAILY_API_URL"},
		{"a query", func(c *rest.Config) { c.BaseURL += "?t=" + secretKey }, provider.Invalid, "DAILY_API_URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := rest.New(c)
			if !errors.Is(err, tt.kind) || !strings.Contains(provider.HintOf(err), tt.hint) {
				t.Errorf("%v (%s)", err, provider.HintOf(err))
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secretKey) {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

func TestClientPrintsNoSecret(t *testing.T) {
	c, _ := client(t, asJSON(200, `{}`), nil)
	if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(s, secretKey) {
		t.Errorf("printed as %s", s)
	}
	if got := c.Safe("key " + secretKey + "\x1b[2J"); strings.Contains(got, secretKey) || strings.Contains(got, "\x1b") {
		t.Errorf("Safe gave %q", got)
	}
	if !c.Now().Equal(began) {
		t.Error("another clock")
	}
}

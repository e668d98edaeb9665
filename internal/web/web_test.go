package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink stores the deliveries of a listener.
type sink struct {
	mu  sync.Mutex
	got []app.Inbound
	// refused are those that are recorded alone.
	refused []app.Inbound
	answer  app.Answer
	err     error
	// inside receives a value for each request that is held at the gate.
	inside, gate chan struct{}
}

func (s *sink) Ingest(_ context.Context, in app.Inbound) (app.Answer, error) {
	if in.Refused != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused = append(s.refused, in)
		return *in.Refused, s.err
	}
	s.mu.Lock()
	inside, gate := s.inside, s.gate
	s.mu.Unlock()
	if gate != nil {
		inside <- struct{}{}
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, in)
	return s.answer, s.err
}

func listen(t *testing.T, s *sink, change func(*Options)) *Listener {
	t.Helper()
	o := Options{
		Addr: "127.0.0.1:0", Ingest: s,
		Router: Router{Accounts: []string{"daily"}, Aliases: map[string]string{"/v1/daily/webhook": "daily"}},
	}
	if change != nil {
		change(&o)
	}
	l, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

func request(t *testing.T, method, url, host string, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestRequestsArriveAsTheyWereSent(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}}
	l := listen(t, s, nil)
	body := "\x00\xff{ \"a\" :1}\r\n"
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /hooks/daily?x=%%41&y HTTP/1.1\r\nHost: localhost:1\r\nX-Two: a\r\nX-Two: b\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	in := s.got[0]
	if in.Target != "/hooks/daily?x=%41&y" || string(in.Body) != body || len(in.Header["X-Two"]) != 2 ||
		in.Header["Host"][0] != "localhost:1" || in.Account != "daily" || in.ReceivedAt.IsZero() {
		t.Errorf("%+v", in)
	}
}

func TestWhatIsAnsweredToWhom(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}}
	l := listen(t, s, func(o *Options) {
		o.BodyLimit = 100
		o.Hosts = func() []string { return []string{"hooks.example"} }
	})
	for _, c := range []struct {
		name, method, path, host, body string
		want                           int
	}{
		{"a hook", "POST", "/hooks/daily", "", "{}", 200},
		{"its alias", "POST", "/v1/daily/webhook", "", "{}", 200},
		{"through the tunnel", "POST", "/hooks/daily", "HOOKS.example", "{}", 200},
		{"a name of theirs", "POST", "/hooks/daily", "evil.example", "{}", 404},
		{"an account that isn't there", "POST", "/hooks/zoom", "", "{}", 404},
		{"another path", "GET", "/", "", "", 404},
		{"a path that climbs", "POST", "/hooks/../hooks/daily/", "", "{}", 404},
		{"another method", "GET", "/hooks/daily", "", "", 405},
		{"as large as may be", "POST", "/hooks/daily", "", strings.Repeat("x", 100), 200},
		{"too large", "POST", "/hooks/daily", "", strings.Repeat("x", 101), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := request(t, c.method, l.URL()+c.path, c.host, strings.NewReader(c.body))
			if resp.StatusCode != c.want {
				t.Errorf("answered %d, want %d", resp.StatusCode, c.want)
			}
		})
	}
	t.Run("too large without saying so", func(t *testing.T) {
		resp := request(t, "POST", l.URL()+"/hooks/daily", "", struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 101))})
		if resp.StatusCode != 413 {
			t.Errorf("answered %d", resp.StatusCode)
		}
	})
	if st := l.Status(); st.Accepted != 4 || st.Rejected != 7 {
		t.Errorf("%+v", st)
	}
}

func TestNothingIsAcceptedThatWasNotStored(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer app.Answer
		err    error
		want   int
	}{
		{"busy", app.Answer{Status: 503, RetryAfter: 7}, nil, 503},
		{"the owner is gone", app.Answer{}, errors.New("socket closed"), 503},
		{"the owner does not know the account", app.Answer{}, &app.Error{Kind: provider.NotFound}, 503},
		{"forged", app.Answer{Status: 401}, nil, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t, &sink{answer: c.answer, err: c.err}, nil)
			resp := request(t, "POST", l.URL()+"/hooks/daily", "", strings.NewReader("{}"))
			if resp.StatusCode != c.want {
				t.Errorf("answered %d", resp.StatusCode)
			}
			if c.want == 503 && resp.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}

func TestAPanicIsNeverA200(t *testing.T) {
	l := listen(t, nil, func(o *Options) { o.Ingest = nil })
	resp, err := http.Post(l.URL()+"/hooks/daily", "application/json", strings.NewReader("{}"))
	if err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
}

func TestTooManyAtATimeAreTurnedAway(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}, inside: make(chan struct{}, 2), gate: make(chan struct{})}
	l := listen(t, s, func(o *Options) { o.Concurrent = 2 })
	done := make(chan int, 2)
	for range 2 {
		go func() {
			resp, err := http.Post(l.URL()+"/hooks/daily", "", strings.NewReader("{}"))
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	<-s.inside
	<-s.inside
	resp := request(t, "POST", l.URL()+"/hooks/daily", "", strings.NewReader("{}"))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("answered %d", resp.StatusCode)
	}
	close(s.gate)
	for range 2 {
		if got := <-done; got != 200 {
			t.Errorf("one of the first got %d", got)
		}
	}
}

func TestAUsedPortMovesOnUnlessItWasAskedFor(t *testing.T) {
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	addr := held.Addr().String()
	l := listen(t, &sink{}, func(o *Options) { o.Addr = addr })
	if l.Addr().String() == addr {
		t.Error("two listeners at one address")
	}
	if l.Moved() == "" || l.Status().Problem != l.Moved() {
		t.Errorf("it doesn't say that it moved: %q", l.Status().Problem)
	}
	if still := listen(t, &sink{}, nil); still.Moved() != "" {
		t.Errorf("%q", still.Moved())
	}
	if _, err := Listen(Options{Addr: addr, Fixed: true}); !errors.Is(err, provider.Conflict) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"nonsense", "127.0.0.1:x", "127.0.0.1:70000"} {
		if _, err := Listen(Options{Addr: bad}); !errors.Is(err, provider.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzARequest(f *testing.F) {
	f.Add([]byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	s := &sink{answer: app.Answer{Status: 200}}
	l, err := Listen(Options{Addr: "127.0.0.1:0", Router: Router{Accounts: []string{"daily"}}, Ingest: s})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		s.got = nil
		w := &recorder{header: http.Header{}}
		l.ServeHTTP(w, r)
		if w.status == 0 || (w.status == 200) != (len(s.got) == 1) {
			t.Errorf("answered %d with %d delivered", w.status, len(s.got))
		}
	})
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }

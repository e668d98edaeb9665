package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/crash"
	"greenroom/internal/ipc"
	"greenroom/provider"
)

// stub is a Backend whose Status and CreateRoom the test decides.
type stub struct {
	*apptest.Memory
	status func(context.Context) error
	create func(context.Context) error
}

func (s *stub) Status(ctx context.Context, _ app.StatusQuery) (app.Status, error) {
	return app.Status{Version: "stub"}, s.status(ctx)
}

func (s *stub) CreateRoom(ctx context.Context, r app.RoomSpec) (app.Room, error) {
	if s.create != nil {
		return app.Room{RoomSettings: app.RoomSettings{Name: r.Name}}, s.create(ctx)
	}
	return s.Memory.CreateRoom(ctx, r)
}

var me = ipc.Hello{Protocol: ipc.Protocol, Version: "1.0", DataDir: "/d", Fingerprint: "f", PID: 1}

// serve serves b on a socket of its own, without a session.
func serve(t testing.TB, b app.Backend, hello ipc.Hello, group *crash.Group) (socket string, server *ipc.Server) {
	t.Helper()
	socket = shortDir(t) + ".sock"
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server = ipc.NewServer(b, hello, nil, group, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Leave(time.Second); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return socket, server
}

func dial(t testing.TB, socket string) *ipc.Client {
	t.Helper()
	c, warning, err := ipc.Dial(t.Context(), socket, me, nil, nil)
	if err != nil || warning != "" {
		t.Fatal(warning, err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestErrorsCross(t *testing.T) {
	tests := []struct {
		name string
		err  error
		is   []error
		want app.Error
	}{
		{"kind and hint", &app.Error{Kind: app.NotConfigured, Text: "no key", Hint: "set DAILY_API_KEY"},
			[]error{app.NotConfigured}, app.Error{Kind: app.NotConfigured, Text: "no key", Hint: "set DAILY_API_KEY"}},
		{"a platform's", &provider.Error{Kind: provider.RateLimited, Platform: provider.Daily, Op: "create room", Text: "slow", Hint: "wait"},
			[]error{provider.RateLimited}, app.Error{
				Kind: provider.RateLimited, Text: "daily: create room: rate limited: slow", Plain: "Daily is limiting the rate of calls", Hint: "wait",
			}},
		{"wrapped", errors.Join(errors.New("first"), &app.Error{Kind: provider.Conflict, Text: "second", Hint: "h"}),
			[]error{provider.Conflict}, app.Error{Kind: provider.Conflict, Text: "first\nsecond", Hint: "h"}},
		{"plain", errors.New("broken"), nil, app.Error{Text: "broken"}},
		{"a deadline of the owner's", &app.Error{Kind: provider.Unavailable, Text: "slow", Err: context.DeadlineExceeded},
			[]error{context.DeadlineExceeded, provider.Unavailable}, app.Error{Kind: provider.Unavailable, Text: "slow"}},
		{"cancelled by the owner", context.Canceled, []error{context.Canceled}, app.Error{Text: "context canceled"}},
		{"unavailable is not a lost owner", &app.Error{Kind: provider.Unavailable, Text: "platform down"},
			[]error{provider.Unavailable}, app.Error{Kind: provider.Unavailable, Text: "platform down"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			socket, _ := serve(t, &stub{Memory: apptest.NewMemory(1), status: func(context.Context) error { return tt.err }}, me, nil)
			_, err := ipc.Call[app.Status](t.Context(), dial(t, socket), "Status", app.StatusQuery{})
			var got *app.Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v", err)
			}
			if got.Kind != tt.want.Kind || got.Text != tt.want.Text || got.Plain != tt.want.Plain || got.Hint != tt.want.Hint {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			for _, is := range tt.is {
				if !errors.Is(err, is) {
					t.Errorf("%v is not %v", err, is)
				}
			}
		})
	}
}

func TestCancellationReachesTheOwner(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	socket, _ := serve(t, &stub{Memory: apptest.NewMemory(1), status: func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}}, me, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	if _, err := ipc.Call[app.Status](ctx, dial(t, socket), "Status", app.StatusQuery{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller's error: %v", err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the owner's: %v", err)
		}
	case <-time.After(patience):
		t.Error("the owner's side continues")
	}
}

func TestADeadlineEndsTheCall(t *testing.T) {
	socket, _ := serve(t, &stub{Memory: apptest.NewMemory(1), status: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}}, me, nil)
	c := dial(t, socket)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(10*time.Millisecond))
	defer cancel()
	if _, err := ipc.Call[app.Status](ctx, c, "Status", app.StatusQuery{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestAPanicEndsOnlyItsCall(t *testing.T) {
	reports := make(chan crash.Report, 1)
	group := &crash.Group{OnPanic: func(r crash.Report) { reports <- r }}
	socket, _ := serve(t, &stub{Memory: apptest.NewMemory(1), status: func(context.Context) error { panic("boom") }}, me, group)
	c := dial(t, socket)
	_, err := ipc.Call[app.Status](t.Context(), c, "Status", app.StatusQuery{})
	if e := app.AsError(err); e == nil || !strings.Contains(e.Text, "Status failed because") {
		t.Errorf("error %v", err)
	}
	if r := <-reports; r.Value != "boom" || r.Name != "ipc Status" {
		t.Errorf("report %+v", r)
	}
	if _, err := ipc.Call[[]app.RoomView](t.Context(), c, "Rooms", app.RoomQuery{}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestAWebhookOfTheLargestSize(t *testing.T) {
	b := apptest.NewMemory(1)
	socket, _ := serve(t, b, me, nil)
	body := bytes.Repeat([]byte{0xff, 0, '"', 'x', '\n'}, 5<<20)
	in := app.Inbound{Account: "a", Body: body, Header: map[string][]string{"A": {"b"}}}
	answer, err := ipc.Call[app.Answer](t.Context(), dial(t, socket), "Ingest", in)
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: answer.Seq})
	if err != nil || !bytes.Equal(d.Body, body) {
		t.Errorf("%d bytes of %d, %v", len(d.Body), len(body), err)
	}
}

func TestRequestsAreLimited(t *testing.T) {
	h := ipc.NewServer(apptest.NewMemory(1), me, nil, nil, nil).Handler()
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"too large", "POST", "/v1/CreateRoom", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusBadRequest},
		{"not JSON", "POST", "/v1/CreateRoom", `{`, http.StatusBadRequest},
		{"of another type", "POST", "/v1/CreateRoom", `{"name":1}`, http.StatusBadRequest},
		{"no body", "POST", "/v1/CreateRoom", ``, http.StatusBadRequest},
		{"two values", "POST", "/v1/Rooms", `{} {}`, http.StatusBadRequest},
		{"unknown call", "POST", "/v1/Quit", `{}`, http.StatusNotImplemented},
		{"subscribing is no call", "POST", "/v1/Subscribe", `{}`, http.StatusNotImplemented},
		{"GET of a call", "GET", "/v1/Rooms", ``, http.StatusMethodNotAllowed},
		{"elsewhere", "GET", "/", ``, http.StatusNotFound},
		{"fine", "POST", "/v1/Rooms", `{}`, http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
			if w.Code != tt.status {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
		})
	}
}

// FuzzRequest: no request makes the server panic or answer with nothing.
func FuzzRequest(f *testing.F) {
	f.Add("CreateRoom", []byte(`{"name":"x","size":3}`))
	f.Add("Ingest", []byte(`{"account":"a","body":"AAEC","header":{"A":["b"]},"received_at":"2026-11-22T10:00:00Z"}`))
	f.Add("Events", []byte(`{"since":null,"limit":-1,"before":18446744073709551615}`))
	f.Add("EditRoom", []byte(`{"ref":"x","name":null}`))
	f.Add("StartMeeting", []byte(`{"room":"x","for":1e3}`))
	f.Fuzz(func(t *testing.T, method string, body []byte) {
		h := ipc.NewServer(apptest.NewMemory(1), me, nil, nil, nil).Handler()
		r := httptest.NewRequest("POST", "/v1/x", bytes.NewReader(body))
		r.URL.Path = "/v1/" + method
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusOK && w.Body.Len() == 0 {
			t.Errorf("%s %q: 200 without an answer", method, body)
		}
	})
}

func TestHellosAreCompared(t *testing.T) {
	tests := []struct {
		name          string
		change        func(*ipc.Hello)
		kind          provider.Kind
		text, warning string
	}{
		{"same", func(*ipc.Hello) {}, "", "", ""},
		{"another version", func(h *ipc.Hello) { h.Version = "2.0" }, provider.Conflict, "greenroom 2.0 (process 77) has the store open; this is greenroom 1.0", ""},
		{"another protocol", func(h *ipc.Hello) { h.Protocol++ }, provider.Conflict, "process 77", ""},
		{"another folder", func(h *ipc.Hello) { h.DataDir = "/other" }, provider.Conflict, "serves the data folder /other, not /d", ""},
		{"a different configuration", func(h *ipc.Hello) { h.Fingerprint = "g" }, "", "", "process 77, which has the store open, uses a different configuration, which applies here too: quit it, or start"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			owner := me
			owner.PID = 77
			tt.change(&owner)
			socket, _ := serve(t, apptest.NewMemory(1), owner, nil)
			c, warning, err := ipc.Dial(t.Context(), socket, me, nil, nil)
			if c != nil {
				defer c.Close()
			}
			if tt.kind == "" && err != nil || tt.kind != "" && !errors.Is(err, tt.kind) {
				t.Fatalf("error %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.text) || app.AsError(err).Hint == "") {
				t.Errorf("error %q, hint %q", err, app.AsError(err).Hint)
			}
			if tt.warning == "" && warning != "" || !strings.Contains(warning, tt.warning) {
				t.Errorf("warning %q", warning)
			}
		})
	}
}

func TestDialWithoutAnOwner(t *testing.T) {
	_, _, err := ipc.Dial(t.Context(), filepath.Join(t.TempDir(), "none"), me, nil, nil)
	if !errors.Is(err, provider.Unavailable) {
		t.Errorf("error %v", err)
	}
}

// TestTheNextOwnerOfASocket: a client is bound to the owner that it greeted. What it sends to the next one on the same
// socket is not carried out, so that the session gets to know it first.
func TestTheNextOwnerOfASocket(t *testing.T) {
	socket, first := serve(t, apptest.NewMemory(1), me, nil)
	c := dial(t, socket)
	if err := first.Leave(time.Minute); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	b := &counting{Memory: apptest.NewMemory(1)}
	next := ipc.NewServer(b, me, nil, nil, nil)
	served := make(chan error, 1)
	go func() { served <- next.Serve(l) }()
	if _, err := ipc.Call[app.Room](t.Context(), c, "CreateRoom", app.RoomSpec{Name: "x"}); !errors.Is(err, provider.Unavailable) || b.created.Load() != 0 {
		t.Errorf("a call: %v, %d rooms", err, b.created.Load())
	}
	if _, err := c.Subscribe(t.Context()); !errors.Is(err, provider.Unavailable) {
		t.Errorf("a subscription: %v", err)
	}
	if err := next.Leave(time.Minute); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

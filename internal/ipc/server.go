package ipc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
	"greenroom/internal/crash"
	"greenroom/provider"
)

// readDeadline bounds how long one request's body may take to arrive.
const readDeadline = 30 * time.Second

// Server serves a Backend to other processes.
type Server struct {
	backend app.Backend
	hello   Hello
	methods map[string]method
	log     *slog.Logger
	crash   *crash.Group
	clock   clockwork.Clock
	http    *http.Server

	// calls ends the calls under way when the grace of Leave is over, streams ends the streams when Leave begins.
	calls, streams       context.Context
	cutCalls, cutStreams context.CancelFunc

	mu       sync.Mutex
	leaving  bool
	inflight int
	idle     chan struct{}
}

// NewServer returns a server of b. The crash group, logger and clock may be nil.
func NewServer(b app.Backend, hello Hello, log *slog.Logger, group *crash.Group, clock clockwork.Clock) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	hello.Instance = rand.Text()
	s := &Server{
		backend: b, hello: hello, methods: tableOf(b), log: log, crash: group, clock: clock,
		idle: make(chan struct{}),
	}
	s.calls, s.cutCalls = context.WithCancel(context.Background())
	s.streams, s.cutStreams = context.WithCancel(s.calls)
	s.http = bounds.Server(s.Handler(), log, 0)
	s.http.BaseContext = func(net.Listener) context.Context { return s.calls }
	return s
}

// Handler returns the server's HTTP handler.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHello, s.serveHello)
	mux.HandleFunc("GET "+pathSubscribe, s.streaming(s.serveSubscribe))
	mux.HandleFunc("GET "+pathAlive, s.streaming(s.serveAlive))
	mux.HandleFunc("POST "+pathCall+"{method}", s.serveCall)
	return mux
}

// Serve serves connections of l until [Server.Leave], which closes l.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Leave refuses further calls, ends the streams, waits at most for grace for the calls under way, and closes all connections and the
// listener.
func (s *Server) Leave(grace time.Duration) error {
	s.mu.Lock()
	first := !s.leaving
	s.leaving = true
	if first && s.inflight == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	s.cutStreams()

	timer := s.clock.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-s.idle:
	case <-timer.Chan():
		s.log.Warn("calls of other terminals were cut short")
	}
	s.cutCalls()
	return s.http.Close()
}

// begin counts a call, unless the server is leaving.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return false
	}
	s.inflight++
	return true
}

// meant reports whether the request is for this owner, not for an earlier one on the same socket.
func (s *Server) meant(r *http.Request) bool {
	instance := r.Header.Get(headerInstance)
	return instance == "" || instance == s.hello.Instance
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inflight--
	if s.leaving && s.inflight == 0 {
		close(s.idle)
	}
}

var leavingFailure = failure{Error: app.Error{Kind: provider.Unavailable, Text: "the owner of the store is exiting"}, Leaving: true}

func (s *Server) serveHello(w http.ResponseWriter, _ *http.Request) {
	if !s.begin() {
		writeFailure(w, leavingFailure)
		return
	}
	defer s.end()
	b, err := json.Marshal(s.hello)
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	writeJSON(w, http.StatusOK, b)
}

// serveCall carries out one call. The client sends the body only after 100 Continue, which the first read of the body causes: if the
// body was never requested, the call was not carried out.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, ok := s.methods[name]
	if !ok {
		writeFailure(w, failureOf(app.Errorf(provider.Unsupported, "", "there is no call %s", name)))
		return
	}
	if !s.meant(r) || !s.begin() {
		writeFailure(w, leavingFailure)
		return
	}
	defer s.end()

	body, err := readBody(w, r, m.limit)
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	out, err := s.invoke(r.Context(), m, body)
	if err != nil {
		f := failureOf(err)
		if s.calls.Err() != nil {
			f = failureOf(app.Errorf(provider.Unavailable, "", "the owner of the store exited before %s was done", name))
		}
		writeFailure(w, f)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// invoke makes a call. A panic of the Backend fails only this call.
func (s *Server) invoke(ctx context.Context, m method, body []byte) (out []byte, err error) {
	err = &app.Error{Text: m.name + " failed because of a fault in Greenroom", Hint: "the owner's log has the details"}
	defer s.crash.Recover("ipc " + m.name)
	return m.call(ctx, body)
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, app.Errorf(provider.Invalid, "", "the request is too large")
	}
	rc := http.NewResponseController(w)
	// Recorders in tests have no deadlines; on a connection this can't fail.
	_ = rc.SetReadDeadline(time.Now().Add(readDeadline))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = rc.SetReadDeadline(time.Time{})
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, app.Errorf(provider.Invalid, "", "the request is too large")
	}
	if err != nil {
		return nil, app.Errorf(provider.Invalid, "", "the request could not be read: %v", err)
	}
	return b, nil
}

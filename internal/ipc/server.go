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

	// calls ends what is under way once the grace of Leave is over, streams ends the streams as soon as it begins.
	calls, streams       context.Context
	cutCalls, cutStreams context.CancelFunc

	mu       sync.Mutex
	leaving  bool
	inflight int
	idle     chan struct{}
}

// NewServer makes a server of b. The crash group, logger and clock may be nil.
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

// Handler is the server's HTTP side.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHello, s.serveHello)
	mux.HandleFunc("GET "+pathSubscribe, s.serveSubscribe)
	mux.HandleFunc("GET "+pathAlive, s.serveAlive)
	mux.HandleFunc("POST "+pathCall+"{method}", s.serveCall)
	return mux
}

// Serve answers on l until [Server.Leave], which closes l.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Leave refuses further calls, ends the streams, waits for the calls that are under way, at most for grace, and closes every
// connection and the listener.
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

// meant reports whether the request is for this owner, and not for the one before it on the same socket.
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

func leavingFailure() failure {
	return failure{Kind: provider.Unavailable, Text: "the owner of the store is leaving", Leaving: true}
}

func (s *Server) serveHello(w http.ResponseWriter, _ *http.Request) {
	if !s.begin() {
		writeFailure(w, leavingFailure())
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

// serveCall carries one call. The client waits for 100 Continue before it sends the body, which the first read of it
// causes: a body that was never asked for is a call that was not carried out.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	m, ok := s.methods[name]
	if !ok {
		writeFailure(w, failure{Kind: provider.Unsupported, Text: "there is no call " + name})
		return
	}
	if !s.meant(r) || !s.begin() {
		writeFailure(w, leavingFailure())
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
			f = failure{Kind: provider.Unavailable, Text: "the owner of the store left before " + name + " was done"}
		}
		writeFailure(w, f)
		return
	}
	writeJSON(w, http.StatusOK, out)
}

// invoke keeps a panic of the Backend to its call.
func (s *Server) invoke(ctx context.Context, m method, body []byte) (out []byte, err error) {
	err = &app.Error{Text: m.name + " failed because of a fault in Greenroom", Hint: "the owner's log has the details"}
	defer s.crash.Recover("ipc " + m.name)
	return m.call(ctx, body)
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &app.Error{Kind: provider.Invalid, Text: "the request is too large"}
	}
	rc := http.NewResponseController(w)
	// Recorders in tests know no deadlines; on a connection this cannot fail.
	_ = rc.SetReadDeadline(time.Now().Add(readDeadline))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_ = rc.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, &app.Error{Kind: provider.Invalid, Text: "the request is too large", Err: err}
	}
	if err != nil {
		return nil, &app.Error{Kind: provider.Invalid, Text: "the request could not be read: " + err.Error(), Err: err}
	}
	return b, nil
}

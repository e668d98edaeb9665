package tunneltest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
)

// Pipe is a driver and its only tunnel. The test decides what arrives through it and what its status is.
type Pipe struct {
	// Fail is the error of Open.
	Fail  error
	Board *tunnel.Board
	// Opened yields the local end once Open was called. Closed is closed by Close.
	Opened chan tunnel.Local
	Closed chan struct{}
	// Seq is the number of the last request, and Cut makes Public answer 502.
	Seq atomic.Uint64
	Cut atomic.Bool

	name string
	once sync.Once
	// active is held for reading by each request that is under way.
	active sync.RWMutex
}

// NewPipe returns a driver of the given name that is connecting. It stores and forwards if its name is "relay".
func NewPipe(name string) *Pipe {
	p := &Pipe{name: name, Opened: make(chan tunnel.Local, 1), Closed: make(chan struct{})}
	p.Board = tunnel.NewBoard(tunnel.Status{Driver: name, State: tunnel.Connecting, StoreAndForward: p.StoresAndForwards()})
	return p
}

// Name implements [tunnel.Driver].
func (p *Pipe) Name() string { return p.name }

// StoresAndForwards implements [tunnel.Driver].
func (p *Pipe) StoresAndForwards() bool { return p.name == "relay" }

// Open implements [tunnel.Driver].
func (p *Pipe) Open(_ context.Context, l tunnel.Local) (tunnel.Tunnel, error) {
	if p.Fail != nil {
		return nil, p.Fail
	}
	p.Opened <- l
	return p, nil
}

// Status implements [tunnel.Tunnel].
func (p *Pipe) Status() <-chan tunnel.Status { return p.Board.Status() }

// Close implements [tunnel.Tunnel].
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.Closed) })
	p.active.Lock()
	defer p.active.Unlock()
	p.Board.Close("closed")
	return nil
}

// Public serves the far end and returns its URL. Requests to it arrive at the local end as records.
func (p *Pipe) Public(t testing.TB, l tunnel.Local) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.active.RLock()
		defer p.active.RUnlock()
		closed := false
		select {
		case <-p.Closed:
			closed = true
		default:
		}
		if closed || p.Cut.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e := Envelope(p.Seq.Add(1), r.RequestURI, string(body))
		e.Method, e.Header = r.Method, r.Header
		answers, err := l.Receive(r.Context(), []tunnel.Envelope{e})
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(answers[0].Status)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Envelope returns a JSON request of the hook "h" that was received now.
func Envelope(seq uint64, target, body string) tunnel.Envelope {
	return tunnel.Envelope{
		ID: "e", Position: cursor.Position{Hook: "h", Epoch: 1, Seq: seq}, ReceivedAt: time.Now(), Method: http.MethodPost, Target: target, Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/json"}},
	}
}

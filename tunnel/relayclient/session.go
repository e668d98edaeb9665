package relayclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/internal/cursor"
	"greenroom/internal/unreached"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

const (
	// pingEvery and deadAfter are the protocol's: how often to send PING, and how long to wait for a sign of life.
	pingEvery = 5 * time.Second
	deadAfter = 10 * time.Second
	// minderTick is how exactly that is kept.
	minderTick = time.Second
	// writeTimeout limits the writing of one frame to a relay that doesn't read.
	writeTimeout = 10 * time.Second
)

// socket is the part of a WebSocket that a session uses.
type socket interface {
	NextReader() (kind int, r io.Reader, err error)
	SetWriteDeadline(time.Time) error
	WriteMessage(kind int, b []byte) error
	WriteControl(kind int, b []byte, deadline time.Time) error
	Close() error
}

// session is one connection. Its reader passes frames to an inbox, a deliverer passes on complete requests, one writer writes,
// and a minder watches for silence.
type session struct {
	link  *link
	ws    socket
	line  *line
	inbox *inbox

	out     chan []byte
	quit    chan struct{} // closed when the session is to end
	idle    chan struct{} // closed when the deliverer has sent its last
	written chan struct{} // closed when the writer has ended

	mu       sync.Mutex
	end      *outcome
	welcomed time.Time
	stored   atomic.Bool

	// pinged is when the last PING was sent, since line.since.
	pinged atomic.Int64
	// troubled is the last logged reason why requests can't be stored; it belongs to the deliverer.
	troubled string
	// names and depths are of the hooks of WELCOME; they belong to the reader.
	names  map[string]string
	depths map[string]int
}

func newSession(l *link, ws socket, conn *line, known []cursor.Position) *session {
	s := &session{
		link: l, ws: ws, line: conn, inbox: newInbox(l.settings, known), names: map[string]string{}, depths: map[string]int{},
		out: make(chan []byte, 2*DefaultWindow), quit: make(chan struct{}), idle: make(chan struct{}),
		written: make(chan struct{}),
	}
	s.inbox.damage = l.damage
	return s
}

// run returns when the connection has ended, with how it ended.
func (s *session) run() outcome {
	var all sync.WaitGroup
	start := func(name string, f func()) {
		s.link.local.Crash.GoIn(&all, name, func() {
			whole := false
			defer func() {
				if !whole { // f panics
					s.stop(outcome{reason: "the relay client failed; the log has the details"})
				}
			}()
			f()
			whole = true
		})
	}
	stop := context.AfterFunc(s.link.closing, func() { s.leave(outcome{}) })
	defer stop()
	start("relay writer", s.write)
	start("relay deliverer", func() {
		defer close(s.idle)
		s.deliver()
	})
	start("relay minder", s.mind)
	start("relay reader", func() { s.stop(*s.read()) })
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	end := *s.end
	end.worked = s.stored.Load() || !s.welcomed.IsZero() && s.link.Clock.Since(s.welcomed) >= tunnel.Holds
	return end
}

// leave ends the session once requests being stored have been confirmed to the relay. The first reason counts.
func (s *session) leave(o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.end = &o
		close(s.quit)
	}
}

// ending reports whether the session is to end.
func (s *session) ending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end != nil
}

// stop ends the session now.
func (s *session) stop(o outcome) {
	s.leave(o)
	s.ws.Close() // the relay sends lost requests again
}

// mind pings, and ends the session if it is silent or the machine has slept.
func (s *session) mind() {
	tick := s.link.Clock.NewTicker(minderTick)
	defer tick.Stop()
	next := time.Duration(0)
	for {
		select {
		case <-s.quit:
			return
		case <-s.link.woken:
			s.stop(outcome{reason: "dialing again after sleep", soon: true})
			return
		case <-tick.Chan():
		}
		if silent := s.line.silence(); silent >= deadAfter {
			s.stop(outcome{reason: fmt.Sprintf("the relay has been silent for %.0f s", silent.Seconds())})
			return
		}
		if now := s.link.Clock.Since(s.line.since); now >= next && s.ready() {
			next = now + pingEvery
			s.pinged.Store(int64(now))
			s.send(wire.Frame{Type: wire.Ping, Payload: binary.BigEndian.AppendUint64(nil, uint64(now))})
		}
	}
}

func (s *session) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.welcomed.IsZero()
}

// send queues a frame. While the relay doesn't read, it waits no longer than the writer does.
func (s *session) send(f wire.Frame) {
	select {
	case s.out <- f.Append(nil):
	case <-s.written:
	}
}

func (s *session) sendJSON(t wire.Type, stream uint64, body any) {
	f, err := wire.JSON(t, stream, body)
	if err != nil { // the frame would be too large
		s.stop(outcome{reason: words(err.Error())})
		return
	}
	s.send(f)
}

// write is the only writer. After a failure it drops its input until the senders have stopped.
func (s *session) write() {
	failed := false
	put := func(b []byte) {
		if failed {
			return
		}
		err := s.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err == nil {
			err = s.ws.WriteMessage(websocket.BinaryMessage, b)
		}
		if err != nil {
			failed = true
			s.stop(*lost(err))
		}
	}
	defer close(s.written)
	defer s.ws.Close()
	for idle := false; !idle; {
		select {
		case b := <-s.out:
			put(b)
		case <-s.idle:
			idle = true
		}
	}
	for len(s.out) > 0 {
		put(<-s.out)
	}
	if !failed {
		// Best effort: the connection is closed in any case.
		_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	}
}

// read sends HELLO and reads frames until one side ends the conversation.
func (s *session) read() *outcome {
	s.hello()
	buf := make([]byte, wire.MaxFrame)
	for {
		kind, r, err := s.ws.NextReader()
		if err != nil {
			return lost(err)
		}
		// A full buffer is a whole message too: the read limit is as large.
		n, err := io.ReadFull(r, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return lost(err)
		}
		if s.ending() { // frames are dropped while the last confirmations are written
			continue
		}
		if kind != websocket.BinaryMessage {
			return broken(errors.New("a message of text"))
		}
		f, err := wire.Decode(buf[:n])
		if err != nil {
			return broken(err)
		}
		if end := s.handle(f); end != nil {
			return end
		}
	}
}

func lost(err error) *outcome {
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == websocket.CloseMessageTooBig, errors.Is(err, websocket.ErrReadLimit):
		return broken(err)
	case errors.As(err, &closed):
		return &outcome{reason: "the relay closed the connection", cause: err}
	}
	return &outcome{reason: "the connection to the relay was lost: " + words(unreached.Why(err)), cause: err}
}

func broken(err error) *outcome {
	return &outcome{reason: "the relay violates the protocol: " + words(err.Error())}
}

package relayclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

// script is a WebSocket from which given frames come.
type script struct {
	frames [][]byte
	mu     sync.Mutex
	sent   []wire.Frame
}

func (s *script) NextReader() (int, io.Reader, error) {
	if len(s.frames) == 0 {
		return 0, nil, io.EOF
	}
	f := s.frames[0]
	s.frames = s.frames[1:]
	return websocket.BinaryMessage, bytes.NewReader(f), nil
}

func (s *script) WriteMessage(_ int, b []byte) error {
	f, err := wire.Decode(b)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, f)
	return nil
}

func (*script) SetWriteDeadline(time.Time) error          { return nil }
func (*script) WriteControl(int, []byte, time.Time) error { return nil }
func (*script) Close() error                              { return nil }
func (s *script) add(f wire.Frame)                        { s.frames = append(s.frames, f.Append(nil)) }
func (s *script) json(t wire.Type, stream uint64, body any) {
	f, err := wire.JSON(t, stream, body)
	if err != nil {
		panic(err)
	}
	s.add(f)
}

// read makes frames of what the fuzzer says: mostly such as a relay sends, in any order, with any numbers.
func (s *script) read(raw []byte) {
	for len(raw) >= 4 {
		kind, a, b, c := raw[0], uint64(raw[1]), uint64(raw[2]), uint64(raw[3])
		raw = raw[4:]
		text := bytes.Repeat([]byte{byte(c)}, int(b))
		e := wire.EventBody{
			Position: cursor.Position{Hook: fmt.Sprint("h", a%4), Epoch: a / 64, Seq: c}, Method: "POST", Target: "/", Header: http.Header{},
			Length: int64(b), SHA256: sha256.Sum256(text), ReceivedAt: time.UnixMicro(1),
		}
		switch kind % 9 {
		case 0:
			s.add(wire.Frame{Type: wire.Event, Stream: a, Payload: e.Append(nil)})
		case 1:
			s.add(wire.Frame{Type: wire.Data, Stream: a, Payload: text})
		case 2:
			s.add(wire.Frame{Type: wire.End, Stream: a})
		case 3, 4:
			s.add(wire.Frame{Type: wire.Event, Stream: a, Payload: e.Append(nil)})
			s.add(wire.Frame{Type: wire.Data, Stream: a, Payload: text})
			s.add(wire.Frame{Type: wire.End, Stream: a})
		case 5:
			s.json(wire.Gap, 0, wire.GapBody{Hook: e.Hook, Epoch: e.Epoch, From: a, To: c, Count: int(b) - 100, Reason: "\x1b"})
		case 6:
			s.json(wire.Depth, 0, wire.DepthBody{Hook: e.Hook, Depth: int(c) - 100})
		case 7:
			s.add(wire.Frame{Type: wire.Ping, Payload: text})
		default:
			n := min(len(raw), int(c))
			s.add(wire.Frame{Type: wire.Type(a), Flags: byte(b), Stream: b, Payload: raw[:n]})
			raw = raw[n:]
		}
	}
}

// FuzzSession lets a relay send anything. Requests that are passed on rise within a hook, are whole or marked, and are within the
// credit; confirmed ones are stored.
func FuzzSession(f *testing.F) {
	f.Add([]byte{3, 64, 5, 1, 3, 65, 200, 2, 7, 0, 8, 0}, uint8(0))
	f.Add([]byte{0, 64, 5, 1, 0, 65, 2, 1, 1, 64, 5, 1, 2, 64, 0, 0, 1, 65, 2, 1, 2, 65, 0, 0, 5, 1, 101, 9, 6, 1, 1, 1}, uint8(1))
	f.Add([]byte{3, 64, 0, 1, 3, 64, 0, 2, 3, 64, 0, 1, 3, 128, 9, 1, 8, 3, 0, 3, 1, 2, 3}, uint8(2))
	f.Add([]byte{3, 64, 255, 1, 0, 68, 9, 2, 1, 68, 99, 2, 2, 68, 0, 0}, uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, mood uint8) {
		sc := &script{}
		sc.json(wire.Welcome, 0, wire.WelcomeBody{Epoch: 3, Hooks: []wire.HookInfo{{Hook: "h0", URL: "https://relay.example/h/0"}}})
		sc.read(raw)
		opt, err := settle(Options{
			URL: "http://127.0.0.1", Token: "x", Window: 8, MaxBody: 200, WindowBytes: 400, Clock: clockwork.NewFakeClock(),
		})
		if err != nil {
			t.Fatal(err)
		}
		reached, calls := map[string]cursor.Position{"h0": {Hook: "h0", Epoch: 1, Seq: 4}}, 0
		receive := func(_ context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
			calls++
			if mood%4 == 3 && calls%2 == 1 {
				return nil, errors.New("not now")
			}
			if len(batch) > opt.Window {
				t.Fatalf("%d requests at once", len(batch))
			}
			answers := make([]tunnel.Answer, len(batch))
			failed := map[string]bool{}
			for i, e := range batch {
				p, ok := reached[e.Hook]
				if ok && !p.Before(e.Position) {
					t.Fatalf("%s/%d/%d after %+v", e.Hook, e.Epoch, e.Seq, p)
				}
				if whole := sha256.Sum256(bytes.Repeat([]byte{byte(e.Seq)}, len(e.Body))); e.Missing == "" && sha256.Sum256(e.Body) != whole ||
					e.Missing != "" && len(e.Body) > 0 || len(e.Body) > int(opt.MaxBody) {
					t.Fatalf("%q, missing %q", e.Body, e.Missing)
				}
				if mood%4 == 2 && e.Seq%2 == 0 {
					failed[e.Hook] = true
				}
				if answers[i].Stored = !failed[e.Hook]; answers[i].Stored {
					reached[e.Hook] = e.Position
				}
			}
			return answers, nil
		}
		l := &link{
			settings: opt, gaps: &gaps{}, board: tunnel.NewBoard(tunnel.Status{}), woken: make(chan struct{}, 1),
			damaged: map[cursor.Position]int{}, local: tunnel.Local{Receive: receive, Device: "d"},
			closing: t.Context(), working: t.Context(),
		}
		conn := &line{clock: opt.Clock, since: opt.Clock.Now()}
		s := newSession(l, sc, conn, []cursor.Position{{Hook: "h0", Epoch: 1, Seq: 4}})
		if end := s.run(); end.reason == "" {
			t.Error("it ends without a reason")
		}
		for _, f := range sc.sent {
			if f.Type != wire.Stored {
				continue
			}
			confirmed, err := wire.Body[wire.StoredBody](f)
			if p, ok := reached[confirmed.Hook]; err != nil || !ok || p.Before(confirmed) {
				t.Errorf("confirmed %+v, which %+v is, %v", confirmed, p, err)
			}
		}
		if s.inbox.held < 0 || s.inbox.events < 0 || s.inbox.bytes < 0 || s.inbox.events > opt.Window || s.inbox.bytes > opt.WindowBytes {
			t.Errorf("in the end %d bytes are held, %d events and %d bytes are left", s.inbox.held, s.inbox.events, s.inbox.bytes)
		}
	})
}

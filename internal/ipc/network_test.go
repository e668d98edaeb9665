package ipc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc"
)

// counted is a Backend that counts the subscriptions under way.
type counted struct {
	*apptest.Memory
	begun, ended chan struct{}

	mu      sync.Mutex
	none    sync.Cond
	streams int
}

func newCounted() *counted {
	c := &counted{Memory: apptest.NewMemory(8), begun: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
	c.none.L = &c.mu
	return c
}

func (c *counted) add(n int, to chan struct{}) {
	c.mu.Lock()
	c.streams += n
	c.none.Broadcast()
	c.mu.Unlock()
	select {
	case to <- struct{}{}:
	default:
	}
}

// wait waits until no subscription is under way.
func (c *counted) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.streams > 0 {
		c.none.Wait()
	}
}

// Subscribe implements [app.Backend].
func (c *counted) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	c.add(1, c.begun)
	context.AfterFunc(ctx, func() { c.add(-1, c.ended) })
	return c.Memory.Subscribe(ctx)
}

// logged is a server over a socket, and what it logs.
func logged(t testing.TB, b app.Backend) (socket string, server *ipc.Server, served <-chan error, log *bytes.Buffer) {
	t.Helper()
	socket = shortDir(t) + ".sock"
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	log = new(bytes.Buffer)
	server = ipc.NewServer(b, me, slog.New(slog.NewTextHandler(log, nil)), nil, nil)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	return socket, server, done, log
}

func raw(t testing.TB, socket string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAConnectionThatEndsAtEveryByte: of a peer that goes, wherever that happens, nothing stays. A call that did not come
// whole is not made.
func TestAConnectionThatEndsAtEveryByte(t *testing.T) {
	b := newCounted()
	socket, server, served, log := logged(t, b)
	body := `{"name":"half","size":3}`
	const subscription = "GET /v1/subscribe HTTP/1.1\r\nHost: greenroom\r\n\r\n"
	for _, c := range []struct {
		name, request string
	}{
		{"hello", "GET /v1/hello HTTP/1.1\r\nHost: greenroom\r\n\r\n"},
		{"a call", fmt.Sprintf("POST /v1/CreateRoom HTTP/1.1\r\nHost: greenroom\r\nContent-Length: %d\r\n\r\n%s", len(body), body)},
		{"a call that waits", fmt.Sprintf("POST /v1/CreateRoom HTTP/1.1\r\nHost: greenroom\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", len(body), body)},
		{"a subscription", subscription},
		{"alive", "GET /v1/alive HTTP/1.1\r\nHost: greenroom\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.request) {
				conn := raw(t, socket)
				_, _ = io.WriteString(conn, c.request[:n]) // it may be refused already
				if err := conn.Close(); err != nil {
					t.Error(err)
				}
			}
			rooms, err := ipc.Call[[]app.Room](t.Context(), dial(t, socket), "Rooms", app.RoomQuery{})
			if err != nil || len(rooms) != 0 {
				t.Errorf("the next call: %v, %v", rooms, err)
			}
		})
	}
	conn := raw(t, socket)
	if _, err := io.WriteString(conn, subscription); err != nil {
		t.Fatal(err)
	}
	<-b.begun
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	<-b.ended
	if err := server.Leave(patience); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if s := log.String(); strings.Contains(s, "cut short") || strings.Contains(s, "panic") {
		t.Errorf("the log: %s", s)
	}
}

// FuzzPeer sends raw bytes to the socket. Nothing panics, everything under way ends, and the next peer is greeted.
func FuzzPeer(f *testing.F) {
	f.Add([]byte("GET /v1/hello HTTP/1.1\r\nHost: greenroom\r\n\r\n"))
	f.Add([]byte("POST /v1/CreateRoom HTTP/1.1\r\nHost: greenroom\r\nContent-Length: 24\r\n\r\n{\"name\":\"half\",\"size\":3}"))
	f.Add([]byte("POST /v1/Ingest HTTP/1.1\r\nHost: greenroom\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	f.Add([]byte("GET /v1/subscribe HTTP/1.1\r\nHost: greenroom\r\n\r\nGET /v1/alive HTTP/1.1\r\nHost: greenroom\r\n\r\n"))
	f.Add([]byte("GET /v1/alive HTTP/1.1\r\nHost: greenroom\r\nGreenroom-Instance: another\r\n\r\n"))
	b := newCounted()
	socket, server, served, log := logged(f, b)
	f.Cleanup(func() {
		b.wait()
		if err := server.Leave(patience); err != nil {
			f.Error(err)
		}
		if err := <-served; err != nil {
			f.Error(err)
		}
		if s := log.String(); strings.Contains(s, "cut short") || strings.Contains(s, "panic") {
			f.Errorf("the log: %s", s)
		}
	})
	send := func(t *testing.T, text []byte) string {
		c := raw(t, socket)
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(text)     // it may be refused in the middle
		_ = c.CloseWrite()       // which ends streams
		said, _ := io.ReadAll(c) // what is left unread resets the connection
		return string(said)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		send(t, text)
		if said := send(t, []byte("GET /v1/hello HTTP/1.1\r\nHost: greenroom\r\nConnection: close\r\n\r\n")); !strings.HasPrefix(said, "HTTP/1.1 200") {
			t.Errorf("the next peer: %q", said)
		}
	})
}

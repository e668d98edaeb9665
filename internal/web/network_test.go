package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
)

// patience is how long a test waits for something that happens at once on an idle machine.
const patience = 2 * time.Minute

// cut sends the beginning of a request over a connection of its own, and resets that.
func cut(t *testing.T, l *Listener, text string) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, text) // it may be answered already
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestAResetAtEveryByte: of a connection that is reset, wherever that happens, nothing stays: no goroutine, no place and no
// part of the budget. What came whole may be delivered, nothing else is.
func TestAResetAtEveryByte(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}}
	const places = 8
	l := listen(t, s, func(o *Options) { signatures(o); o.Concurrent = places; o.BodyLimit = 4 * chunkSize })
	small := strings.Repeat("x", 100)
	large := strings.Repeat("x", 2*chunkSize+100)
	// A reset request may still be delivered, and has its place meanwhile.
	post := func(signature string) {
		t.Helper()
		for late := time.Now().Add(patience); ; {
			r, err := http.NewRequest("POST", l.URL()+"/hooks/daily", strings.NewReader("{}"))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("X-Signature", signature)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			if resp.StatusCode != http.StatusServiceUnavailable || time.Now().After(late) {
				t.Errorf("a webhook after the resets: %d", resp.StatusCode)
				return
			}
		}
	}
	for _, c := range []struct {
		name, request string
		step          int
	}{
		{"a webhook", fmt.Sprintf("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nContent-Length: %d\r\n\r\n%s", len(small), small), 1},
		{"in chunks", fmt.Sprintf("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(small), small), 1},
		{"without a signature", "POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + small, 1},
		{"to another path", "POST /other HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + small, 1},
		{"a large one", fmt.Sprintf("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nContent-Length: %d\r\n\r\n%s", len(large), large), 997},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := 0; n <= len(c.request); n += c.step {
				cut(t, l, c.request[:n])
			}
			post(c.name)
		})
	}
	// All places are free again.
	s.mu.Lock()
	s.inside, s.gate = make(chan struct{}, places), make(chan struct{})
	s.mu.Unlock()
	var wg sync.WaitGroup
	for range places {
		wg.Go(func() { post("again") })
	}
	late := time.After(patience)
	for n := range places {
		select {
		case <-s.inside:
		case <-late:
			t.Errorf("%d of %d places are free", n, places)
		}
	}
	close(s.gate)
	wg.Wait()
	http.DefaultClient.CloseIdleConnections()
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	in := l.intake
	if !in.shared.Take(underWay-places*chunkSize) || !in.whole.TryAcquire(wholeAtOnce) || len(l.recording) != 0 {
		t.Error("something stays taken")
	}
	for _, got := range s.got {
		if n := len(got.Body); n != 0 && n != 2 && n != len(small) && n != len(large) {
			t.Errorf("a part of %d bytes was delivered", n)
		}
	}
}

// FuzzConnection sends raw bytes over a connection. Nothing panics, nothing is answered 2xx that was not delivered, and the
// next webhook is answered.
func FuzzConnection(f *testing.F) {
	f.Add([]byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nT: x\r\n\r\n"))
	f.Add([]byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add([]byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nX-Other: x\r\nContent-Length: 9\r\n\r\n"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	s := &sink{answer: app.Answer{Status: http.StatusOK}}
	var mu sync.Mutex
	var log bytes.Buffer
	l, err := Listen(Options{
		Addr: "127.0.0.1:0", Ingest: s, BodyLimit: 1 << 10,
		Router: Router{Accounts: []string{"daily"}, Signatures: map[string][]string{"daily": {"X-Signature", "X-Other"}}},
		Log:    slog.New(slog.NewTextHandler(&locked{&mu, &log}, nil)),
	})
	if err != nil {
		f.Fatal(err)
	}
	// A socket without ports: there are fewer of these than inputs.
	path := filepath.Join(f.TempDir(), "s")
	u, err := net.Listen("unix", path)
	if err != nil {
		f.Skip("no socket here: ", err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = l.server.Serve(u) }()
	f.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			f.Error(err)
		}
		<-served
	})
	send := func(t *testing.T, raw []byte) string {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(raw) // it may be refused in the middle
		_ = c.CloseWrite()
		said, _ := io.ReadAll(c) // what is left unread resets the connection
		return string(said)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s.mu.Lock()
		s.got = nil
		s.mu.Unlock()
		said := send(t, raw)
		s.mu.Lock()
		delivered := len(s.got)
		s.mu.Unlock()
		if ok := strings.Count(said, "HTTP/1.1 2") + strings.Count(said, "HTTP/1.0 2"); ok > delivered {
			t.Errorf("%d answers of success, %d were delivered: %q", ok, delivered, said)
		}
		if said := send(t, []byte("POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")); !strings.HasPrefix(said, "HTTP/1.1 200") {
			t.Errorf("the next webhook: %q", said)
		}
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(log.String(), "panic") {
			t.Errorf("the log: %s", log.String())
		}
		log.Reset()
	})
}

// locked is a writer for several goroutines.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

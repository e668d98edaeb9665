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
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
)

// begin sends what is given of a request, and no more.
func begin(t *testing.T, l *Listener, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func signatures(o *Options) { o.Signatures = map[string][]string{"daily": {"X-Signature", "X-Other"}} }

// TestABodyThatCannotMatterIsNotWaitedFor: the answer leaves at once, and the connection ends soon after it.
func TestABodyThatCannotMatterIsNotWaitedFor(t *testing.T) {
	s := &sink{answer: app.Answer{Status: http.StatusUnauthorized, Text: "unauthorized"}}
	l := listen(t, s, signatures)
	for _, c := range []struct {
		name, request string
		status        int
		reason        string
	}{
		{"another path", "POST / HTTP/1.1\r\nHost: localhost", 404, "no account has this path"},
		{"an unknown account", "POST /hooks/zoom HTTP/1.1\r\nHost: localhost", 404, `no account "zoom"`},
		{"another method", "PUT /hooks/daily HTTP/1.1\r\nHost: localhost", 405, "PUT to the hook of daily"},
		{"another host", "POST /hooks/daily HTTP/1.1\r\nHost: evil.example", 404, "the host name evil.example"},
		{"too large", "POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x", 413, "larger than"},
		{"no signature", "POST /hooks/daily HTTP/1.1\r\nHost: localhost", 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.refused, s.got = nil, nil
			size := 1000
			if c.status == 413 {
				size = DefaultBodyLimit + 1
			}
			conn, in := begin(t, l, fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\nx", c.request, size))
			if err := conn.SetReadDeadline(time.Now().Add(bounds.RequestTime / 2)); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != c.status || !resp.Close {
				t.Fatalf("%+v, %v", resp, err)
			}
			if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still there")
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if c.reason == "" {
				if len(s.got) != 1 || len(s.got[0].Body) != 0 || s.got[0].Size != int64(size) {
					t.Errorf("handed over: %+v", s.got)
				}
				return
			}
			if len(s.got) != 0 || len(s.refused) != 1 {
				t.Fatalf("%d handed over, %d recorded", len(s.got), len(s.refused))
			}
			if r := s.refused[0]; r.Refused.Status != c.status || !strings.Contains(r.Reason, c.reason) || len(r.Header) == 0 || r.Size != int64(size) {
				t.Errorf("recorded: %+v", r)
			}
		})
	}
	t.Run("the body of a request without a signature is kept as far as it is there", func(t *testing.T) {
		for size, kept := range map[int]int{100: 100, peekLimit: peekLimit, 3 * peekLimit: peekLimit} {
			s.got, s.answer = nil, app.Answer{Status: 400}
			resp := request(t, "POST", l.URL()+"/hooks/daily", "", strings.NewReader(strings.Repeat("b", size)))
			if resp.StatusCode != 400 || len(s.got) != 1 || len(s.got[0].Body) != kept || s.got[0].Size != int64(size) {
				t.Errorf("%d bytes: %d, %.200v", size, resp.StatusCode, s.got)
			}
		}
	})
	t.Run("a test of the address without a signature", func(t *testing.T) {
		s.got, s.answer = nil, app.Answer{Status: 200}
		resp := request(t, "POST", l.URL()+"/hooks/daily", "", strings.NewReader(`{"test":"test"}`))
		if resp.StatusCode != 200 || len(s.got) != 1 || string(s.got[0].Body) != `{"test":"test"}` {
			t.Errorf("%d, %+v", resp.StatusCode, s.got)
		}
	})
}

func TestProbesThatCameTooLateAreNotRecorded(t *testing.T) {
	s := &sink{}
	l := listen(t, s, func(o *Options) { o.Ignore = func(target string) bool { return target == "/probe" } })
	if resp := request(t, "GET", l.URL()+"/probe", "", nil); resp.StatusCode != 404 || len(s.refused) != 0 {
		t.Errorf("%d, %+v", resp.StatusCode, s.refused)
	}
}

// TestSlowSendersKeepNoOneOut: with every place taken by a sender who dawdles, each webhook is answered.
func TestSlowSendersKeepNoOneOut(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}}
	l := listen(t, s, func(o *Options) { signatures(o); o.Concurrent = 4; o.BodyTime = time.Hour })
	const slow = "POST /hooks/daily HTTP/1.1\r\nHost: localhost\r\nX-Signature: x\r\nContent-Length: 1000\r\n\r\nhalf"
	var all []*bufio.Reader
	for range 8 {
		_, in := begin(t, l, slow)
		all = append(all, in)
	}
	for i := range 3 {
		for {
			r, err := http.NewRequest("POST", l.URL()+"/hooks/daily", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Signature", "x")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == 200 {
				break
			}
			if resp.StatusCode != 503 { // while all the others have just begun
				t.Fatalf("webhook %d: %d", i, resp.StatusCode)
			}
		}
	}
	// At least one gave way, and hears that it may come again.
	answers := make(chan *http.Response, len(all))
	for _, in := range all {
		go func() {
			if resp, err := http.ReadResponse(in, nil); err == nil {
				answers <- resp
			}
		}()
	}
	if resp := <-answers; resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !resp.Close {
		t.Errorf("%+v", resp)
	}
}

// TestBodiesShareABudget: what is beyond it is sent away, small webhooks aren't, and nothing stays taken.
func TestBodiesShareABudget(t *testing.T) {
	in := newIntake(Options{BodyLimit: MaxBodyLimit, Concurrent: 2, BodyTime: time.Second})
	if free := underWay - int64(2*chunkSize); !in.shared.Take(free) || in.shared.Take(1) {
		t.Fatalf("the shared budget isn't %d", free)
	}
	read := func(n int) ([]byte, error) {
		var got []byte
		err := in.read(t.Context(), bytes.NewReader(bytes.Repeat([]byte("x"), n)), MaxBodyLimit, func(b []byte) { got = b })
		return got, err
	}
	if got, err := read(chunkSize - 1); err != nil || len(got) != chunkSize-1 {
		t.Errorf("a small one: %d bytes, %v", len(got), err)
	}
	if _, err := read(chunkSize + 1); !errors.Is(err, errNoRoom) {
		t.Errorf("a large one: %v", err)
	}
	in.shared.Give(2 * chunkSize)
	for range 3 { // what one has taken is given back
		if got, err := read(3*chunkSize - 1); err != nil || len(got) != 3*chunkSize-1 {
			t.Errorf("a large one with room: %d bytes, %v", len(got), err)
		}
		if _, err := read(3*chunkSize + 1); !errors.Is(err, errNoRoom) {
			t.Errorf("beyond the room: %v", err)
		}
	}
}

func TestABodyComesOutAsItWentIn(t *testing.T) {
	in := newIntake(Options{BodyLimit: MaxBodyLimit, Concurrent: 2, BodyTime: time.Second})
	var wg sync.WaitGroup
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 5*chunkSize + 7, wholeAtOnce + 1} {
		wg.Go(func() {
			want := make([]byte, n)
			for i := range want {
				want[i] = byte(i * 7 / 3)
			}
			for _, from := range []io.Reader{bytes.NewReader(want), &crumbs{want}} {
				var got []byte
				if err := in.read(context.Background(), from, int64(n), func(b []byte) { got = b }); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes: %v", n, err)
				}
			}
			if n == 0 {
				return
			}
			if err := in.read(context.Background(), bytes.NewReader(want), int64(n-1), func([]byte) { t.Error("used") }); !errors.Is(err, errTooLarge) {
				t.Errorf("%d bytes with a limit of one less: %v", n, err)
			}
		})
	}
	wg.Wait()
	if !in.shared.Take(underWay-2*chunkSize) || !in.whole.TryAcquire(wholeAtOnce) {
		t.Error("something stays taken")
	}
}

// crumbs reads in pieces of no round size.
type crumbs struct{ left []byte }

func (c *crumbs) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.left[:min(len(c.left), 1009)])
	c.left = c.left[n:]
	return n, nil
}

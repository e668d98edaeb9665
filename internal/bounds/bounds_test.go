package bounds

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server with bounds and returns its address.
func serve(t *testing.T, conns int, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server(h, nil, conns)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return l.Addr().String()
}

func dial(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

const half = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"

func TestAnUnreadBodyEndsItsConnection(t *testing.T) {
	addr := serve(t, 0, func(w http.ResponseWriter, r *http.Request) {
		Unread(w, r)
		w.WriteHeader(http.StatusNotFound)
	})
	c := dial(t, addr, half)
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != 404 || !resp.Close {
		t.Fatalf("%+v, %v", resp, err)
	}
	// The server's deadline for a request is longer than ours here.
	if err := c.SetReadDeadline(time.Now().Add(RequestTime / 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still there: %v", err)
	}
}

func TestARequestWithoutABodyKeepsItsConnection(t *testing.T) {
	addr := serve(t, 0, func(w http.ResponseWriter, r *http.Request) { Unread(w, r) })
	c := dial(t, addr, "")
	in := bufio.NewReader(c)
	for range 2 {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.Close {
			t.Fatalf("%+v, %v", resp, err)
		}
	}
}

// TestTheOldestGivesWay: connections without a request make room, one with a request doesn't.
func TestTheOldestGivesWay(t *testing.T) {
	inside, gate := make(chan bool), make(chan bool)
	addr := serve(t, 2, func(http.ResponseWriter, *http.Request) { inside <- true; <-gate })
	busy := dial(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-inside
	waiting := dial(t, addr, "GET / HT")
	next := dial(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if n, err := waiting.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the one without a request is still there: %v", err)
	}
	<-inside
	third := dial(t, addr, "")
	if n, err := third.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a third one is let in: %v", err)
	}
	close(gate)
	for _, c := range []net.Conn{busy, next} {
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("%+v, %v", resp, err)
		}
	}
}

// TestUnreadRequestsGiveWayFirst: a connection whose body isn't read makes room before one that waits for its request, also
// while its answer is not written yet.
func TestUnreadRequestsGiveWayFirst(t *testing.T) {
	inside, gate := make(chan bool), make(chan bool)
	addr := serve(t, 2, func(w http.ResponseWriter, r *http.Request) {
		Unread(w, r)
		inside <- true
		<-gate
	})
	defer close(gate)
	waiting := dial(t, addr, "GET / HT")
	for range 3 {
		unread := dial(t, addr, half)
		<-inside
		next := dial(t, addr, half)
		<-inside
		if n, err := unread.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("the one without a reader is still there: %v", err)
		}
		next.Close()
		gate <- true
		gate <- true
	}
	if _, err := io.WriteString(waiting, "TP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-inside
	gate <- true
	if resp, err := http.ReadResponse(bufio.NewReader(waiting), nil); err != nil || resp.StatusCode != 200 {
		t.Errorf("the one that waited: %+v, %v", resp, err)
	}
}

// TestAnAnswerThatIsNotReadGivesWay: senders who don't read what they asked for keep no one out, whether the answer is large or one of
// many small ones.
func TestAnAnswerThatIsNotReadGivesWay(t *testing.T) {
	large := make([]byte, 32<<20)
	for name, h := range map[string]http.HandlerFunc{
		"a large one": func(w http.ResponseWriter, r *http.Request) {
			Send(w, r, len(large))
			if r.URL.Path == "/" {
				_, _ = w.Write(large) // the connection is cut
			}
		},
		"many small ones": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) },
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, 1, h)
			c := dial(t, addr, "")
			request := strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000)
			for { // until the server reads no more, because it writes
				if err := c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(c, request); err != nil {
					break
				}
			}
			for late := time.Now().Add(answerTime / 2); ; { // a slow server may still be busy with what was sent, and refuses another
				next := dial(t, addr, "")
				if err := next.SetDeadline(late); err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(next, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n") // the answer shows whether it arrived
				resp, err := http.ReadResponse(bufio.NewReader(next), nil)
				if err == nil && resp.StatusCode == 200 {
					break
				}
				if time.Now().After(late) {
					t.Fatalf("another sender: %+v, %v", resp, err)
				}
			}
		})
	}
}

// TestAnswersHaveADeadline: each answer has its own, also on a connection that had one before.
func TestAnswersHaveADeadline(t *testing.T) {
	var set []time.Time
	h := Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Send(w, r, 64<<10) }), nil, 1).Handler
	conn, other := net.Pipe()
	defer conn.Close()
	defer other.Close()
	c := &crowd{conns: map[net.Conn]place{conn: {does: busy}}}
	ctx := context.WithValue(t.Context(), endKey{}, func() bool { return c.end(conn) })
	w := &deadlines{ResponseRecorder: httptest.NewRecorder(), set: func(at time.Time) { set = append(set, at) }}
	began := time.Now()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if len(set) != 3 || !set[0].IsZero() || set[1].Sub(began) < DefaultPace.Grace+2*time.Second || set[2].Sub(began) < answerTime || set[2].After(time.Now().Add(answerTime)) {
		t.Errorf("the deadlines are %v", set)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set func(time.Time)
}

func (d *deadlines) SetWriteDeadline(at time.Time) error { d.set(at); return nil }

func TestABudgetIsNeverOverdrawn(t *testing.T) {
	b := NewBudget(10)
	if !b.Take(6) || b.Take(5) || !b.Take(4) || b.Take(1) {
		t.Error("10 bytes are not 6 and 4")
	}
	b.Give(6)
	if b.Take(7) || !b.Take(6) || !b.Take(0) {
		t.Error("what was given back can't be taken")
	}
	if new(Budget).Take(1) {
		t.Error("the zero budget has bytes")
	}
}

// clocked is a body whose deadlines are kept for looking.
func clocked(r io.Reader, pace Pace) (*Body, *time.Time) {
	b, at := NewBody(httptest.NewRecorder(), r, pace), new(time.Time)
	b.until = func(t time.Time) error { *at = t; return nil }
	return b, at
}

func TestADeadlineFollowsWhatHasCome(t *testing.T) {
	b, at := clocked(strings.NewReader(strings.Repeat("x", 250)), Pace{Grace: 3 * time.Second, Rate: 100})
	for i, want := range []struct {
		n     int
		after time.Duration
	}{{100, 3 * time.Second}, {100, 4 * time.Second}, {50, 5 * time.Second}} {
		n, err := b.Read(make([]byte, 1000))
		if n != want.n || err != nil || at.Sub(b.began) != want.after {
			t.Errorf("read %d: %d bytes with a deadline after %s, %v", i, n, at.Sub(b.began), err)
		}
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if lag := b.lag(b.began.Add(10 * time.Second)); lag != 7500*time.Millisecond {
		t.Errorf("after 10 s and 250 bytes it is %s behind", lag)
	}
	if d := NewBody(httptest.NewRecorder(), nil, Pace{}); d.pace != DefaultPace {
		t.Errorf("%+v", d.pace)
	}
	failing := errors.New("no line")
	b.until = func(time.Time) error { return failing }
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, failing) {
		t.Errorf("without a line: %v", err)
	}
	b.until = func(time.Time) error { return http.ErrNotSupported }
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("without deadlines: %v", err)
	}
}

func TestTheSlowestBodyGivesWay(t *testing.T) {
	p := NewPlaces(3)
	var all []*Place
	for i, behind := range []time.Duration{time.Second, time.Minute, time.Hour} {
		b, _ := clocked(strings.NewReader("x"), Pace{})
		b.began = time.Now().Add(-behind)
		place := p.Enter(b)
		if place == nil {
			t.Fatalf("place %d is not free", i)
		}
		all = append(all, place)
	}
	all[2].Read() // it takes longer than the others, but not because of its sender
	slow := all[1].body
	newcomer, _ := clocked(nil, Pace{})
	place := p.Enter(newcomer)
	if place == nil {
		t.Fatal("nothing gave way")
	}
	if _, err := slow.Read(make([]byte, 1)); !errors.Is(err, ErrGaveWay) {
		t.Errorf("the slowest continues: %v", err)
	}
	all[1].Leave() // which it lost already
	first := all[0].body
	if p.Enter(newcomer) == nil {
		t.Fatal("the second slowest did not give way")
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, ErrGaveWay) {
		t.Errorf("the second slowest continues: %v", err)
	}
	if p.Enter(newcomer) != nil {
		t.Error("a body that has just begun gave way")
	}
	all[2].Leave()
	all[2].Leave()
	if p.Enter(newcomer) == nil || p.Enter(newcomer) != nil {
		t.Error("one place was left, and one is to be had")
	}
	place.Leave()
}

// TestAStalledReadIsEnded: giving way ends a read that waits for its sender.
func TestAStalledReadIsEnded(t *testing.T) {
	p := NewPlaces(1)
	p.spare = 0
	started := make(chan bool, 2)
	addr := serve(t, 0, func(w http.ResponseWriter, r *http.Request) {
		b := NewBody(w, r.Body, Pace{Grace: time.Hour})
		place := p.Enter(b)
		if place == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer place.Leave()
		started <- true
		said, err := io.ReadAll(b)
		if err != nil {
			Unread(w, r)
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, len(said))
	})
	slow := dial(t, addr, half)
	in := bufio.NewReader(slow)
	<-started
	resp, err := http.Post("http://"+addr, "", strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(said) != "5" {
		t.Errorf("%d %s", resp.StatusCode, said)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	resp, err = http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(resp.Body); resp.StatusCode != 503 || !strings.Contains(string(said), ErrGaveWay.Error()) {
		t.Errorf("%d %s", resp.StatusCode, said)
	}
}

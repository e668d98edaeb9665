package relayclient_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/wire"
)

// closed yields when a value comes, for clock.runUntil.
func closed[T any](from <-chan T) (<-chan struct{}, *T) {
	done, v := make(chan struct{}), new(T)
	go func() {
		*v = <-from
		close(done)
	}()
	return done, v
}

// connects lets time pass until the client has connected and introduced itself.
func (c *clock) connects(p *peer) *conn {
	p.t.Helper()
	done, cn := closed(p.conns)
	c.runUntil(p.t, done)
	p.conns <- *cn
	return p.accept()
}

// TestRefusalsThatOnlyPeopleMend: the client comes again with growing pauses, and logs the reason once.
func TestRefusalsThatOnlyPeopleMend(t *testing.T) {
	token := "the relay refuses the token"
	for _, test := range []struct {
		code int
		err  string
		want string
		most time.Duration
	}{
		{code: http.StatusUnauthorized, want: token, most: time.Minute}, {code: http.StatusForbidden, want: token, most: time.Minute},
		{code: http.StatusNotFound, want: "is not a Greenroom relay", most: time.Minute},
		{err: wire.CodeInUse, want: "another device", most: time.Minute}, {err: wire.CodeYield, want: "another program", most: 15 * time.Second},
	} {
		t.Run(fmt.Sprint(test.code, test.err), func(t *testing.T) {
			t.Parallel()
			p, clock := newPeer(t), newClock()
			const refusals = 10
			var log bytes.Buffer
			local := newStore().local()
			local.Log = slog.New(slog.NewTextHandler(&log, nil))
			tries, enough := 0, make(chan struct{})
			if test.code != 0 {
				p.answer(func(w http.ResponseWriter) {
					if tries++; tries == refusals {
						close(enough)
					}
					w.WriteHeader(test.code)
				})
			}
			o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, local)
			if test.code != 0 {
				o.degraded(test.want)
				clock.runUntil(t, enough)
				p.answer(nil)
			} else {
				for range refusals {
					clock.connects(p).json(wire.Err, 0, wire.ErrBody{Code: test.err})
					o.degraded(test.want)
				}
			}
			if at := o.now.RetryAt; at.Before(clock.start) || at.Sub(clock.Now()) > test.most {
				t.Errorf("it comes again at %v, now it is %v", at, clock.Now())
			}
			clock.connects(p).welcome()
			// Ten pauses of full jitter, of up to a second, 2, 4 and so on, are never as short.
			if waited := clock.Since(clock.start); waited < 10*time.Second {
				t.Errorf("came %d times in %v", refusals+1, waited)
			}
			if !o.live().RetryAt.IsZero() {
				t.Errorf("live, and comes again at %v", o.now.RetryAt)
			}
			o.close()
			if n := strings.Count(log.String(), "not connected"); n != 1 {
				t.Errorf("logged %d times: %s", n, log.String())
			}
		})
	}
}

// TestAnOutageIsLoggedOnce: it may last for days.
func TestAnOutageIsLoggedOnce(t *testing.T) {
	p, clock := newPeer(t), newClock()
	tries, fifth := 0, make(chan struct{})
	p.answer(func(w http.ResponseWriter) {
		if tries++; tries == 5 {
			close(fifth)
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	var log bytes.Buffer
	local := newStore().local()
	local.Log = slog.New(slog.NewTextHandler(&log, nil))
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, local)
	clock.runUntil(t, fifth)
	o.close()
	if n := strings.Count(log.String(), "not connected"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
}

func TestWhatIsNoRelay(t *testing.T) {
	for _, test := range []struct {
		code int
		want string
	}{
		{http.StatusNotFound, "the server at the relay's URL is not a Greenroom relay (404)"},
		{http.StatusMovedPermanently, "the server at the relay's URL is not a Greenroom relay (301)"},
		{http.StatusOK, "the server at the relay's URL is not a Greenroom relay (200)"},
		{http.StatusBadGateway, "the relay is not running: the proxy before it answers 502"},
		{http.StatusServiceUnavailable, "the relay isn't accepting connections now (503)"},
	} {
		p := newPeer(t)
		p.answer(func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(test.code)
		})
		open(t, relayclient.Options{URL: p.server.URL}, newStore().local()).degraded(test.want)
	}
}

func TestARelayThatAsksForTime(t *testing.T) {
	p, clock := newPeer(t), newClock()
	p.answer(func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, newStore().local())
	o.degraded("isn't accepting connections now (503)")
	p.answer(nil)
	clock.connects(p).welcome()
	if waited := clock.Since(clock.start); waited < 30*time.Second {
		t.Errorf("comes again after %v", waited)
	}
}

func TestGoAway(t *testing.T) {
	for _, test := range []struct {
		body  wire.GoAwayBody
		want  string
		least time.Duration
	}{
		{wire.GoAwayBody{Reason: wire.Restarting, AfterMs: 3000}, "the relay is restarting", 3 * time.Second},
		{wire.GoAwayBody{Reason: wire.Revoked}, "the relay refuses the token", 0},
		{wire.GoAwayBody{Reason: "tea\x07"}, "the relay closes the connection: tea␇", 0},
	} {
		p, clock := newPeer(t), newClock()
		o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, newStore().local())
		c := p.live()
		o.live()
		before := clock.Now()
		c.json(wire.GoAway, 0, test.body)
		o.degraded(test.want)
		again := clock.connects(p)
		if waited := clock.Since(before); waited < test.least {
			t.Errorf("%s: comes again after %v", test.body.Reason, waited)
		}
		if again.hello.Yield {
			t.Errorf("%s: offers to yield", test.body.Reason)
		}
		again.welcome()
		o.live()
	}
}

// Two programs with one device: who is taken over from offers to yield until the other has gone, and then is as before.
func TestTwoProgramsWithOneName(t *testing.T) {
	p, clock, s := newPeer(t), newClock(), newStore()
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, s.local())
	c := p.live()
	o.live()
	c.json(wire.GoAway, 0, wire.GoAwayBody{Reason: wire.TakenOver})
	o.degraded("another program with this store")
	for range 3 {
		c = clock.connects(p)
		if !c.hello.Yield {
			t.Fatal("takes over in turn")
		}
		c.json(wire.Err, 0, wire.ErrBody{Code: wire.CodeYield, Text: "not now"})
		c.ends()
	}
	if o.degraded("another program"); o.now.State != tunnel.Degraded {
		t.Errorf("%+v", o.now)
	}
	c = clock.connects(p)
	c.welcome()
	o.live()
	c.send(event(1, "h1", 7, 1, nil)...)
	c.stored(at("h1", 7, 1), 1, 0, 1)
	c.ws.Close()
	if c = clock.connects(p); c.hello.Yield {
		t.Error("still yields without another client")
	}
}

func TestARelayThatServesAnotherDevice(t *testing.T) {
	p := newPeer(t)
	o := open(t, relayclient.Options{URL: p.server.URL}, newStore().local())
	p.accept().json(wire.Err, 0, wire.ErrBody{Code: wire.CodeInUse})
	o.degraded("another device receives this token's requests")
	p.live()
	o.live()
}

// A relay that falls silent (a half-open connection, a frozen host) is left after ten seconds.
func TestASilentRelayIsLeft(t *testing.T) {
	p, clock := newPeer(t), newClock()
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock}, newStore().local())
	c := p.live()
	o.live()
	before := clock.Now()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.mute = true
		c.ends()
	}()
	clock.runUntil(t, gone)
	if took := clock.Since(before); took < 10*time.Second {
		t.Errorf("left after %v", took)
	}
	o.degraded("the relay has been silent for 1")
	clock.connects(p).welcome()
	o.live()
}

// One that answers is kept for as long as it does.
func TestAQuietRelayIsKept(t *testing.T) {
	p, clock := newPeer(t), newClock()
	looked := make(chan struct{}, 100)
	wall := func() time.Time {
		defer func() { looked <- struct{}{} }()
		return clock.Now()
	}
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock, Wall: wall}, newStore().local())
	c := p.live()
	o.live()
	<-looked
	pings := 0
	for range 60 {
		clock.Advance(time.Second)
		<-looked // lest many seconds look like sleep
		pings += c.beRead()
	}
	if pings == 0 || pings > 13 {
		t.Errorf("asked %d times in a minute", pings)
	}
	if o.close(); o.now.State != tunnel.Live {
		t.Errorf("%+v", o.now)
	}
}

// After sleep the connection is most likely dead without notice: it is dialed again immediately, even during a long wait.
func TestWakingDialsAtOnce(t *testing.T) {
	p, clock, s := newPeer(t), newClock(), newStore()
	var ahead atomic.Int64
	looked := make(chan struct{}, 1000)
	wall := func() time.Time {
		defer func() {
			select {
			case looked <- struct{}{}:
			default: // nothing waits for so many
			}
		}()
		return clock.Now().Add(time.Duration(ahead.Load()))
	}
	o := open(t, relayclient.Options{URL: p.server.URL, Clock: clock, Wall: wall}, s.local())
	p.live()
	o.live()
	<-looked
	ahead.Add(int64(time.Hour))
	clock.Advance(time.Second)
	again := p.accept()
	o.degraded("dialing again after sleep")

	p.answer(func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "60") // the client waits at least that long
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	again.ws.Close()
	o.degrades(clock, "isn't accepting connections now (503)")
	refused := clock.Now()
	p.answer(nil)
	ahead.Add(int64(time.Hour))
	clock.Advance(time.Second)
	p.live()
	o.live()
	if waited := clock.Since(refused); waited > 50*time.Second {
		t.Errorf("dialed after %v", waited)
	}

	// A clock that is set back changes nothing.
	for len(looked) > 0 {
		<-looked
	}
	ahead.Add(-int64(24 * time.Hour))
	clock.Advance(time.Second)
	<-looked
	if o.close(); o.now.State != tunnel.Live {
		t.Errorf("%+v", o.now)
	}
}

// valve is a TCP proxy that can stop forwarding without a word, hold up what comes from the server, and cut.
type valve struct {
	l    net.Listener
	to   string
	mu   sync.Mutex
	cond *sync.Cond
	shut bool
	// down is how many bytes have come from the server, most how many may.
	down, most int64
	all        []net.Conn
	done       sync.WaitGroup
}

func newValve(t testing.TB, to string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{l: l, to: to, most: 1 << 62}
	v.cond = sync.NewCond(&v.mu)
	v.done.Go(v.accept)
	t.Cleanup(func() {
		l.Close()
		v.limit(1 << 62)
		v.cut()
		v.done.Wait()
	})
	return v
}

func (v *valve) accept() {
	for {
		c, err := v.l.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", v.to)
		if err != nil {
			c.Close()
			continue
		}
		v.mu.Lock()
		v.all = append(v.all, c, up)
		v.mu.Unlock()
		v.done.Go(func() { v.pass(c, up, false) })
		v.done.Go(func() { v.pass(up, c, true) })
	}
}

// pass forwards, or swallows while the valve is shut.
func (v *valve) pass(from, to net.Conn, down bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if v.isShut() {
			if err != nil {
				return // who is behind hears nothing of it
			}
			continue
		}
		if down {
			v.hold(n)
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				from.Close()
				return
			}
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

// hold waits until n more bytes may come from the server.
func (v *valve) hold(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.down+int64(n) > v.most {
		v.cond.Wait()
	}
	v.down += int64(n)
	v.cond.Broadcast()
}

// limit says how many bytes may come from the server.
func (v *valve) limit(n int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.most = n
	v.cond.Broadcast()
}

// passed waits until nearly n bytes have come.
func (v *valve) passed(t testing.TB, n int64) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.down < n-64<<10 {
		v.cond.Wait()
	}
}

func (v *valve) isShut() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.shut
}

func (v *valve) set(shut bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = shut
}

// cut closes every connection.
func (v *valve) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.all {
		c.Close()
	}
	v.all = nil
}

// A half-open connection: both ends believe in it, and nothing passes. What was sent into it comes again.
func TestAHalfOpenConnection(t *testing.T) {
	p, clock, s := newPeer(t), newClock(), newStore()
	v := newValve(t, p.server.Listener.Addr().String())
	o := open(t, relayclient.Options{URL: "http://" + v.l.Addr().String(), Clock: clock}, s.local())
	c := p.live()
	o.live()
	c.send(event(1, "h1", 7, 1, nil)...)
	c.stored(at("h1", 7, 1), 1, 0, 1)
	v.set(true)
	c.send(event(2, "h1", 7, 2, []byte("into the void"))...)
	o.degrades(clock, "silent")
	done, again := closed(p.conns)
	v.set(false)
	clock.runUntil(t, done)
	p.conns <- *again
	c = p.live()
	if want := []cursor.Position{{Hook: "h1", Epoch: 7, Seq: 1}}; !slices.Equal(c.hello.Hooks, want) {
		t.Errorf("begins at %+v", c.hello.Hooks)
	}
	c.send(event(1, "h1", 7, 2, []byte("into the void"))...)
	c.stored(at("h1", 7, 2), 1, 13, 1)
	if got := s.seqs("h1"); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("kept %d", got)
	}
}

// A repeated STORED is the client's way of saying it again; here it is the relay that repeats everything after each cut.
func TestEverythingRepeatedAfterEachCut(t *testing.T) {
	p, s := newPeer(t), newStore()
	v := newValve(t, p.server.Listener.Addr().String())
	open(t, relayclient.Options{URL: "http://" + v.l.Addr().String()}, s.local())
	for round := uint64(1); round <= 20; round++ {
		c := p.live()
		for n := uint64(1); n <= round; n++ {
			c.send(event(n, "h1", 7, n, number(n))...)
		}
		for {
			f, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			if f.Type != wire.Stored {
				continue
			}
			if p, err := wire.Body[wire.StoredBody](f); err != nil || p.Seq == round {
				break
			}
		}
		v.cut()
	}
	want := make([]uint64, 20)
	for n := range want {
		want[n] = uint64(n + 1)
	}
	if got := s.seqs("h1"); !slices.Equal(got, want) {
		t.Errorf("kept %d", got)
	}
}

package relay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// opened is a relay that serves nothing, by a clock that the test moves.
func opened(t *testing.T, o Options) (*Server, *clockwork.FakeClock) {
	t.Helper()
	clock := clockwork.NewFakeClock()
	o.Dir, o.Clock, o.Log = t.TempDir(), clock, slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return s, clock
}

// hookOf makes a token, and returns its hook.
func hookOf(t *testing.T, s *Server, name string) spool.Hook {
	t.Helper()
	made, err := s.CreateToken(t.Context(), name, false)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := s.backing.hook(made.Hook.ID)
	if !ok {
		t.Fatal("the hook accepts nothing")
	}
	return h
}

// put spools a request.
func put(t *testing.T, s *Server, h spool.Hook) cursor.Position {
	t.Helper()
	at, err := s.spool.Put(t.Context(), wire.EventBody{ID: fmt.Sprint(time.Now().UnixNano()), Position: cursor.Position{Hook: h.ID}, Method: "POST", Target: "/"}, strings.NewReader("x"), 1)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func client(s *Server, token string, began time.Duration) *conn {
	return &conn{s: s, token: spool.Token{Name: token}, session: "session", began: began, wake: make(chan struct{}, 1), gone: make(chan struct{}), awaited: map[uint64]*awaited{}}
}

// The body that gives way is the slowest of those that have been under way for a while and have not arrived.
func TestWhichBodyGivesWay(t *testing.T) {
	const now = 20 * time.Second
	for name, c := range map[string]struct {
		began []time.Duration // of each body, and how much of it has come
		got   []int64
		want  int // -1 for none
	}{
		"none":                   {nil, nil, -1},
		"all young":              {[]time.Duration{now - settled + 1, now}, []int64{0, 0}, -1},
		"one that is settled":    {[]time.Duration{now - settled, now}, []int64{5, 0}, 0},
		"one that sent nothing":  {[]time.Duration{now - settled}, []int64{0}, 0},
		"all have arrived":       {[]time.Duration{0, 1}, []int64{-1, -1}, -1},
		"the slowest, not least": {[]time.Duration{10 * time.Second, 18 * time.Second}, []int64{100, 50}, 0},
		"the slowest of three":   {[]time.Duration{10 * time.Second, 15 * time.Second, 18 * time.Second}, []int64{100, 10, 50}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var p places
			p.init(Options{Concurrent: 100, PerHook: 100})
			var all []*place
			for i, began := range c.began {
				one, _ := p.enter(spool.Hook{ID: "h", Token: "t"}, http.NewResponseController(httptest.NewRecorder()), time.Unix(1e9, 0), began)
				one.got.Store(c.got[i])
				all = append(all, one)
			}
			if gave := p.giveWay(p.byToken["t"], now); gave != (c.want >= 0) {
				t.Errorf("one gave way: %t", gave)
			}
			for i, one := range all {
				if one.lost.Load() != (i == c.want) {
					t.Errorf("%d lost its place: %t", i, one.lost.Load())
				}
			}
			if want := len(all) - map[bool]int{true: 1}[c.want >= 0]; p.inside != want || len(p.byToken["t"]) != want {
				t.Errorf("%d and %d are inside, not %d", p.inside, len(p.byToken["t"]), want)
			}
		})
	}
}

// A token's share of places is a quarter, and is used fully; a hook's gate is looked at again as soon as it may be idle.
func TestTheShareOfPlaces(t *testing.T) {
	var p places
	p.init(Options{Concurrent: 4 * tokenShare, PerHook: 100})
	enter := func(token string) *place {
		one, _ := p.enter(spool.Hook{ID: "h-" + token, Token: token}, nil, time.Unix(1e9, 0), 0)
		return one
	}
	for i := range 4 {
		if enter("a") == nil {
			t.Errorf("place %d of its share is refused", i)
		}
	}
	if enter("a") != nil || enter("b") == nil {
		t.Error("the share is not a token's own")
	}
	var q places
	q.init(Options{Concurrent: 1, PerHook: 1, Sink: nil})
	if q.perToken != 1 {
		t.Errorf("of one place a token gets %d", q.perToken)
	}
	now := time.Unix(1e9, 0)
	if p.sweep(now.Add(gateIdle)); !p.swept.Equal(now.Add(gateIdle)) {
		t.Error("the gates are not looked at when they may be idle")
	}
}

// When all clients' places are taken, the token with the most connections gives one: its oldest that has not said HELLO.
func TestWhichClientGivesWay(t *testing.T) {
	s := &Server{opt: Options{Clients: 4}, conns: map[*conn]struct{}{}, draining: make(chan struct{})}
	device := func(c *conn) *conn { c.device = "d"; return c }
	greedy, older, receives, single := client(s, "greedy", 5), client(s, "greedy", 3), device(client(s, "greedy", 1)), client(s, "single", 2)
	for _, c := range []*conn{greedy, older, receives, single} {
		if !s.admit(c) {
			t.Fatal("refused although there is room")
		}
	}
	if !s.admit(client(s, "late", 9)) || !older.ended || greedy.ended || single.ended || receives.ended {
		t.Errorf("ended: %t, %t, %t, %t", older.ended, greedy.ended, single.ended, receives.ended)
	}
	s.active = map[string]*conn{"greedy": receives}
	if book := (&Book{server: s}); !book.connected("greedy") || book.connected("single") || (&Book{}).connected("greedy") {
		t.Error("a token is connected while a client receives its hooks")
	}
	close(s.draining)
	if s.admit(client(s, "late", 10)) {
		t.Error("admitted while it closes")
	}
}

// A sender waits for a client that has been heard lately and is not far behind.
func TestWhichClientsKeepUp(t *testing.T) {
	s, clock := opened(t, Options{})
	h := hookOf(t, s, "laptop")
	c := client(s, "laptop", 0)
	c.touch()
	if clock.Advance(autoSilent); !c.keepsUp(h.ID) {
		t.Error("it was heard lately")
	}
	if clock.Advance(1); c.keepsUp(h.ID) {
		t.Error("it has been silent")
	}
	c.touch()
	c.behind.Store(true)
	if c.keepsUp(h.ID) {
		t.Error("a sender waited in vain")
	}
	c.behind.Store(false)
	var all sync.WaitGroup
	for range autoBehind {
		all.Go(func() { put(t, s, h) })
	}
	if all.Wait(); !c.keepsUp(h.ID) {
		t.Error("as many wait as may")
	}
	if put(t, s, h); c.keepsUp(h.ID) {
		t.Error("more wait than may")
	}
}

// STORED answers the senders of the requests up to its position in its hook, and no others.
func TestStoredAnswersItsSenders(t *testing.T) {
	s, _ := opened(t, Options{})
	h := hookOf(t, s, "laptop")
	first, second := put(t, s, h), put(t, s, h)
	other := first
	other.Hook = "other"
	c := client(s, "laptop", 0)
	c.lanes = []*lane{{hook: h.ID}}
	waits := map[uint64]cursor.Position{1: first, 2: second, 3: other}
	for stream, at := range waits {
		c.awaited[stream] = &awaited{at: at, w: &waiter{got: make(chan wire.RespBody, 1)}}
	}
	before := c.awaited
	all := map[uint64]*awaited{1: before[1], 2: before[2], 3: before[3]}
	c.behind.Store(true)
	if err := c.stored(first); err != nil || c.behind.Load() {
		t.Fatal(err)
	}
	for stream, a := range all {
		if answered := len(a.w.got) == 1; answered != (stream == 1) || (c.awaited[stream] == nil) != answered {
			t.Errorf("stream %d is answered: %t", stream, answered)
		}
	}
	c.behind.Store(true)
	if err := c.stored(other); err != nil || !c.behind.Load() {
		t.Errorf("of a hook that it doesn't receive: %v", err)
	}
	ahead := second
	ahead.Seq += 5
	if err := c.stored(ahead); !errors.As(err, new(*protocolError)) {
		t.Errorf("beyond what there was: %v", err)
	}
}

// Credit up to the limits is accepted; a client that gives more, or takes some back, breaks the protocol.
func TestTheLimitsOfCredit(t *testing.T) {
	for _, c := range []struct {
		given []wire.CreditBody
		ok    bool
	}{
		{[]wire.CreditBody{{}}, true}, {[]wire.CreditBody{{Events: maxEvents, Bytes: maxBytes}}, true}, {[]wire.CreditBody{{Events: -1}}, false},
		{[]wire.CreditBody{{Bytes: -1}}, false}, {[]wire.CreditBody{{Events: 5}, {Events: -1}}, false}, {[]wire.CreditBody{{Events: maxEvents + 1}}, false},
		{[]wire.CreditBody{{Bytes: maxBytes + 1}}, false}, {[]wire.CreditBody{{Events: maxEvents - 1}, {Events: 1}}, true},
		{[]wire.CreditBody{{Events: maxEvents}, {Events: 1}}, false}, {[]wire.CreditBody{{Bytes: maxBytes - 1}, {Bytes: 1}}, true},
		{[]wire.CreditBody{{Bytes: maxBytes}, {Bytes: 1}}, false},
	} {
		peer := client(nil, "t", 0)
		var err error
		for _, b := range c.given {
			err = errors.Join(err, peer.credit(b))
		}
		if (err == nil) != c.ok || err != nil && !errors.As(err, new(*protocolError)) {
			t.Errorf("%+v: %v", c.given, err)
		}
	}
}

// A body begins when credit covers it whole, or alone; each request has a stream of its own.
func TestCreditIsReservedForWholeBodies(t *testing.T) {
	c := client(nil, "t", 0)
	c.events, c.bytes = 3, 5
	one, ok := c.reserve(spool.Event{Length: 5})
	if !ok || one.held != 5 || c.bytes != 0 || c.events != 2 {
		t.Fatalf("%+v, %d and %d are left", one, c.events, c.bytes)
	}
	c.out.streams = append(c.out.streams, one)
	c.bytes = 7
	if s, ok := c.reserve(spool.Event{Length: 8}); ok {
		t.Errorf("beside another one it begins without credit: %+v", s)
	}
	two, ok := c.reserve(spool.Event{Length: 7})
	if !ok || two.number != one.number+1 || c.bytes != 0 {
		t.Errorf("%+v, %t, after %+v", two, ok, one)
	}
	c.out.streams = nil
	c.bytes = 4
	alone, ok := c.reserve(spool.Event{Length: 10})
	if !ok || alone.held != 4 || c.bytes != 0 {
		t.Fatalf("alone: %+v, %t", alone, ok)
	}
	c.out.streams = append(c.out.streams, alone)
	alone.sent, alone.held = 4, 0
	if c.bytes = 5; c.covered() || alone.held != 5 || c.bytes != 0 {
		t.Errorf("5 of 6 bytes cover it: %+v, %d left", alone, c.bytes)
	}
	if c.bytes = 9; !c.covered() || alone.held != 6 || c.bytes != 8 {
		t.Errorf("its last byte doesn't cover it: %+v, %d left", alone, c.bytes)
	}
}

// Requests of several hooks take turns, also past hooks that have none.
func TestHooksTakeTurns(t *testing.T) {
	s, _ := opened(t, Options{})
	empty, busy, other := hookOf(t, s, "a"), hookOf(t, s, "b"), hookOf(t, s, "c")
	for range 2 {
		put(t, s, busy)
		put(t, s, other)
	}
	c := client(s, "a", 0)
	c.events, c.bytes = 100, 100
	for _, h := range []spool.Hook{empty, busy, other} {
		l := &lane{hook: h.ID, behind: cursor.Position{Hook: h.ID}}
		l.more.Store(true)
		c.lanes = append(c.lanes, l)
	}
	var order []string
	for range 4 {
		for i := range c.lanes {
			l := c.lanes[(c.out.lane+i)%len(c.lanes)]
			if err := c.look(l); err != nil {
				t.Fatal(err)
			}
		}
		before := map[string]cursor.Position{}
		for _, l := range c.lanes {
			before[l.hook] = l.behind
		}
		_, _ = beginOnly(c)
		for _, l := range c.lanes {
			if l.behind != before[l.hook] {
				order = append(order, l.hook)
			}
		}
	}
	if want := []string{busy.ID, other.ID, busy.ID, other.ID}; !slices.Equal(order, want) {
		t.Errorf("%v, not %v", order, want)
	}
}

// beginOnly begins a request on a connection that can't be written to.
func beginOnly(c *conn) (begun bool, err any) {
	defer func() { err = recover() }()
	begun, _ = c.begin()
	return begun, nil
}

// A token's waiting senders are bounded, and each that leaves makes room.
func TestTheLimitOfWaitingSenders(t *testing.T) {
	all := &waiters{byID: map[string]*waiter{}, byToken: map[string]int{}}
	sender := func(id int, token string) *waiter { return &waiter{all: all, id: fmt.Sprint(token, id), token: token} }
	var last *waiter
	for i := range maxWaiters {
		if last = sender(i, "a"); !all.add(last) {
			t.Fatalf("sender %d doesn't wait", i)
		}
	}
	more, other := sender(maxWaiters, "a"), sender(0, "b")
	if all.add(more) || more.waits() || !all.add(other) || !other.waits() || !last.waits() {
		t.Error("the limit is not a token's own")
	}
	last.done()
	if last.waits() || !all.add(more) || !more.waits() {
		t.Error("a place that became free isn't given again")
	}
	for i := range maxWaiters + 1 {
		if w := all.find(fmt.Sprint("a", i)); w != nil {
			w.done()
		}
	}
	if other.done(); len(all.byID) != 0 || len(all.byToken) != 0 {
		t.Errorf("%d senders and %d tokens are left", len(all.byID), len(all.byToken))
	}
}

// A relay asks a client to leave once, and knows that it did.
func TestTheLastFrame(t *testing.T) {
	c := client(nil, "t", 0)
	if c.sentAway() {
		t.Error("before")
	}
	c.leave(restarting)
	c.leave(goAway(wire.GoAwayBody{Reason: wire.Revoked}))
	if f := restarting.Append(nil); !c.sentAway() || !slices.Equal(c.last, f) {
		t.Errorf("%q", c.last)
	}
	if c.send(frame(wire.Depth, 0, wire.DepthBody{})); len(c.control) != 0 {
		t.Error("a frame follows the last one")
	}
}

// Public addresses and the paths of control sockets have limits; what lies on them is accepted.
func TestTheLongestAddresses(t *testing.T) {
	const prefix = "https://gr.example/"
	var public Server
	if err := public.setURL(prefix + strings.Repeat("p", maxURL-len(prefix))); err != nil || len(public.URL()) != maxURL {
		t.Errorf("%d characters, %v", len(public.URL()), err)
	}
	if err := public.setURL(prefix + strings.Repeat("p", maxURL-len(prefix)+1)); !errors.Is(err, spool.ErrInvalid) {
		t.Errorf("too long: %v", err)
	}
	if err := public.setURL("nonsense"); !errors.Is(err, spool.ErrInvalid) || strings.Contains(err.Error(), "too long") {
		t.Errorf("none: %v", err)
	}
	s := &Server{opt: Options{Dir: "/" + strings.Repeat("d", maxSocketPath-len(SocketName)-1)}, spool: &spool.Spool{}}
	if err := s.ServeControl(); err == nil || !strings.Contains(err.Error(), "too long") || len(filepath.Join(s.opt.Dir, SocketName)) != maxSocketPath+1 {
		t.Errorf("a path of %d: %v", len(filepath.Join(s.opt.Dir, SocketName)), err)
	}
	s.opt.Dir = s.opt.Dir[:len(s.opt.Dir)-1]
	if err := s.ServeControl(); err == nil || strings.Contains(err.Error(), "too long") {
		t.Errorf("the longest path: %v", err)
	}
}

// Answers are plain text with one newline, exactly what a client chose, and as late as they were.
func TestHowSendersAreAnswered(t *testing.T) {
	s, clock := opened(t, Options{Body: 10})
	h := hookOf(t, s, "laptop")
	do := func(method, path, body string) *http.Response {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.RequestURI = path
		w := httptest.NewRecorder()
		s.serveHTTP(w, r)
		return w.Result()
	}
	clock.Advance(time.Hour)
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"POST", "/h/" + h.ID, strings.Repeat("x", 10), 200, "ok\n"}, {"POST", "/h/" + h.ID, strings.Repeat("x", 11), 413, "the request is too large\n"},
		{"POST", "/h/none", "x", 404, "not found\n"}, {strings.Repeat("M", maxMethod), "/h/" + h.ID, "x", 200, "ok\n"},
		{strings.Repeat("M", maxMethod+1), "/h/" + h.ID, "x", 501, "no such method\n"},
	} {
		resp := do(c.method, c.path, c.body)
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != c.status || string(text) != c.text || resp.Header.Get("Content-Type") != plainText ||
			resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%.20s %s: %d %q %v", c.method, c.path, resp.StatusCode, text, resp.Header)
		}
	}
	var figures strings.Builder
	s.metrics.set.WritePrometheus(&figures)
	if !strings.Contains(figures.String(), `_seconds_sum{outcome="spooled"} 0`+"\n") {
		t.Errorf("the answers took more than no time:\n%s", figures.String())
	}
	// A client's connection is closed only if it sends a body, which none does.
	for body, want := range map[string]string{"": "", "x": "close"} {
		if got := do("GET", wire.Path, body).Header.Get("Connection"); got != want {
			t.Errorf("with the body %q: %q", body, got)
		}
	}
	answer := answerOf(wire.RespBody{Status: 201, Text: `{"a":1}`, ContentType: "application/json"})
	if answer.kind != "application/json" || answer.text != `{"a":1}` {
		t.Errorf("%+v", answer)
	}
}

// TLS connections speak HTTP/1.1, whatever the configuration offers. A relay without a spool is ready.
func TestWhatTLSOffers(t *testing.T) {
	s := &Server{draining: make(chan struct{})}
	if err := s.ready(); err != nil {
		t.Errorf("without a spool: %v", err)
	}
	close(s.draining)
	if err := s.ready(); !errors.Is(err, errDraining) {
		t.Errorf("while it closes: %v", err)
	}
	own := httptest.NewUnstartedServer(nil)
	own.StartTLS()
	certificates := own.TLS.Certificates
	own.Close()
	for _, offered := range [][]string{nil, {"h2"}, {"h2", "http/1.1"}, {"http/1.1", "acme-tls/1"}} {
		s, _ := opened(t, Options{})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- s.ServeTLS(l, &tls.Config{Certificates: certificates, NextProtos: offered}) }()
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("offering %v it speaks %q", offered, got)
		}
		if err := errors.Join(c.Close(), s.Close(t.Context()), <-done); err != nil {
			t.Error(err)
		}
	}
}

// A client is dismissed when it has been silent for long, or has not said HELLO in time.
func TestWhichClientsAreDismissed(t *testing.T) {
	s, clock := opened(t, Options{})
	clock.Advance(time.Minute)
	for name, c := range map[string]struct {
		device string
		age    time.Duration // since it connected
		silent time.Duration
		want   bool
	}{
		"new":                  {"", helloTime - 1, 0, false},
		"without HELLO":        {"", helloTime, 0, true},
		"long there":           {"d", time.Minute, silence - 1, false},
		"silent":               {"d", time.Minute, silence, true},
		"silent without HELLO": {"", 0, silence, true},
	} {
		one := client(s, "t", s.since()-c.age)
		one.device = c.device
		one.lastSeen.Store(int64(s.since() - c.silent))
		if one.check(); one.ended != c.want {
			t.Errorf("%s: it is dismissed: %t", name, one.ended)
		}
	}
	// One that is heard from is pinged every few seconds.
	one := client(s, "t", s.since())
	for i, want := range []int{1, 1, 2} {
		one.touch()
		one.check()
		if len(one.control) != want {
			t.Errorf("turn %d: it got %d frames", i, len(one.control))
		}
		clock.Advance(pingEvery - 1 + time.Duration(i))
	}
}

// Only statuses that a sender understands are passed on to it, and the client's device has a name of some length.
func TestTheLimitsOfWhatAClientSays(t *testing.T) {
	for status, want := range map[int]int{199: 200, 200: 200, 204: 204, 599: 599, 600: 200, 503: 200} {
		if got := answerOf(wire.RespBody{Status: status, Text: "x"}); got.status != want {
			t.Errorf("%d is %d", status, got.status)
		}
	}
	for n, ok := range map[int]bool{0: false, 257: false} {
		if err := client(nil, "t", 0).hello(wire.HelloBody{Device: strings.Repeat("d", n)}); (err == nil) != ok {
			t.Errorf("a name of %d bytes: %v", n, err)
		}
	}
	s, _ := opened(t, Options{})
	hookOf(t, s, "laptop")
	one := client(s, "laptop", 0)
	if err := one.hello(wire.HelloBody{Device: strings.Repeat("d", 256)}); err != nil {
		t.Errorf("the longest name: %v", err)
	}
}

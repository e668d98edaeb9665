package relayclient_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"pgregory.net/rapid"

	_ "greenroom/internal/cases"
	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
)

// TestWhatWasAnswered2xxIsStoredOnceAndInOrder drives a relay and its client through requests, restarts, outages and a
// receiver that refuses, is slow, or loses its answer, and compares what is stored with what senders heard.
func TestWhatWasAnswered2xxIsStoredOnceAndInOrder(t *testing.T) {
	fewer(t, 40)
	rapid.Check(t, func(rt *rapid.T) {
		w := newTrial(t, rt)
		defer w.end()
		rt.Repeat(map[string]func(*rapid.T){
			"post":             w.post,
			"posts at once":    w.posts,
			"receiver":         func(rt *rapid.T) { w.receiver.set(rapid.SampledFrom(moods).Draw(rt, "mood")) },
			"restart relay":    func(*rapid.T) { w.stopRelay(); w.startRelay() },
			"stop relay":       func(*rapid.T) { w.stopRelay() },
			"start relay":      func(*rapid.T) { w.startRelay() },
			"restart client":   func(*rapid.T) { w.stopClient(); w.startClient() },
			"stop client":      func(*rapid.T) { w.stopClient() },
			"start client":     func(*rapid.T) { w.startClient() },
			"cut the line":     func(*rapid.T) { w.lines.cut() },
			"nothing is twice": func(rt *rapid.T) { w.check(rt, false) },
		})
		w.receiver.set("stores")
		w.startRelay()
		w.startClient()
		w.check(rt, true)
	})
}

// fewer sets how many cases are tried, unless the command line does.
func fewer(t *testing.T, n int) {
	for _, arg := range os.Args {
		if strings.Contains(arg, "rapid.checks") {
			return
		}
	}
	if testing.Short() {
		n = 5
	}
	was := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", was) })
}

// moods of the receiver.
var moods = []string{"stores", "stores", "refuses", "fails", "loses its answer", "stores a part", "is slow"}

// receiver is this end's store. It knows requests by their position, as the real one does.
type receiver struct {
	mu     sync.Mutex
	mood   string
	at     map[string]cursor.Position
	stored map[string][]int // by hook
	faults []string
}

func (r *receiver) set(mood string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = mood
}

func (r *receiver) receive(_ context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
	r.mu.Lock()
	mood := r.mood
	r.mu.Unlock()
	if mood == "is slow" {
		time.Sleep(30 * time.Millisecond) // longer than senders wait
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if mood == "fails" {
		return nil, errors.New("the store is away")
	}
	answers := make([]tunnel.Answer, len(batch))
	full := map[string]bool{}
	for i, e := range batch {
		if mood == "refuses" || mood == "stores a part" && (i > 0 || full[e.Hook]) {
			full[e.Hook] = true
			answers[i] = tunnel.Answer{Status: http.StatusServiceUnavailable, RetryAfter: time.Second}
			continue
		}
		answers[i] = tunnel.Answer{Stored: true, Status: http.StatusNoContent}
		if at, ok := r.at[e.Hook]; ok && !at.Before(e.Position) {
			continue
		}
		r.at[e.Hook] = e.Position
		n, size := 0, 0
		if _, err := fmt.Sscanf(string(e.Body), "%d %d ", &n, &size); err != nil || len(e.Body) != size || e.Missing != "" {
			r.faults = append(r.faults, fmt.Sprintf("a body of %d bytes: %.20q, missing %q", len(e.Body), e.Body, e.Missing))
		}
		if want := e.Header.Get("X-Target"); e.Target != want {
			r.faults = append(r.faults, fmt.Sprintf("the target %q instead of %q", e.Target, want))
		}
		r.stored[e.Hook] = append(r.stored[e.Hook], n)
	}
	if mood == "loses its answer" {
		return nil, errors.New("the answer was lost")
	}
	return answers, nil
}

func (r *receiver) positions(context.Context) ([]cursor.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []cursor.Position
	for _, p := range r.at {
		all = append(all, p)
	}
	return all, nil
}

// front keeps the relay's address while the relay is away: another program could take it otherwise.
type front struct {
	net.Listener
	mu  sync.Mutex
	now *lines
}

func (f *front) run() {
	for {
		c, err := f.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		now := f.now
		f.mu.Unlock()
		if now == nil {
			_ = c.Close()
			continue
		}
		now.take(c)
	}
}

func (f *front) set(l *lines) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = l
}

// lines is the listener of one run of the relay. Its connections can be cut.
type lines struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	mu     sync.Mutex
	open   []net.Conn
}

func (l *lines) take(c net.Conn) {
	l.mu.Lock()
	l.open = append(l.open, c)
	l.mu.Unlock()
	select {
	case l.conns <- c:
	case <-l.closed:
		_ = c.Close()
	}
}

func (l *lines) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *lines) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *lines) Addr() net.Addr { return l.addr }

func (l *lines) cut() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
}

// trial is one case: the programs, and the model of what must be.
type trial struct {
	t        *testing.T
	rt       *rapid.T
	dir      string
	addr     string
	front    *front
	clock    *clockwork.FakeClock
	stop     chan struct{}
	ticking  sync.WaitGroup
	relay    *relay.Server
	lines    *lines
	client   tunnel.Tunnel
	secret   string
	hooks    []string
	receiver *receiver

	// The model: the numbers that were posted to each hook in their order, in turns. Those of one turn have no order among them.
	mu    sync.Mutex
	sent  int
	turn  map[int]int // of each number
	acked map[string][]int
	turns int
}

func newTrial(t *testing.T, rt *rapid.T) *trial {
	w := &trial{
		t: t, rt: rt, clock: clockwork.NewFakeClock(), stop: make(chan struct{}), turn: map[int]int{}, acked: map[string][]int{},
		receiver: &receiver{mood: "stores", at: map[string]cursor.Position{}, stored: map[string][]int{}},
	}
	var err error
	if w.dir, err = os.MkdirTemp(t.TempDir(), "relay"); err != nil {
		rt.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		rt.Fatal(err)
	}
	w.addr, w.front = l.Addr().String(), &front{Listener: l}
	w.ticking.Add(1)
	go func() { defer w.ticking.Done(); w.front.run() }()
	w.startRelay()
	made, err := w.relay.CreateToken(context.Background(), "laptop", false)
	if err != nil {
		rt.Fatal(err)
	}
	w.secret = made.Secret
	for i, policy := range []spool.Policy{spool.PolicyAuto, spool.PolicyAck, spool.PolicySync} {
		h := made.Hook
		if i > 0 {
			h, err = w.relay.CreateHook(context.Background(), string(policy), "laptop", policy)
		}
		if err != nil {
			rt.Fatal(err)
		}
		w.hooks = append(w.hooks, h.ID)
	}
	w.startClient()
	w.ticking.Add(1)
	go func() { // the client's pauses pass twenty times as fast
		defer w.ticking.Done()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				w.clock.Advance(40 * time.Millisecond)
			}
		}
	}()
	return w
}

func (w *trial) startRelay() {
	if w.relay != nil {
		return
	}
	var err error
	if w.relay, err = relay.Open(relay.Options{Dir: w.dir, Rate: -1, SyncWait: 15 * time.Millisecond}); err != nil {
		w.rt.Fatal(err)
	}
	w.lines = &lines{addr: w.front.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	w.front.set(w.lines)
	s, served := w.relay, w.lines
	w.ticking.Add(1)
	go func() {
		defer w.ticking.Done()
		// One that is closed at once says so.
		if err := s.Serve(served); err != nil && !strings.Contains(err.Error(), "it is closing") {
			w.t.Error(err)
		}
	}()
	for s.URL() == "" { // until it serves
		time.Sleep(time.Millisecond)
	}
}

func (w *trial) stopRelay() {
	if w.relay == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.front.set(nil)
	if err := w.relay.Close(ctx); err != nil {
		w.rt.Fatal(err)
	}
	w.relay, w.lines = nil, nil
}

func (w *trial) startClient() {
	if w.client != nil {
		return
	}
	o := relayclient.Options{URL: "http://" + w.addr, Token: w.secret, Clock: w.clock, Window: 8}
	c, err := relayclient.New(o).Open(context.Background(), tunnel.Local{Device: "d", Receive: w.receiver.receive, Positions: w.receiver.positions})
	if err != nil {
		w.rt.Fatal(err)
	}
	w.client = c
}

func (w *trial) stopClient() {
	if w.client == nil {
		return
	}
	if err := w.client.Close(); err != nil {
		w.rt.Fatal(err)
	}
	w.client = nil
}

func (w *trial) end() {
	w.stopClient()
	w.stopRelay()
	close(w.stop)
	_ = w.front.Close()
	w.ticking.Wait()
	_ = os.RemoveAll(w.dir)
}

var (
	paths = []string{"", "/", "?a=%00", "/hooks/daily", "/hooks/daily/", "/hooks//x/../y?z", "/%2e%2e/%ff"}
	sizes = []int{20, 20, 1000, 16 << 10, 70_000, spool.PieceSize, spool.PieceSize + 1}
)

// request is a request to post.
type posted struct {
	hook, path  string
	number, len int
}

func (w *trial) draw(rt *rapid.T) posted {
	w.sent++
	w.turn[w.sent] = w.turns
	return posted{
		hook: rapid.SampledFrom(w.hooks).Draw(rt, "hook"), path: rapid.SampledFrom(paths).Draw(rt, "path"),
		number: w.sent, len: rapid.SampledFrom(sizes).Draw(rt, "size"),
	}
}

func (w *trial) post(rt *rapid.T) {
	w.turns++
	w.send(w.draw(rt))
}

func (w *trial) posts(rt *rapid.T) {
	w.turns++
	var all sync.WaitGroup
	for range rapid.IntRange(2, 6).Draw(rt, "posts") {
		p := w.draw(rt)
		all.Add(1)
		go func() { defer all.Done(); w.send(p) }()
	}
	all.Wait()
}

// padded is a body with its number and its size.
func padded(number, size int) string {
	s := fmt.Sprintf("%d %d ", number, size)
	return s + strings.Repeat("x", size-len(s))
}

// send posts a request, and notes it in the model when its sender hears 2xx.
func (w *trial) send(p posted) {
	req, err := http.NewRequest(http.MethodPost, "http://"+w.addr, strings.NewReader(padded(p.number, p.len)))
	if err != nil {
		w.t.Error(err)
		return
	}
	req.URL.Opaque = "//" + w.addr + "/h/" + p.hook + p.path // as it is
	target := p.path
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	req.Header.Set("X-Target", target)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return // the relay is away
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		if resp.StatusCode != http.StatusServiceUnavailable {
			w.t.Errorf("answered %d", resp.StatusCode)
		}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked[p.hook] = append(w.acked[p.hook], p.number)
}

// check compares what is stored with the model: nothing twice and in order at any time, and in the end nothing missing.
func (w *trial) check(rt *rapid.T, all bool) {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		wrong, missing := w.compare()
		switch {
		case wrong != "":
			rt.Fatal(wrong)
		case missing == "" || !all:
			return
		case time.Now().After(deadline):
			rt.Fatal(missing)
		}
	}
}

func (w *trial) compare() (wrong, missing string) {
	w.receiver.mu.Lock()
	defer w.receiver.mu.Unlock()
	if len(w.receiver.faults) > 0 {
		return strings.Join(w.receiver.faults, "; "), ""
	}
	for i, hook := range w.hooks {
		stored := w.receiver.stored[hook]
		last, seen := 0, map[int]bool{}
		for _, n := range stored {
			if seen[n] {
				return fmt.Sprintf("hook %d: %d is stored twice: %v", i, n, stored), ""
			}
			if seen[n] = true; w.turn[n] < last {
				return fmt.Sprintf("hook %d: %d is stored after a later one: %v", i, n, stored), ""
			}
			last = w.turn[n]
		}
		for _, n := range w.acked[hook] {
			if !slices.Contains(stored, n) {
				missing = fmt.Sprintf("hook %d: %d was answered 2xx and isn't stored: %v", i, n, stored)
			}
		}
	}
	return "", missing
}

package probe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
	"greenroom/tunnel/probe"
)

// driven is a tunnel whose status the test writes.
type driven struct{ *tunnel.Board }

func (d driven) Close() error { d.Board.Close("closed"); return nil }

// internet carries requests from public URLs to the prober, or answers otherwise.
type internet struct {
	p *probe.Prober
	// hit receives a value for each request, if the test reads it.
	hit chan struct{}

	mu   sync.Mutex
	down error
	sent []string
	hold chan struct{}
	// behind keeps requests behind others: they are answered, and don't arrive.
	behind bool
}

func (i *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.sent = append(i.sent, r.URL.Host)
	down, hold, behind := i.down, i.hold, i.behind
	i.mu.Unlock()
	select {
	case i.hit <- struct{}{}:
	default:
	}
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if down != nil {
		return nil, down
	}
	status := http.StatusNotFound
	if behind || i.p.Arrived(r.URL.Path) {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("")), Header: http.Header{}, Request: r}, nil
}

func (i *internet) set(down error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func (i *internet) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.sent)
}

type world struct {
	t     *testing.T
	net   *internet
	clock *clockwork.FakeClock
	// wall is the clock by which sleep is noticed.
	wall  *clockwork.FakeClock
	inner driven
	w     *probe.Watched
	last  tunnel.Status
}

func watch(t *testing.T, first tunnel.Status) *world {
	return watchFor(t, first, &internet{hit: make(chan struct{}, 1)}, 0)
}

func watchFor(t *testing.T, first tunnel.Status, net *internet, timeout time.Duration) *world {
	w := &world{t: t, net: net, clock: clockwork.NewFakeClock(), wall: clockwork.NewFakeClock(), inner: driven{tunnel.NewBoard(first)}}
	w.net.p = probe.New(probe.Options{Transport: w.net, Clock: w.clock, Timeout: timeout})
	w.w = probe.Watch(w.inner, probe.WatchOptions{Prober: w.net.p, Clock: w.clock, Wake: &tunnel.Wake{Clock: w.wall}})
	t.Cleanup(func() { _ = w.w.Close() })
	return w
}

// until waits for a status in the state.
func (w *world) until(state tunnel.State) tunnel.Status {
	w.t.Helper()
	late := time.After(2 * time.Minute)
	for {
		select {
		case s, open := <-w.w.Status():
			if !open {
				w.t.Fatalf("ended before it was %s; last %+v", state, w.last)
			}
			if w.last = s; s.State == state {
				return s
			}
		case <-late:
			w.t.Fatalf("not %s; last %+v", state, w.last)
		}
	}
}

// advance waits until the next probe is due at some time, and lets d pass.
func (w *world) advance(d time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	if err := w.clock.BlockUntilContext(ctx, 1); err != nil {
		w.t.Fatal("no probe is due")
	}
	w.clock.Advance(d)
}

func TestLiveOnlyAfterAProbe(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "ssh", State: tunnel.Connecting, Reason: "dialing"})
	if s := w.until(tunnel.Connecting); s.Driver != "ssh" || s.Reason != "dialing" {
		t.Errorf("the driver's word is %+v", s)
	}
	hold := make(chan struct{})
	w.net.hold = hold
	w.inner.Update(func(s *tunnel.Status) { s.State, s.URL, s.Reason = tunnel.Live, "https://a.example", "" })
	for {
		if s := w.until(tunnel.Connecting); s.URL != "" {
			if !strings.Contains(s.Reason, "checking") {
				t.Errorf("before the probe: %+v", s)
			}
			break
		}
	}
	close(hold)
	if s := w.until(tunnel.Live); s.URL != "https://a.example" || s.Reason != "" {
		t.Errorf("after the probe: %+v", s)
	}
}

func TestLiveIsWithdrawnAndComesBack(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "manual", State: tunnel.Live, URL: "https://a.example"})
	w.until(tunnel.Live)
	w.net.set(errors.New("the sky fell"))
	w.advance(probe.Every - time.Second)
	if n := w.net.count(); n != 1 {
		t.Errorf("%d probes before it was time", n)
	}
	w.advance(time.Second)
	if s := w.until(tunnel.Degraded); !strings.Contains(s.Reason, "the sky fell") {
		t.Errorf("the reason is %q", s.Reason)
	}
	// Again after 1, 2, 4, … and at most 30 s.
	for i, wait := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		before := w.net.count()
		w.advance(wait*time.Second - time.Millisecond)
		if w.net.count() != before {
			t.Fatalf("probe %d is early", i)
		}
		w.advance(time.Millisecond)
		w.reached(before + 1)
	}
	w.net.set(nil)
	w.advance(30 * time.Second)
	w.until(tunnel.Live)
	// And the first failure after that is answered quickly again.
	w.net.set(errors.New("again"))
	w.advance(probe.Every)
	w.until(tunnel.Degraded)
	w.net.set(nil)
	w.advance(time.Second)
	w.until(tunnel.Live)
}

// reached waits until so many probes have been sent.
func (w *world) reached(n int) {
	w.t.Helper()
	late := time.After(2 * time.Minute)
	for w.net.count() < n {
		select {
		case <-w.net.hit:
		case <-late:
			w.t.Fatalf("%d probes, want %d", w.net.count(), n)
		}
	}
}

func TestANewURLIsProbedAtOnce(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "exec", State: tunnel.Live, URL: "https://a.example"})
	w.until(tunnel.Live)
	w.inner.Update(func(s *tunnel.Status) { s.URL = "https://b.example" })
	for w.until(tunnel.Live).URL != "https://b.example" {
	}
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	if len(w.net.sent) != 2 || w.net.sent[1] != "b.example" {
		t.Errorf("probed %v", w.net.sent)
	}
}

func TestAProbeOfAnOldURLSaysNothingOfTheNewOne(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "exec", State: tunnel.Connecting})
	w.net.mu.Lock()
	w.net.hold = make(chan struct{})
	w.net.mu.Unlock()
	w.inner.Update(func(s *tunnel.Status) { s.State, s.URL = tunnel.Live, "https://old.example" })
	w.reached(1)
	w.net.mu.Lock()
	w.net.hold = nil
	w.net.mu.Unlock()
	w.inner.Update(func(s *tunnel.Status) { s.URL = "https://new.example" })
	if s := w.until(tunnel.Live); s.URL != "https://new.example" {
		t.Errorf("live at %s", s.URL)
	}
}

func TestTheDriversOwnTroubleIsShown(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "ssh", State: tunnel.Live, URL: "https://a.example"})
	w.until(tunnel.Live)
	w.inner.Update(func(s *tunnel.Status) { s.State, s.Reason = tunnel.Degraded, "the connection was lost" })
	if s := w.until(tunnel.Degraded); s.Reason != "the connection was lost" || s.RTT != 0 {
		t.Errorf("%+v", s)
	}
	// The same URL again isn't live by an old probe.
	w.net.set(errors.New("not yet"))
	w.inner.Update(func(s *tunnel.Status) { s.State, s.Reason = tunnel.Live, "" })
	for s := w.until(tunnel.Degraded); !strings.Contains(s.Reason, "not yet"); s = w.until(tunnel.Degraded) {
	}
}

func TestRoundTrips(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "ssh", State: tunnel.Connecting})
	hold := make(chan struct{})
	w.net.hold = hold
	w.inner.Update(func(s *tunnel.Status) { s.State, s.URL = tunnel.Live, "https://a.example" })
	w.reached(1)
	w.clock.Advance(120 * time.Millisecond)
	close(hold)
	if s := w.until(tunnel.Live); s.RTT != 120*time.Millisecond {
		t.Errorf("the probe's round trip is shown as %s", s.RTT)
	}
	w.inner.Update(func(s *tunnel.Status) { s.RTT = 7 * time.Millisecond })
	if s := w.until(tunnel.Live); s.RTT != 7*time.Millisecond {
		t.Errorf("the driver's own round trip is shown as %s", s.RTT)
	}
}

func TestWithoutAURLTheDriversWordCounts(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "sqs", State: tunnel.Live, StoreAndForward: true})
	if s := w.until(tunnel.Live); !s.StoreAndForward {
		t.Errorf("%+v", s)
	}
	if _, err := w.w.Probe(t.Context()); !errors.Is(err, probe.ErrNoURL) {
		t.Errorf("probed: %v", err)
	}
	if w.net.count() != 0 {
		t.Error("something was probed")
	}
}

func TestProbeAtOnce(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "manual", State: tunnel.Live, URL: "https://a.example"})
	w.until(tunnel.Live)
	w.net.set(errors.New("gone"))
	if _, err := w.w.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("%v", err)
	}
	w.until(tunnel.Degraded)
	w.net.set(nil)
	if _, err := w.w.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	w.until(tunnel.Live)
}

// What was live before the machine slept is tried at once when it wakes.
func TestProbeAfterSleep(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "manual", State: tunnel.Live, URL: "https://a.example"})
	w.until(tunnel.Live)
	w.net.set(errors.New("gone"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := w.wall.BlockUntilContext(ctx, 1); err != nil {
		t.Fatal(err)
	}
	w.wall.Advance(time.Hour)
	w.until(tunnel.Degraded)
}

func TestWhatWaitsComesBeforeTheProbe(t *testing.T) {
	net := &internet{hit: make(chan struct{}, 1), behind: true}
	first := tunnel.Status{Driver: "relay", State: tunnel.Live, URL: "https://a.example", StoreAndForward: true, Spool: 5000}
	w := watchFor(t, first, net, 20*time.Millisecond)
	for s := w.until(tunnel.Connecting); !strings.Contains(s.Reason, "catching up"); s = w.until(tunnel.Connecting) {
	}
	net.mu.Lock()
	net.behind = false
	net.mu.Unlock()
	w.inner.Update(func(s *tunnel.Status) { s.Spool = 0 })
	w.until(tunnel.Live) // without waiting for the next probe's time

	net.mu.Lock()
	net.behind = true
	net.mu.Unlock()
	w.advance(probe.Every)
	if s := w.until(tunnel.Degraded); !strings.Contains(s.Reason, "did not arrive") {
		t.Errorf("where nothing waits it is %q", s.Reason)
	}
}

func TestTheEnd(t *testing.T) {
	w := watch(t, tunnel.Status{Driver: "manual", State: tunnel.Live, URL: "https://a.example"})
	w.net.mu.Lock()
	w.net.hold = make(chan struct{}) // a probe hangs
	w.net.mu.Unlock()
	if err := w.w.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.until(tunnel.Closed); s.Reason != "closed" || s.Driver != "manual" {
		t.Errorf("the last status is %+v", s)
	}
	if _, open := <-w.w.Status(); open {
		t.Error("the channel is open")
	}
	if _, err := w.w.Probe(t.Context()); !errors.Is(err, probe.ErrEnded) {
		t.Errorf("%v", err)
	}
	if err := w.w.Close(); err != nil {
		t.Error(err)
	}
}

// TestTheLogHasNoAddress: anyone who knows a public URL at a relay can fill its spool.
func TestTheLogHasNoAddress(t *testing.T) {
	var log bytes.Buffer
	inner := driven{tunnel.NewBoard(tunnel.Status{State: tunnel.Live, URL: "https://relay.example/h/capability"})}
	net := &internet{down: errors.New("cut off")}
	net.p = probe.New(probe.Options{Transport: net})
	w := probe.Watch(inner, probe.WatchOptions{
		Prober: net.p, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if _, err := w.Probe(t.Context()); err == nil {
		t.Error("a probe that was cut off has passed")
	}
	net.set(nil)
	if _, err := w.Probe(t.Context()); err == nil { // answered 404
		t.Error("a probe that did not arrive has passed")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "relay.example") || strings.Contains(text, "capability") {
		t.Errorf("the log: %s", text)
	}
}

// TestATunnelThatChangesItsURLAgainAndAgain: what it costs doesn't grow with the changes, and the last URL is taken up.
func TestATunnelThatChangesItsURLAgainAndAgain(t *testing.T) {
	w := watch(t, tunnel.Status{State: tunnel.Live, URL: "https://first.example"})
	w.until(tunnel.Live)
	changes := 0
	change := func() {
		changes++
		w.inner.Update(func(s *tunnel.Status) { s.URL = fmt.Sprintf("https://x%d.example", changes) })
	}
	steady := w.last
	for !strings.Contains(steady.Reason, "keeps changing") {
		if changes > 500 {
			t.Fatalf("%d probes were sent for %d URLs", w.net.count(), changes)
		}
		change()
		steady = w.any()
	}
	if steady.URL != "" || steady.State != tunnel.Degraded {
		t.Errorf("%+v", steady)
	}
	before := w.net.count()
	if before > 5 {
		t.Errorf("%d probes were sent", before)
	}
	for range 300 {
		change()
	}
	last := fmt.Sprintf("https://x%d.example", changes)
	passed := 0
	for s := w.last; s.State != tunnel.Live || s.URL != last; s = w.any() {
		if passed++; passed > 5000 {
			t.Fatalf("%+v after %d changes", s, changes)
		}
		w.clock.Advance(time.Second) // the timer is set again by each change that the watch sees
	}
	if n := w.net.count() - before; n > 3 {
		t.Errorf("%d more probes were sent", n)
	}
}

// any is the next status, or the last one when none comes at once.
func (w *world) any() tunnel.Status {
	w.t.Helper()
	tick := time.NewTimer(2 * time.Millisecond)
	defer tick.Stop()
	select {
	case s, open := <-w.w.Status():
		if !open {
			w.t.Fatal("it has ended")
		}
		w.last = s
	case <-tick.C:
	}
	return w.last
}

// refuted is a driver that records the URLs reported as wrong.
type refuted struct {
	driven
	urls chan string
}

func (r refuted) Refuted(url string) { r.urls <- url }

func TestTheDriverHearsOfAWrongURL(t *testing.T) {
	net := &internet{hit: make(chan struct{}, 1), down: errors.New("no route")}
	net.p = probe.New(probe.Options{Transport: net})
	inner := refuted{driven{tunnel.NewBoard(tunnel.Status{State: tunnel.Live, URL: "https://wrong.example"})}, make(chan string, 10)}
	w := probe.Watch(inner, probe.WatchOptions{Prober: net.p, Clock: clockwork.NewFakeClock(), Wake: &tunnel.Wake{Clock: clockwork.NewFakeClock()}})
	if got := <-inner.urls; got != "https://wrong.example" {
		t.Errorf("heard of %s", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

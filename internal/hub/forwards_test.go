package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// receiver is the target of a forward that notes what it accepted.
type receiver struct {
	mu       sync.Mutex
	answer   func(seq uint64) app.Attempt
	accepted []uint64
	tried    chan uint64
}

func newReceiver(answer func(uint64) app.Attempt) *receiver {
	return &receiver{answer: answer, tried: make(chan uint64, 10_000)}
}

func (g *receiver) got() []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.accepted)
}

func (g *receiver) send(_ context.Context, _ app.ForwardTarget, d app.Delivery) app.Attempt {
	g.mu.Lock()
	a := g.answer(d.Seq)
	if settles(a.Status) {
		g.accepted = append(g.accepted, d.Seq)
	}
	g.mu.Unlock()
	g.tried <- d.Seq
	return a
}

func accepts(uint64) app.Attempt { return app.Attempt{Status: 200, Answer: "fine"} }

// forwarding opens a started hub whose forwards go to the targets, by URL.
func forwarding(t *testing.T, targets map[string]*receiver) *bench {
	b := newBench(t)
	b.close()
	b.forward = func(ctx context.Context, to app.ForwardTarget, d app.Delivery) app.Attempt {
		return targets[to.URL].send(ctx, to, d)
	}
	b.open()
	b.Start()
	return b
}

func (b *bench) setForward(spec app.ForwardSpec) app.Forward {
	b.t.Helper()
	f, err := b.SetForward(context.Background(), spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

func (b *bench) joins(n int) (seqs []uint64) {
	b.t.Helper()
	for range n {
		id := fmt.Sprintf("%d", rand.Uint64())
		seqs = append(seqs, b.event(join("office", id, t0)).Seq)
	}
	return seqs
}

// await waits until a forward's position has reached seq.
func (b *bench) await(name string, seq uint64) app.Forward {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	changes, err := b.Subscribe(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		all, err := b.Forwards(ctx, app.ForwardQuery{})
		if err != nil {
			b.t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(f app.Forward) bool { return f.Name == name })
		if i >= 0 && all[i].Position >= seq {
			return all[i]
		}
		if _, ok := <-changes; !ok {
			b.t.Fatalf("the forward stays at %+v, and %d was expected", all, seq)
		}
	}
}

const hooks = "http://localhost:3000/hooks"

func TestAForwardSendsWhatArrivesFromNowOnAndOnlyWhatIsAuthenticAndNew(t *testing.T) {
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: target})
	b.joins(2)
	f := b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	if f.Position != 2 || f.Queue != 0 || f.State != app.ForwardRunning {
		t.Errorf("%+v", f)
	}
	b.send("bad", []byte(`{}`))
	b.event(join("office", "ada", t0))
	b.event(join("office", "ada", t0)) // a duplicate
	b.event(provider.Event{Kind: provider.KindTest, ID: "ping"})
	last := b.event(join("office", "bob", t0)).Seq
	f = b.await("dev", last)
	if got := target.got(); len(got) != 2 || got[1] != last {
		t.Errorf("the target got %v", got)
	}
	if f.Queue != 0 || f.Last == nil || f.Last.Status != 200 || !f.Last.Final || f.Last.Seq != last {
		t.Errorf("%+v, last %+v", f, f.Last)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: last})
	want := app.Attempt{Name: "dev", Attempt: 1, At: app.At(t0), Status: 200, Answer: "fine", Final: true}
	if err != nil || len(d.Forwards) != 1 || d.Forwards[0] != want {
		t.Errorf("the event has the attempts %+v, %v", d.Forwards, err)
	}
	page, err := b.Events(t.Context(), app.EventQuery{Limit: 1})
	if err != nil || len(page.Events[0].Forwards) != 1 {
		t.Errorf("the list has %+v, %v", page.Events, err)
	}
}

func TestAForwardFromAnEarlierEvent(t *testing.T) {
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: target})
	seqs := b.joins(3)
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand, From: seqs[1]})
	b.await("dev", seqs[2])
	if got := target.got(); !slices.Equal(got, seqs[1:]) {
		t.Errorf("the target got %v of %v", got, seqs)
	}
}

func TestARunsForwardResumesWhereItStopped(t *testing.T) {
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: target})
	run := app.ForwardSpec{URL: hooks, Source: app.ForwardByRun, Lease: time.Minute}
	name := b.setForward(run).Name
	first := b.joins(2)
	b.await(name, first[1])
	over := run
	over.Lease = 0
	if f := b.setForward(over); f.State != app.ForwardPaused {
		t.Errorf("%+v", f)
	}
	missed := b.joins(2)
	b.close() // as a kill would: nothing is written at the end
	b.open()
	b.Start()
	if f := b.setForward(run); f.Name != name {
		t.Errorf("%+v", f)
	}
	b.await(name, missed[1])
	if got := target.got(); !slices.Equal(got, slices.Concat(first, missed)) {
		t.Errorf("the target got %v, want %v", got, slices.Concat(first, missed))
	}
	other := app.ForwardSpec{URL: hooks + "?key=2", Source: app.ForwardByRun, Lease: time.Minute}
	if f := b.setForward(other); f.Name == name || f.Position != missed[1] {
		t.Errorf("another URL is the same forward: %+v", f)
	}
}

// A name goes through JSON, which keeps no bytes that are no text.
func TestAForwardOfAnyURLSends(t *testing.T) {
	urls := []string{
		"http://localhost:3000/%ff/%00%1b", "http://localhost:3000/" + strings.Repeat("a", 85) + "é", "http://b%ffd.example/", "http://bé.example",
	}
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{urls[0]: target, urls[1]: target, urls[2]: target, urls[3]: target})
	for _, u := range urls {
		f := b.setForward(app.ForwardSpec{URL: u, Source: app.ForwardByRun, Lease: time.Minute})
		b.await(f.Name, b.joins(1)[0])
	}
	_, err := b.SetForward(t.Context(), app.ForwardSpec{URL: "http://b.example/\xff", Source: app.ForwardByRun, Lease: time.Minute})
	if !errors.Is(err, provider.Invalid) {
		t.Errorf("a URL that is no text: %v", err)
	}
}

func TestARunsForwardEndsWithItsLease(t *testing.T) {
	target := newReceiver(accepts)
	b := forwarding(t, map[string]*receiver{hooks: target})
	run := app.ForwardSpec{URL: hooks, Source: app.ForwardByRun, Lease: time.Minute}
	name := b.setForward(run).Name
	b.clock.Advance(50 * time.Second)
	b.setForward(run)
	b.clock.Advance(50 * time.Second)
	seq := b.joins(1)[0]
	b.await(name, seq) // renewed, so it still sends
	b.forwards.mu.Lock()
	s := b.forwards.senders[name]
	b.forwards.mu.Unlock()
	b.clock.Advance(time.Minute)
	<-s.done
	b.joins(1)
	all, err := b.Forwards(t.Context(), app.ForwardQuery{})
	if err != nil || all[0].State != app.ForwardPaused || all[0].Queue != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestAnswersThatSettleAnEvent(t *testing.T) {
	for _, status := range []int{200, 204, 301, 307, 400, 401, 404, 410, 422} {
		if !settles(status) {
			t.Errorf("%d is sent again", status)
		}
	}
	for _, status := range []int{0, 408, 425, 429, 500, 502, 503, 504, 599} {
		if settles(status) {
			t.Errorf("%d is not sent again", status)
		}
	}
}

func TestRetriesGrowRarerAndNeverStop(t *testing.T) {
	for _, c := range []struct {
		tries   int
		failing time.Duration
		most    time.Duration
	}{
		{1, 0, time.Second}, {2, 0, 2 * time.Second}, {3, 0, 4 * time.Second}, {6, 0, 32 * time.Second}, {7, 0, time.Minute},
		{500, 59 * time.Minute, time.Minute}, {80, time.Hour, 5 * time.Minute}, {80, 23 * time.Hour, 5 * time.Minute},
	} {
		longest := time.Duration(0)
		for range 300 {
			p := retryPause(c.tries, c.failing)
			if p <= 0 || p > c.most+time.Millisecond {
				t.Fatalf("try %d after %v: %v, at most %v expected", c.tries, c.failing, p, c.most)
			}
			longest = max(longest, p)
		}
		if longest < c.most*3/4 {
			t.Errorf("try %d after %v: at most %v, up to %v expected", c.tries, c.failing, longest, c.most)
		}
	}
}

func TestAnEventThatIsNotAcceptedForADayIsParkedAndTheQueueMovesOn(t *testing.T) {
	target := newReceiver(func(seq uint64) app.Attempt {
		if seq == 1 {
			return app.Attempt{Error: "connection refused"}
		}
		return accepts(seq)
	})
	b := forwarding(t, map[string]*receiver{hooks: target})
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	seqs := b.joins(2)
	tries := 0
	for tries < 5000 && len(target.got()) == 0 {
		select {
		case seq := <-target.tried:
			if seq != 1 {
				continue
			}
			tries++
			b.awaitTries("dev", tries) // the day must not pass while an attempt is on its way
		case <-time.After(time.Millisecond):
			b.clock.Advance(lateRetry)
			continue
		}
		if tries == 3 {
			all, err := b.Forwards(t.Context(), app.ForwardQuery{})
			if err != nil || all[0].State != app.ForwardRetrying || all[0].Queue != 2 {
				t.Errorf("%+v, %v", all, err)
			}
			b.close() // the day continues after a restart
			b.open()
			b.Start()
		}
	}
	f := b.await("dev", seqs[1])
	if !slices.Equal(f.Parked, []uint64{1}) || !slices.Equal(target.got(), []uint64{2}) {
		t.Errorf("%+v; the target got %v", f, target.got())
	}
	if tries > 1500 { // 24 h of pauses of half a minute, then of 2.5 minutes, on average
		t.Errorf("parked after %d tries", tries)
	}
	d, err := b.Event(t.Context(), app.EventRef{Seq: 1})
	if err != nil || len(d.Forwards) != 30 || d.Forwards[0].Attempt != 1 || !d.Forwards[29].Final || d.Forwards[29].Status != 0 {
		t.Fatalf("%d attempts are kept: %+v, %v", len(d.Forwards), d.Forwards, err)
	}
	first, before, last := d.Forwards[0].At, d.Forwards[28].At, d.Forwards[29].At
	if last.Sub(first.Time) < parkAfter-time.Hour || before.Sub(first.Time) > parkAfter+time.Hour {
		t.Errorf("parked at %v; the first attempt was at %v, the one before the last at %v", last, first, before)
	}
}

// awaitTries waits until the forward has stored the given number of attempts at its event, or has passed it.
func (b *bench) awaitTries(name string, tries int) {
	b.t.Helper()
	changes, err := b.Subscribe(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		all, err := b.Forwards(b.t.Context(), app.ForwardQuery{})
		if err != nil {
			b.t.Fatal(err)
		}
		if l := all[0].Last; all[0].Name == name && (l != nil && l.Attempt >= tries || len(all[0].Parked) > 0) {
			return
		}
		<-changes
	}
}

func TestAnEventThatCanNotBeSentHoldsNothingUp(t *testing.T) {
	target := newReceiver(func(seq uint64) app.Attempt {
		if seq == 1 {
			return app.Attempt{Error: "its method can't be sent", Final: true}
		}
		return accepts(seq)
	})
	b := forwarding(t, map[string]*receiver{hooks: target})
	b.setForward(app.ForwardSpec{Name: "dev", URL: hooks, Source: app.ForwardByCommand})
	seqs := b.joins(2)
	if f := b.await("dev", seqs[1]); !slices.Equal(f.Parked, seqs[:1]) {
		t.Errorf("%+v", f)
	}
}

func TestASlowTargetDelaysNoOther(t *testing.T) {
	fast, hang := newReceiver(accepts), make(chan struct{})
	slow := newReceiver(func(seq uint64) app.Attempt { <-hang; return accepts(seq) })
	b := forwarding(t, map[string]*receiver{hooks: fast, "http://slow.example/": slow})
	b.setForward(app.ForwardSpec{Name: "fast", URL: hooks, Source: app.ForwardByCommand})
	b.setForward(app.ForwardSpec{Name: "slow", URL: "http://slow.example/", Source: app.ForwardByCommand})
	seqs := b.joins(20)
	b.await("fast", seqs[19])
	close(hang)
	b.await("slow", seqs[19])
	if !slices.Equal(fast.got(), seqs) || !slices.Equal(slow.got(), seqs) {
		t.Errorf("fast %v, slow %v", fast.got(), slow.got())
	}
}

// A ledger of two targets, one of which fails at random, and a hub that is closed and opened at random: each event is accepted
// by each target once and in order, except that one under way at a close may come twice.
func TestForwardsLoseAndRepeatNothing(t *testing.T) {
	flaky := newReceiver(func(seq uint64) app.Attempt {
		if rand.N(4) == 0 {
			return app.Attempt{Status: []int{0, 429, 500, 503}[rand.N(4)], Error: "down"}
		}
		return accepts(seq)
	})
	steady := newReceiver(accepts)
	b := newBench(t)
	b.close()
	targets := map[string]*receiver{hooks: flaky, "http://steady.example/": steady}
	b.forward = func(ctx context.Context, to app.ForwardTarget, d app.Delivery) app.Attempt {
		return targets[to.URL].send(ctx, to, d)
	}
	b.open()
	b.Start()
	b.setForward(app.ForwardSpec{Name: "flaky", URL: hooks, Source: app.ForwardByCommand})
	b.setForward(app.ForwardSpec{Name: "steady", URL: "http://steady.example/", Source: app.ForwardByCommand})
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	clock := b.clock
	ticking.Go(func() { // time passes, so that retries become due
		for {
			select {
			case <-stop:
				return
			case <-flaky.tried:
				clock.Advance(time.Second)
			case <-time.After(time.Millisecond):
				clock.Advance(time.Second)
			}
		}
	})
	var seqs []uint64
	closes := 0
	for range 40 {
		seqs = append(seqs, b.joins(1+rand.N(10))...)
		if rand.N(4) == 0 {
			closes++
			b.close()
			b.open()
			b.Start()
		}
	}
	b.await("flaky", seqs[len(seqs)-1])
	b.await("steady", seqs[len(seqs)-1])
	close(stop)
	ticking.Wait()
	for name, g := range map[string]*receiver{"flaky": flaky, "steady": steady} {
		got := g.got()
		doubled := len(got) - len(slices.Compact(slices.Clone(got)))
		if !slices.Equal(slices.Compact(got), seqs) {
			t.Errorf("%s accepted %v of %v", name, got, seqs)
		}
		if doubled > closes {
			t.Errorf("%s accepted %d events twice at %d closes", name, doubled, closes)
		}
	}
}

func TestSetForwardRefuses(t *testing.T) {
	b := forwarding(t, nil)
	for _, bad := range []string{"", "localhost:3000", "ftp://x/", "http://", "/x", "http://[::1"} {
		if _, err := b.SetForward(t.Context(), app.ForwardSpec{Name: "x", URL: bad, Source: app.ForwardByCommand}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	f := b.setForward(app.ForwardSpec{Name: "x", URL: "https://u:hush@example.com/", Source: app.ForwardByCommand})
	if f.URL != "https://u:xxxxx@example.com/" {
		t.Errorf("%q shows the password", f.URL)
	}
}

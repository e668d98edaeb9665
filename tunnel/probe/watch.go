package probe

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"

	"greenroom/internal/crash"
	"greenroom/tunnel"
)

const (
	// Every is the interval of probes while they pass.
	Every = time.Minute
	// againFirst is the wait after the first failure; it doubles up to againMost.
	againFirst = time.Second
	againMost  = 30 * time.Second
	// A new public URL is used immediately, changesAtOnce times, and then once in changesEvery: each costs a probe, and registrations
	// with platforms.
	changesAtOnce = 4
	changesEvery  = 15 * time.Second
)

// unsteady is the reason that is shown while a new URL isn't used yet.
const unsteady = "its public URL keeps changing: a new one is used at most every 15 s"

// checking is the reason that is shown until the first probe has ended.
const checking = "checking whether requests to the public URL arrive here"

// WatchOptions are for [Watch].
type WatchOptions struct {
	Prober *Prober
	// Clock paces the probes; nil means the real one.
	Clock clockwork.Clock
	// Wake notices sleep, after which a probe is due; nil means one with the real clocks.
	Wake *tunnel.Wake
	// Log and Crash may be nil.
	Log   *slog.Logger
	Crash *crash.Group
}

// Watched is a tunnel whose status is live only after a probe through its public URL has passed. While probes fail it is degraded,
// with the reason. Otherwise, and without a public URL, the driver's status is shown.
type Watched struct {
	opt    WatchOptions
	inner  tunnel.Tunnel
	board  *tunnel.Board
	asks   chan chan<- outcome // callers that wait for the next probe
	woke   chan struct{}
	cancel context.CancelFunc
	ctx    context.Context
	done   chan struct{}
}

type outcome struct {
	url string
	rtt time.Duration
	err error
}

var (
	// ErrNoURL is returned by [Watched.Probe] while there is no URL to probe.
	ErrNoURL = errors.New("the tunnel has no public URL now")
	// ErrEnded is returned by [Watched.Probe] after the tunnel has ended.
	ErrEnded = errors.New("the tunnel has ended")
	// errPanic is the result of a probe that panicked.
	errPanic = errors.New("the probe failed for a reason that is in the log")
)

var _ tunnel.Tunnel = (*Watched)(nil)

// Watch watches a tunnel, which closing the result closes.
func Watch(t tunnel.Tunnel, o WatchOptions) *Watched {
	o.Clock, o.Wake = cmp.Or(o.Clock, clockwork.NewRealClock()), cmp.Or(o.Wake, &tunnel.Wake{})
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watched{opt: o, inner: t, asks: make(chan chan<- outcome), woke: make(chan struct{}, 1), ctx: ctx, cancel: cancel, done: make(chan struct{})}
	s := &watch{
		Watched: w, timer: o.Clock.NewTimer(Every), driver: tunnel.Status{State: tunnel.Connecting},
		pace: rate.NewLimiter(rate.Every(changesEvery), changesAtOnce), calm: o.Clock.NewTimer(Every),
	}
	s.timer.Stop()
	s.calm.Stop()
	w.board = tunnel.NewBoard(s.driver)
	select {
	case now, open := <-t.Status():
		if open {
			s.update(now)
			s.show()
		}
	default:
	}
	o.Crash.Go("tunnel watch", s.run)
	return w
}

// Status implements [tunnel.Tunnel].
func (w *Watched) Status() <-chan tunnel.Status { return w.board.Status() }

// Now returns the latest status.
func (w *Watched) Now() tunnel.Status { return w.board.Now() }

// Close closes the tunnel.
func (w *Watched) Close() error {
	w.cancel()
	err := w.inner.Close()
	<-w.done
	return err
}

// Probe probes immediately, or joins a probe that is under way, and returns the round trip. The status changes with the result. It
// fails with [ErrNoURL], [ErrEnded], an [Error], or that of ctx.
func (w *Watched) Probe(ctx context.Context) (time.Duration, error) {
	reply := make(chan outcome, 1)
	select {
	case w.asks <- reply:
	case <-w.done:
		return 0, ErrEnded
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case r := <-reply:
		return r.rtt, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// watch is the state of run's goroutine.
type watch struct {
	*Watched
	// driver is the driver's latest status.
	driver tunnel.Status
	// last is the latest result for driver.URL; known is false before there is one.
	last  outcome
	known bool
	// results yields the outcome of the running probe, nil if there is none; stop cancels it.
	results chan outcome
	stop    context.CancelFunc
	waiting []chan<- outcome
	timer   clockwork.Timer
	wait    time.Duration
	// accepted is the public URL that was last probed. held is a status with a newer one, which is accepted when calm fires.
	accepted string
	pace     *rate.Limiter
	held     *tunnel.Status
	calm     clockwork.Timer
}

func (s *watch) run() {
	defer close(s.done)
	asleep := make(chan struct{})
	s.opt.Crash.Go("tunnel wake", func() {
		defer close(asleep)
		s.opt.Wake.Watch(s.ctx, func(time.Duration) {
			select {
			case s.woke <- struct{}{}:
			default:
			}
		})
	})
	defer func() { s.cancel(); <-asleep }()
	defer s.timer.Stop()
	defer s.calm.Stop()
	for {
		select {
		case now, open := <-s.inner.Status():
			if !open {
				s.end()
				return
			}
			s.update(now)
		case <-s.calm.Chan():
			if s.held != nil {
				s.update(*s.held)
			}
		case r := <-s.results:
			s.result(r)
		case <-s.timer.Chan():
			s.begin()
		case <-s.woke:
			s.begin()
		case reply := <-s.asks:
			if !s.probes() {
				reply <- outcome{err: ErrNoURL}
				continue
			}
			s.waiting = append(s.waiting, reply)
			s.begin()
		}
		s.show()
	}
}

// probes reports whether there is something to probe.
func (s *watch) probes() bool { return s.driver.State == tunnel.Live && s.driver.URL != "" }

// update applies a status of the driver, and starts a probe if it has changed.
func (s *watch) update(now tunnel.Status) {
	now = s.steady(now)
	was, before := s.driver, s.probes()
	s.driver = now
	if was.URL == now.URL && before == s.probes() {
		if was.Spool > 0 && now.Spool == 0 && s.late() {
			s.begin() // nothing is before it any more
		}
		return
	}
	s.abandon()
	s.known, s.wait = false, 0
	if s.probes() {
		s.begin()
	} else {
		s.answer(outcome{err: ErrNoURL})
	}
}

// steady returns the status to use. A status with a new public URL is held back if the URL has changed too often.
func (s *watch) steady(now tunnel.Status) tunnel.Status {
	s.held = nil
	s.calm.Stop()
	if now.URL == "" || now.URL == s.accepted {
		return now
	}
	at := s.opt.Clock.Now()
	if r := s.pace.ReserveN(at, 1); r.DelayFrom(at) > 0 {
		wait := r.DelayFrom(at)
		r.CancelAt(at)
		s.calm.Reset(wait)
		s.held = new(now)
		now.State, now.Reason, now.URL, now.RTT = tunnel.Degraded, unsteady, "", 0
		return now
	}
	s.accepted = now.URL
	return now
}

// refuter is a tunnel that may have found a wrong URL, and can look for another one.
type refuter interface{ Refuted(url string) }

// begin starts a probe, unless one is under way.
func (s *watch) begin() {
	s.timer.Stop()
	if s.results != nil || !s.probes() {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	results, url, stored := make(chan outcome, 1), s.driver.URL, s.driver.StoreAndForward
	s.results, s.stop = results, cancel
	s.opt.Crash.Go("probe", func() {
		defer cancel()
		r := outcome{url: url, err: errPanic}
		defer func() { results <- r }()
		r.rtt, r.err = s.opt.Prober.Probe(ctx, url, stored)
	})
}

// abandon stops the running probe and waits for its end. Its callers then wait for the next one.
func (s *watch) abandon() {
	s.timer.Stop()
	if s.results == nil {
		return
	}
	s.stop()
	<-s.results
	s.results = nil
}

// result handles a probe's outcome and schedules the next probe.
func (s *watch) result(r outcome) {
	s.results = nil
	if s.ctx.Err() != nil {
		return // cut off by Close
	}
	news := !s.known || s.last.err == nil || r.err == nil || s.last.err.Error() != r.err.Error()
	s.last, s.known = r, true
	if r.err == nil {
		s.wait = 0
		s.timer.Reset(Every)
		s.opt.Log.Debug("the tunnel's probe passed", "host", hostOf(r.url), "rtt", r.rtt)
	} else {
		s.wait = next(s.wait)
		s.timer.Reset(s.wait)
		if news {
			s.opt.Log.Warn("the tunnel's probe failed", "host", hostOf(r.url), "err", r.err)
		}
		if t, ok := s.inner.(refuter); ok {
			t.Refuted(r.url)
		}
	}
	s.answer(r)
}

// hostOf returns the part of a public URL that may be logged: anyone who knows all of it can post there.
func hostOf(public string) string {
	u, err := url.Parse(public)
	if err != nil {
		return ""
	}
	return u.Host
}

func next(wait time.Duration) time.Duration {
	if wait <= 0 {
		return againFirst
	}
	return min(2*wait, againMost)
}

func (s *watch) answer(r outcome) {
	for _, reply := range s.waiting {
		reply <- r
	}
	s.waiting = nil
}

// late reports whether the last probe was accepted but did not arrive in time: it may wait behind other requests at the far end.
func (s *watch) late() bool {
	var e *Error
	return s.known && errors.As(s.last.err, &e) && e.Kind == Late
}

// show posts the driver's status, changed by the probes' results.
func (s *watch) show() {
	s.board.Update(func(b *tunnel.Status) {
		*b = s.driver
		switch {
		case !s.probes():
		case !s.known:
			b.State, b.Reason = tunnel.Connecting, checking
		case s.late() && b.Spool > 0:
			b.State, b.Reason = tunnel.Connecting, "catching up: waiting requests are delivered before the public URL is checked"
		case s.last.err != nil:
			b.State, b.Reason = tunnel.Degraded, s.last.err.Error()
		case b.RTT == 0:
			b.RTT = s.last.rtt
		}
	})
}

func (s *watch) end() {
	s.abandon()
	s.answer(outcome{err: ErrEnded})
	if s.driver.State != tunnel.Closed {
		s.driver.Reason = "the tunnel has ended"
	}
	s.show()
	s.board.Close(s.driver.Reason)
}

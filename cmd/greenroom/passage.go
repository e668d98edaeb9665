package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/web"
	"greenroom/tunnel"
	"greenroom/tunnel/probe"
)

// A passage tells the owner of the store how it does every reportEvery, and is believed for reportFor.
const (
	reportEvery = 5 * time.Second
	reportFor   = 3 * reportEvery
	// openTime bounds the opening of a tunnel; what the network takes longer for shows in its status.
	openTime = 30 * time.Second
	// farewellTime bounds taking the last report back.
	farewellTime = 500 * time.Millisecond
)

// passage is this process's tunnel, if it has one. It is opened whenever the process listens: what the tunnel brings is
// handed to the owner of the store, which may be this process or another, and so is how the tunnel does.
type passage struct {
	cfg    *config.Config
	driver func() (tunnel.Driver, error)
	// broken is what is wrong with the settings already.
	broken error
	prober *probe.Prober
	log    *slog.Logger
	crash  *crash.Group
	clock  clockwork.Clock
	// told is called with each status, one after the other; it may be nil.
	told func(app.TunnelStatus)

	router web.Router
	source string

	mu      sync.Mutex
	backend app.Backend // set once it is opened
	now     tunnel.Status
	closed  bool
	end     context.CancelFunc
	done    chan struct{}
}

func newPassage(c *config.Config, p *program, log *slog.Logger, group *crash.Group) *passage {
	authorities, err := tunnelTLS(c.Tunnel)
	settings := c.Tunnel
	settings.Secrets = c.SecretVariables()
	s := &passage{
		cfg: c, driver: func() (tunnel.Driver, error) { return p.tunnels(settings, p.version) }, broken: err, prober: probe.New(probe.Options{TLS: authorities}), log: log, crash: group,
		clock: clockwork.NewRealClock(), source: rand.Text(), router: routerOf(c),
	}
	s.router.Probe, s.router.Ignore = s.prober.Arrived, probe.Is
	return s
}

// open opens the configured tunnel in the background, unless there is none or it is open already. The result yields once:
// what is wrong with the settings, which is told as the tunnel's status too, or nil.
func (p *passage) open(b app.Backend, l *web.Listener) <-chan error {
	opened := make(chan error, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.backend != nil || p.cfg.Tunnel.Driver == config.NoTunnel {
		opened <- nil
		return opened
	}
	p.now = tunnel.Status{Driver: p.cfg.Tunnel.Driver, State: tunnel.Connecting}
	p.backend, p.done = b, make(chan struct{})
	var life context.Context
	life, p.end = context.WithCancel(context.Background())
	p.crash.Go("tunnel", func() {
		defer close(p.done)
		var t *probe.Watched
		d, err := p.settled()
		if err == nil {
			p.change(func(s *tunnel.Status) { s.StoreAndForward = d.StoresAndForwards() })
			p.tell(life, b)
			t, err = p.dial(life, b, l, d)
		}
		if life.Err() != nil {
			err = nil // it was closed meanwhile
		}
		if err != nil {
			p.change(func(s *tunnel.Status) { s.State, s.Reason = tunnel.Closed, err.Error() })
		}
		opened <- err
		p.run(life, b, t)
	})
	return opened
}

// attempt is open for those who go on without: what is wrong is logged, and told by the status.
func (p *passage) attempt(b app.Backend, l *web.Listener) {
	opened := p.open(b, l)
	p.crash.Go("tunnel to come", func() {
		if err := <-opened; err != nil {
			p.log.Warn("there is no tunnel", "err", err)
		}
	})
}

func (p *passage) change(f func(*tunnel.Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.now)
}

// settled gives the driver, or what is wrong with the settings.
func (p *passage) settled() (tunnel.Driver, error) {
	if p.broken != nil {
		return nil, p.broken
	}
	return p.driver()
}

func (p *passage) dial(ctx context.Context, b app.Backend, l *web.Listener, d tunnel.Driver) (*probe.Watched, error) {
	device, err := p.device(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("open the %s tunnel: %w", d.Name(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	local := tunnel.Local{
		Receive: func(ctx context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
			return p.receive(ctx, b, batch)
		},
		Positions: func(ctx context.Context) ([]tunnel.Position, error) {
			s, err := b.TunnelState(ctx, app.TunnelQuery{})
			out := make([]tunnel.Position, 0, len(s.Positions))
			for _, at := range s.Positions {
				out = append(out, tunnel.Position(at))
			}
			return out, err
		},
		Device: device, Log: p.log, Crash: p.crash,
	}
	if l != nil {
		local.Addr = l.Addr()
	}
	t, err := d.Open(ctx, local)
	if err != nil {
		return nil, &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("open the %s tunnel: %v", d.Name(), err), Err: err}
	}
	return probe.Watch(t, probe.WatchOptions{Prober: p.prober, Clock: p.clock, Log: p.log, Crash: p.crash}), nil
}

// device asks for the store's name until it is told: an owner that is just leaving, or a disk that is full, is no reason to
// go without a tunnel until the program ends.
func (p *passage) device(ctx context.Context, b app.Backend) (string, error) {
	var pause tunnel.Backoff
	for {
		asking, cancel := context.WithTimeout(ctx, openTime)
		state, err := b.TunnelState(asking, app.TunnelQuery{})
		cancel()
		if err == nil {
			return state.Device, nil
		}
		p.change(func(s *tunnel.Status) {
			s.State, s.Reason = tunnel.Degraded, "the store can't be asked for its name: "+err.Error()
		})
		p.tell(ctx, b)
		timer := p.clock.NewTimer(pause.Next(p.clock.Now()))
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return "", ctx.Err()
		}
	}
}

// receive hands requests that were stored elsewhere to the owner of the store.
func (p *passage) receive(ctx context.Context, b app.Backend, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
	requests := make([]app.Inbound, 0, len(batch))
	for _, e := range batch {
		in := p.router.Relayed(app.Inbound{
			Method: e.Method, Target: e.Target, Header: e.Header, Body: e.Body, ReceivedAt: e.ReceivedAt, Missing: e.Missing,
			Position: &app.Position{Hook: e.Hook, Epoch: e.Epoch, Seq: e.Seq},
		})
		switch {
		case in.Refused == nil:
		case probe.Is(e.Target): // one that came after its sender stopped waiting is no webhook either
			in.Header, in.Body, in.Reason = nil, nil, ""
		default:
			p.log.Warn("a request that came through the tunnel is for no account; it is kept as rejected",
				"method", e.Method, "path", pathOf(e.Target), "status", in.Refused.Status, "reason", in.Reason)
		}
		requests = append(requests, in)
	}
	answers, err := b.IngestBatch(ctx, app.Batch{Requests: requests})
	if err != nil {
		return nil, err
	}
	out := make([]tunnel.Answer, 0, len(answers))
	for _, a := range answers {
		out = append(out, tunnel.Answer{
			Stored: a.Stored, Status: a.Status, RetryAfter: time.Duration(a.RetryAfter) * time.Second, Text: a.Text,
		})
	}
	return out, nil
}

// pathOf is what a log tells of a request that is nobody's: a query may hold secrets, and strangers write long ones.
func pathOf(target string) string {
	const most = 200
	path, _, _ := strings.Cut(target, "?")
	return path[:min(len(path), most)]
}

// run follows the tunnel's status, tells it, and probes when asked to, until ctx ends; then it closes the tunnel. t is nil
// where opening failed.
func (p *passage) run(ctx context.Context, b app.Backend, t *probe.Watched) {
	var statuses <-chan tunnel.Status
	if t != nil {
		statuses = t.Status()
		defer func() {
			if err := t.Close(); err != nil {
				p.log.Warn("the tunnel did not close well", "err", err)
			}
		}()
	}
	asked := p.asked(ctx, b)
	renew := p.clock.NewTicker(reportEvery)
	defer renew.Stop()
	probed := make(chan app.TunnelProbed)
	p.tell(ctx, b)
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-statuses:
			if !ok {
				statuses = nil
				continue
			}
			p.change(func(now *tunnel.Status) { *now = s })
			p.tell(ctx, b)
		case <-renew.Chan():
			p.report(ctx, b, nil)
		case id := <-asked:
			p.crash.Go("tunnel probe", func() { p.probe(ctx, t, id, probed) })
		case out := <-probed:
			p.report(ctx, b, &out)
		}
	}
}

// asked yields the probes that somebody wants.
func (p *passage) asked(ctx context.Context, b app.Backend) <-chan uint64 {
	out := make(chan uint64)
	p.crash.Go("tunnel probes", func() {
		changes, err := b.Subscribe(ctx)
		if err != nil {
			p.log.Warn("the tunnel can't be probed on demand", "err", err)
			return
		}
		for c := range changes {
			if c.Kind != app.ProbeChange {
				continue
			}
			select {
			case out <- c.Probe:
			case <-ctx.Done():
			}
		}
	})
	return out
}

// probe sends a request through the tunnel and tells the outcome.
func (p *passage) probe(ctx context.Context, t *probe.Watched, id uint64, to chan<- app.TunnelProbed) {
	err := probe.ErrNoURL
	var rtt time.Duration
	if t != nil {
		rtt, err = t.Probe(ctx)
	}
	p.mu.Lock()
	s := p.now
	p.mu.Unlock()
	out := app.TunnelProbed{ID: id, Driver: s.Driver, URL: s.URL, OK: err == nil, RTTMs: milliseconds(rtt)}
	switch {
	case errors.Is(err, probe.ErrNoURL) && s.Reason != "":
		out.Reason = s.Reason
	case err != nil:
		out.Reason = err.Error()
	}
	select {
	case to <- out:
	case <-ctx.Done():
	}
}

// tell passes a new status on.
func (p *passage) tell(ctx context.Context, b app.Backend) {
	if p.told != nil {
		p.told(p.status())
	}
	p.report(ctx, b, nil)
}

func (p *passage) report(ctx context.Context, b app.Backend, probed *app.TunnelProbed) {
	r := app.TunnelReport{Source: p.source, Status: p.status(), Lease: reportFor, Probed: probed}
	if _, err := b.ReportTunnel(ctx, r); err != nil && ctx.Err() == nil {
		p.log.Warn("how the tunnel does could not be told to the owner of the store", "err", err)
	}
}

// status is how the tunnel does, with the URL of each account.
func (p *passage) status() app.TunnelStatus {
	p.mu.Lock()
	s := p.now
	p.mu.Unlock()
	out := app.TunnelStatus{
		Driver: s.Driver, State: string(s.State), URL: s.URL, Hooks: map[string]string{}, RTTMs: milliseconds(s.RTT),
		Spool: s.Spool, Gap: s.Gap, StoreAndForward: s.StoreAndForward, Reason: s.Reason,
	}
	if !s.RetryAt.IsZero() {
		out.RetryAt = app.At(s.RetryAt)
	}
	p.hooks(out.Hooks, s.URL)
	for _, m := range s.More {
		address := app.TunnelAddress{Name: m.Name, URL: m.URL, Hooks: map[string]string{}}
		p.hooks(address.Hooks, m.URL)
		out.More = append(out.More, address)
	}
	return out
}

// hooks adds the URL of each account below a public one.
func (p *passage) hooks(to map[string]string, base string) {
	if base == "" {
		return
	}
	for _, a := range p.cfg.Accounts {
		to[a.Name] = base + "/hooks/" + a.Name
	}
}

// hosts are the names under which the tunnel reaches the listener.
func (p *passage) hosts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, err := url.Parse(p.now.URL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Host}
}

// close ends the tunnel and takes its last report back. Nothing comes through it any more when it returns.
func (p *passage) close() {
	p.mu.Lock()
	b, closed := p.backend, p.closed
	p.closed = true
	p.mu.Unlock()
	if b == nil || closed {
		return
	}
	p.end()
	<-p.done
	ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
	defer cancel()
	if _, err := b.ReportTunnel(ctx, app.TunnelReport{Source: p.source, Status: p.status()}); err != nil {
		p.log.Debug("the last report of the tunnel was not taken back", "err", err)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package inlet

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/cursor"
	"greenroom/internal/web"
	"greenroom/tunnel"
	"greenroom/tunnel/probe"
)

const (
	// openTime bounds the opening of a tunnel. A slower network shows in its status.
	openTime = 30 * time.Second
	// The owner of the store gets a report every reportEvery, and drops one that is older than reportLease.
	reportEvery = 5 * time.Second
	reportLease = 3 * reportEvery
	// withdrawTime bounds the withdrawal of the last report.
	withdrawTime = 500 * time.Millisecond
)

// TunnelOptions configure a [Tunnel].
type TunnelOptions struct {
	// Name is the driver's configured name, which the status has until the driver sets it.
	Name string
	// Driver makes the driver, or returns what is wrong with the settings. Nil means that no tunnel is configured.
	Driver func() (tunnel.Driver, error)
	// Router finds the accounts of requests. NewTunnel adds the probes to it.
	Router web.Router
	// Hooks are the accounts whose URLs the status lists.
	Hooks []string
	// Prober sends the requests that prove that the tunnel is live.
	Prober *probe.Prober
	// OnStatus is called with each status, never concurrently; it may be nil.
	OnStatus func(app.TunnelStatus)
	Log      *slog.Logger
	Crash    *crash.Group
	// Clock is the real one if nil.
	Clock clockwork.Clock
}

// Tunnel is this process's tunnel. Its requests, its status and the outcome of probes go to the owner of the store, which may be this
// process or another one.
type Tunnel struct {
	opt     TunnelOptions
	source  string
	catches *catches

	mu      sync.Mutex
	backend app.Backend // nil until the tunnel is opened
	now     tunnel.Status
	// header is the header with the sender's address, or "".
	header string
	closed bool
	end    context.CancelFunc
	done   chan struct{}
}

// NewTunnel returns a Tunnel that is not open yet.
func NewTunnel(o TunnelOptions) *Tunnel {
	o.Clock, o.Log = cmp.Or(o.Clock, clockwork.NewRealClock()), cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Prober == nil {
		o.Prober = probe.New(probe.Options{})
	}
	o.Router.Probe, o.Router.Ignore = o.Prober.Arrived, probe.Is
	return &Tunnel{opt: o, source: rand.Text(), catches: newCatches()}
}

// Open opens the tunnel in the background, unless none is configured or it is already open. The channel yields once: nil, or why the
// tunnel can't be opened, which the status shows too. l is nil if there is no listener.
func (t *Tunnel) Open(b app.Backend, l *web.Listener) <-chan error {
	opened := make(chan error, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.backend != nil || t.opt.Driver == nil {
		opened <- nil
		return opened
	}
	t.now = tunnel.Status{Driver: t.opt.Name, State: tunnel.Connecting}
	t.backend, t.done = b, make(chan struct{})
	var life context.Context
	life, t.end = context.WithCancel(context.Background())
	t.opt.Crash.Go("tunnel", func() {
		defer close(t.done)
		var w *probe.Watched
		d, err := t.opt.Driver()
		if err == nil {
			t.change(func(s *tunnel.Status) { s.StoreAndForward = d.StoresAndForwards() })
			t.publish(life, b)
			w, err = t.dial(life, b, l, d)
		}
		if life.Err() != nil {
			err = nil // closed meanwhile
		}
		if err != nil {
			t.change(func(s *tunnel.Status) { s.State, s.Reason = tunnel.Closed, err.Error() })
		}
		opened <- err
		t.run(life, b, w)
	})
	return opened
}

// tryOpen is like Open, but failure is not fatal: it is logged.
func (t *Tunnel) tryOpen(b app.Backend, l *web.Listener) {
	opened := t.Open(b, l)
	t.opt.Crash.Go("tunnel to come", func() {
		if err := <-opened; err != nil {
			t.opt.Log.Warn("there is no tunnel", "err", err)
		}
	})
}

func (t *Tunnel) dial(ctx context.Context, b app.Backend, l *web.Listener, d tunnel.Driver) (*probe.Watched, error) {
	device, err := t.device(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("open the %s tunnel: %w", d.Name(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	local := tunnel.Local{
		Receive: func(ctx context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
			return t.receive(ctx, b, batch)
		},
		Positions: func(ctx context.Context) ([]cursor.Position, error) {
			s, err := b.TunnelState(ctx, app.TunnelQuery{})
			return s.Positions, err
		},
		Device: device, Log: t.opt.Log, Crash: t.opt.Crash,
	}
	if l != nil {
		local.Addr = l.Addr()
	}
	if s, ok := d.(tunnel.SenderHeader); ok {
		t.mu.Lock()
		t.header = s.SenderHeader()
		t.mu.Unlock()
	}
	opened, err := d.Open(ctx, local)
	if err != nil {
		return nil, &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("open the %s tunnel: %v", d.Name(), err), Err: err}
	}
	return probe.Watch(opened, probe.WatchOptions{Prober: t.opt.Prober, Clock: t.opt.Clock, Log: t.opt.Log, Crash: t.opt.Crash}), nil
}

// device returns the store's name. It retries until ctx ends: an owner that is shutting down, or a full disk, must not leave
// the program without a tunnel.
func (t *Tunnel) device(ctx context.Context, b app.Backend) (string, error) {
	var pause tunnel.Backoff
	for {
		asking, cancel := context.WithTimeout(ctx, openTime)
		state, err := b.TunnelState(asking, app.TunnelQuery{})
		cancel()
		if err == nil {
			return state.Device, nil
		}
		t.change(func(s *tunnel.Status) {
			s.State, s.Reason = tunnel.Degraded, "can't read the store's name: "+err.Error()
		})
		t.publish(ctx, b)
		timer := t.opt.Clock.NewTimer(pause.Next(t.opt.Clock.Now()))
		select {
		case <-timer.Chan():
		case <-ctx.Done():
			timer.Stop()
			return "", ctx.Err()
		}
	}
}

// run publishes the tunnel's status and runs probes on request until ctx ends. Then it closes the tunnel. w is nil if opening
// failed.
func (t *Tunnel) run(ctx context.Context, b app.Backend, w *probe.Watched) {
	var statuses <-chan tunnel.Status
	if w != nil {
		statuses = w.Status()
		defer func() {
			if err := w.Close(); err != nil {
				t.opt.Log.Warn("could not close the tunnel", "err", err)
			}
		}()
	}
	requests := t.probeRequests(ctx, b)
	renew := t.opt.Clock.NewTicker(reportEvery)
	defer renew.Stop()
	probed := make(chan app.TunnelProbed)
	t.publish(ctx, b)
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-statuses:
			if !ok {
				statuses = nil
				continue
			}
			t.change(func(now *tunnel.Status) { *now = s })
			t.publish(ctx, b)
		case <-renew.Chan():
			t.report(ctx, b, nil)
		case id := <-requests:
			t.opt.Crash.Go("tunnel probe", func() { t.probe(ctx, w, id, probed) })
		case out := <-probed:
			t.report(ctx, b, &out)
		}
	}
}

// hosts returns the host names under which the tunnel reaches the listener.
func (t *Tunnel) hosts() []string {
	u, err := url.Parse(t.current().URL)
	if err != nil || u.Host == "" {
		return nil
	}
	return []string{u.Host}
}

// senderHeader returns the header in which the tunnel's far end writes the sender's address, or "".
func (t *Tunnel) senderHeader() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.header
}

// Close closes the tunnel and withdraws its last report. After it returns nothing arrives through the tunnel.
func (t *Tunnel) Close() {
	t.mu.Lock()
	b, closed := t.backend, t.closed
	t.closed = true
	t.mu.Unlock()
	if b == nil || closed {
		return
	}
	t.end()
	<-t.done
	ctx, cancel := context.WithTimeout(context.Background(), withdrawTime)
	defer cancel()
	if _, err := b.ReportTunnel(ctx, app.TunnelReport{Source: t.source, Status: t.status()}); err != nil {
		t.opt.Log.Debug("could not withdraw the tunnel's last report", "err", err)
	}
}

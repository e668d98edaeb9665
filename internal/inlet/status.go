package inlet

import (
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/tunnel"
	"greenroom/tunnel/probe"
)

func (t *Tunnel) change(f func(*tunnel.Status)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.now)
}

func (t *Tunnel) current() tunnel.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// publish passes a new status to OnStatus and to the owner of the store.
func (t *Tunnel) publish(ctx context.Context, b app.Backend) {
	if t.opt.OnStatus != nil {
		t.opt.OnStatus(t.status())
	}
	t.report(ctx, b, nil)
}

func (t *Tunnel) report(ctx context.Context, b app.Backend, probed *app.TunnelProbed) {
	r := app.TunnelReport{Source: t.source, Status: t.status(), Lease: reportLease, Probed: probed}
	if _, err := b.ReportTunnel(ctx, r); err != nil && ctx.Err() == nil {
		t.opt.Log.Warn("could not report the tunnel's status to the owner of the store", "err", err)
	}
}

// status returns the tunnel's status with the URL of each account.
func (t *Tunnel) status() app.TunnelStatus {
	s := t.current()
	out := app.TunnelStatus{
		Driver: s.Driver, State: string(s.State), URL: s.URL, Hooks: t.hooks(s.URL), RTTMs: milliseconds(s.RTT),
		Spool: s.Spool, Gap: s.Gap, StoreAndForward: s.StoreAndForward, Reason: s.Reason,
	}
	if !s.RetryAt.IsZero() {
		out.RetryAt = app.At(s.RetryAt)
	}
	for _, m := range s.More {
		out.More = append(out.More, app.TunnelAddress{Name: m.Name, URL: m.URL, Hooks: t.hooks(m.URL)})
	}
	return out
}

// hooks returns the URL of each account below a public one.
func (t *Tunnel) hooks(base string) map[string]string {
	out := map[string]string{}
	if base == "" {
		return out
	}
	for _, account := range t.opt.Hooks {
		out[account] = base + "/hooks/" + account
	}
	return out
}

// probeRequests yields the ids of the probes that the owner of the store asks for.
func (t *Tunnel) probeRequests(ctx context.Context, b app.Backend) <-chan uint64 {
	out := make(chan uint64)
	t.opt.Crash.Go("tunnel probes", func() {
		changes, err := b.Subscribe(ctx)
		if err != nil {
			t.opt.Log.Warn("the tunnel can't be probed on request", "err", err)
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

// probe sends a request through the tunnel and passes on the outcome.
func (t *Tunnel) probe(ctx context.Context, w *probe.Watched, id uint64, to chan<- app.TunnelProbed) {
	err := probe.ErrNoURL
	var rtt time.Duration
	if w != nil {
		rtt, err = w.Probe(ctx)
	}
	s := t.current()
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

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

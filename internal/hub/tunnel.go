package hub

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
)

// maxLease bounds how long a report of a tunnel is valid without being renewed.
const maxLease = time.Minute

// probeTime is how long the process with an open tunnel may take to report the outcome of a probe.
const probeTime = 20 * time.Second

// tunnels holds the reports of the processes that have a tunnel open.
type tunnels struct {
	mu      sync.Mutex
	reports map[string]*tunnelReport
	probes  map[uint64]tunnelProbe
	probed  uint64

	changing sync.Mutex
	// live is the tunnel that registrations last acted on; changing guards it.
	live liveTunnel
}

// liveTunnel is the part of the tunnel's status on which registrations depend.
type liveTunnel struct {
	live, patient bool
	hooks         map[string]string
}

type tunnelReport struct {
	app.TunnelStatus
	since   time.Time
	expires clockwork.Timer
}

// tunnelProbe is a caller that waits for the outcome of a probe.
type tunnelProbe struct {
	source string
	out    chan app.TunnelProbed
}

// Hints of how to open a tunnel, and how to listen.
const (
	openTunnelHint = "open the screen, or run greenroom listen"
	listenHint     = "run greenroom listen, or open the screen"
)

// noDriver is the driver without a tunnel.
const noDriver = "none"

// noTunnel returns the status while no process has a tunnel open.
func noTunnel(configured string) app.TunnelStatus {
	s := app.TunnelStatus{
		Driver: noDriver, State: "closed", Hooks: map[string]string{},
		Reason: "no tunnel: only programs on this machine can reach the listener",
	}
	if configured != "" && configured != s.Driver {
		s.Driver, s.Reason = configured, "no program has it open: "+openTunnelHint
	}
	return s
}

// tunnelStatus returns the status of the tunnel to show and the source of its report, which is empty if there is none.
func (h *Hub) tunnelStatus() (source string, s app.TunnelStatus) {
	source, s = h.tunnels.status()
	if source == "" {
		s = noTunnel(h.opt.Tunnel)
	}
	return source, s
}

// ReportTunnel stores a tunnel's status; see [app.Backend].
func (h *Hub) ReportTunnel(ctx context.Context, r app.TunnelReport) (app.TunnelReported, error) {
	if r.Source == "" {
		return app.TunnelReported{}, app.Errorf(provider.Invalid, "", "a report of a tunnel without its source")
	}
	if r.Listener != nil {
		h.reportListener(r.Source, *r.Listener, r.Lease)
		return app.TunnelReported{}, ctx.Err()
	}
	if r.Status.Hooks == nil {
		r.Status.Hooks = map[string]string{}
	}
	t := &h.tunnels
	t.mu.Lock()
	was, changed, began := t.reports[r.Source], true, true
	if was != nil {
		was.expires.Stop()
		changed = r.Lease <= 0 || !sameTunnel(was.TunnelStatus, r.Status)
		began = was.State != r.Status.State || was.URL != r.Status.URL
		delete(t.reports, r.Source)
	}
	if r.Lease > 0 {
		if t.reports == nil {
			t.reports = make(map[string]*tunnelReport)
		}
		now := &tunnelReport{TunnelStatus: r.Status, since: h.clock.Now()}
		if !began {
			now.since = was.since
		}
		now.expires = h.clock.AfterFunc(min(r.Lease, maxLease), func() {
			defer h.crash.Recover("end of a tunnel's lease")
			h.forgetTunnel(r.Source, now)
		})
		t.reports[r.Source] = now
	}
	if p := r.Probed; p != nil {
		if waits, ok := t.probes[p.ID]; ok && waits.source == r.Source {
			delete(t.probes, p.ID)
			waits.out <- *p
		}
	}
	t.mu.Unlock()
	if changed {
		h.tunnelChanged()
	}
	return app.TunnelReported{}, ctx.Err()
}

// tunnelChanged publishes the status. If the tunnel has become live or has another URL, it causes webhooks to be registered and
// missed events to be read.
func (h *Hub) tunnelChanged() {
	h.tunnels.changing.Lock() // so that live is the latest status
	_, s := h.tunnelStatus()
	was, now := h.tunnels.live, liveTunnel{live: s.State == "live", patient: !s.StoreAndForward, hooks: s.Hooks}
	h.tunnels.live = now
	h.tunnels.changing.Unlock()
	if now.live && (!was.live || now.patient != was.patient || !maps.Equal(now.hooks, was.hooks)) {
		for _, a := range h.order {
			a.hook.Wake()
		}
		h.readAgain()
	}
	h.bus.publish([]app.Change{{Kind: app.StatusChange}})
}

func (h *Hub) forgetTunnel(source string, r *tunnelReport) {
	t := &h.tunnels
	t.mu.Lock()
	mine := t.reports[source] == r
	if mine {
		delete(t.reports, source)
	}
	t.mu.Unlock()
	if mine {
		h.tunnelChanged()
	}
}

func sameTunnel(a, b app.TunnelStatus) bool {
	return maps.Equal(a.Hooks, b.Hooks) && a.Driver == b.Driver && a.State == b.State && a.URL == b.URL && a.RTTMs == b.RTTMs &&
		a.Spool == b.Spool && a.Gap == b.Gap && a.StoreAndForward == b.StoreAndForward && a.Reason == b.Reason
}

// status returns that of the best tunnel: a live one, and of several the latest to reach its state. The source is empty if there is
// none.
func (t *tunnels) status() (source string, out app.TunnelStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var best *tunnelReport
	for name, r := range t.reports {
		if best == nil || better(r, best) {
			source, best = name, r
		}
	}
	if best == nil {
		return "", app.TunnelStatus{}
	}
	out = best.TunnelStatus
	out.Hooks = maps.Clone(out.Hooks)
	return source, out
}

func better(a, b *tunnelReport) bool {
	if live := a.State == "live"; live != (b.State == "live") {
		return live
	}
	return a.since.After(b.since)
}

// stop removes all reports, so that no timer outlives the hub.
func (t *tunnels) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.reports {
		r.expires.Stop()
	}
	t.reports = nil
}

// ProbeTunnel asks the process with an open tunnel to probe it; see [app.Backend].
func (h *Hub) ProbeTunnel(ctx context.Context, _ app.TunnelProbe) (app.TunnelProbed, error) {
	source, status := h.tunnelStatus()
	if source == "" {
		e := &app.Error{Kind: app.NotConfigured, Text: "no tunnel is open", Hint: openTunnelHint}
		if status.Driver == noDriver {
			e.Hint = "set one in [tunnel] of the configuration, or run greenroom listen --tunnel DRIVER"
		}
		return app.TunnelProbed{}, e
	}
	t := &h.tunnels
	wait := tunnelProbe{source: source, out: make(chan app.TunnelProbed, 1)}
	t.mu.Lock()
	if t.probes == nil {
		t.probes = make(map[uint64]tunnelProbe)
	}
	t.probed++
	id := t.probed
	t.probes[id] = wait
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.probes, id)
		t.mu.Unlock()
	}()
	late := h.clock.NewTimer(probeTime)
	defer late.Stop()
	h.bus.publish([]app.Change{{Kind: app.ProbeChange, Probe: id}})
	select {
	case out := <-wait.out:
		return out, nil
	case <-ctx.Done():
		return app.TunnelProbed{}, ctx.Err()
	case <-h.ctx.Done():
		return app.TunnelProbed{}, app.Errorf(provider.Unavailable, "", "Greenroom is closing")
	case <-late.Chan():
		return app.TunnelProbed{}, app.Errorf(provider.Unavailable, "look at its log",
			"the process that has the tunnel open (%s) reported no result", status.Driver)
	}
}

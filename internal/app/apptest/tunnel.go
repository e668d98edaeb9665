package apptest

import (
	"context"
	"maps"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
)

// IngestBatch keeps the requests whose positions were not reached before.
func (m *Memory) IngestBatch(ctx context.Context, b app.Batch) ([]app.Answer, error) {
	out := make([]app.Answer, 0, len(b.Requests))
	for _, in := range b.Requests {
		a, err := m.Ingest(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// passed reports whether a position was reached before, and moves it forward otherwise. m is locked.
func (m *Memory) passed(p *cursor.Position) bool {
	if p == nil {
		return false
	}
	at, ok := m.positions[p.Hook]
	if ok && !at.Before(*p) {
		return true
	}
	if m.positions == nil {
		m.positions = make(map[string]cursor.Position)
	}
	m.positions[p.Hook] = *p
	return false
}

// TunnelState returns the positions.
func (m *Memory) TunnelState(ctx context.Context, _ app.TunnelQuery) (app.TunnelState, error) {
	if err := m.begin(ctx, "TunnelState"); err != nil {
		return app.TunnelState{}, err
	}
	defer m.Unlock()
	return app.TunnelState{Device: "memory", Positions: slices.AppendSeq([]cursor.Position{}, maps.Values(m.positions))}, nil
}

// ReportTunnel shows the reported tunnel in the status until the report is withdrawn. It ignores reports about listeners.
func (m *Memory) ReportTunnel(ctx context.Context, r app.TunnelReport) (app.TunnelReported, error) {
	if r.Listener != nil {
		return app.TunnelReported{}, nil
	}
	m.Lock()
	defer m.Unlock()
	m.tunnel = r.Status
	if r.Lease <= 0 {
		m.tunnel = app.TunnelStatus{Driver: "none", State: "closed"}
	}
	m.publish(app.Change{Kind: app.StatusChange})
	return app.TunnelReported{}, nil
}

// ProbeTunnel has nothing to probe.
func (m *Memory) ProbeTunnel(context.Context, app.TunnelProbe) (app.TunnelProbed, error) {
	return app.TunnelProbed{}, app.Errorf(app.NotConfigured, "", "no tunnel is open")
}

// RegisterWebhook knows no platform.
func (m *Memory) RegisterWebhook(_ context.Context, r app.WebhookRegistration) (app.RegisteredWebhook, error) {
	return app.RegisteredWebhook{}, notFound("account", r.Account)
}

// SignWebhook knows no platform.
func (m *Memory) SignWebhook(_ context.Context, w app.SyntheticWebhook) (app.SignedWebhook, error) {
	return app.SignedWebhook{}, notFound("account", w.Account)
}

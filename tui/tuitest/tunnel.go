package tuitest

import (
	"context"
	"net/http"

	"greenroom/internal/app"
)

// IngestBatch is never called by a screen.
func (b *Backend) IngestBatch(_ context.Context, batch app.Batch) ([]app.Answer, error) {
	b.Lock()
	defer b.Unlock()
	out := make([]app.Answer, len(batch.Requests))
	for i := range out {
		out[i] = app.Answer{Status: http.StatusServiceUnavailable}
	}
	return out, b.enter("IngestBatch")
}

// TunnelState knows no positions.
func (b *Backend) TunnelState(context.Context, app.TunnelQuery) (app.TunnelState, error) {
	b.Lock()
	defer b.Unlock()
	return app.TunnelState{Device: "fake"}, b.enter("TunnelState")
}

// ReportTunnel makes the report the status's tunnel.
func (b *Backend) ReportTunnel(_ context.Context, r app.TunnelReport) (app.TunnelReported, error) {
	b.Lock()
	defer b.Unlock()
	b.Stat.Tunnel = r.Status
	return app.TunnelReported{}, b.enter("ReportTunnel")
}

// ProbeTunnel answers Probed.
func (b *Backend) ProbeTunnel(context.Context, app.TunnelProbe) (app.TunnelProbed, error) {
	b.Lock()
	defer b.Unlock()
	return b.Probed, b.enter("ProbeTunnel")
}

// RegisterWebhook keeps what it was asked for and answers the account's registration.
func (b *Backend) RegisterWebhook(_ context.Context, r app.WebhookRegistration) (app.RegisteredWebhook, error) {
	b.Lock()
	defer b.Unlock()
	if err := b.enter("RegisterWebhook"); err != nil {
		return app.RegisteredWebhook{}, err
	}
	b.Registered = append(b.Registered, r)
	return app.RegisteredWebhook{Account: r.Account, State: app.WebhookRegistered, URL: b.Stat.Tunnel.Hooks[r.Account]}, nil
}

// SignWebhook is never called by a screen.
func (b *Backend) SignWebhook(context.Context, app.SyntheticWebhook) (app.SignedWebhook, error) {
	b.Lock()
	defer b.Unlock()
	return app.SignedWebhook{}, b.enter("SignWebhook")
}

// Forwards lists none.
func (b *Backend) Forwards(context.Context, app.ForwardQuery) ([]app.Forward, error) {
	b.Lock()
	defer b.Unlock()
	return []app.Forward{}, b.enter("Forwards")
}

// SetForward is never called by a screen.
func (b *Backend) SetForward(context.Context, app.ForwardSpec) (app.Forward, error) {
	b.Lock()
	defer b.Unlock()
	return app.Forward{}, b.enter("SetForward")
}

package ipc

import (
	"context"
	"net/http"

	"greenroom/internal/app"
)

// batchBytes is about how much of a batch one call carries. What is larger than that is a single request.
const batchBytes = 4 << 20

// IngestBatch hands over requests, in several calls where they are many bytes. An error may come after some of them were
// stored; handed over again, those are recognised by their positions.
func (c *Client) IngestBatch(ctx context.Context, b app.Batch) ([]app.Answer, error) {
	out := make([]app.Answer, 0, len(b.Requests))
	for rest := b.Requests; len(rest) > 0; {
		n, size := 1, cost(rest[0])
		for ; n < len(rest) && size+cost(rest[n]) <= batchBytes; n++ {
			size += cost(rest[n])
		}
		answers, err := call[[]app.Answer](ctx, c, "IngestBatch", app.Batch{Requests: rest[:n]})
		if err != nil {
			return nil, err
		}
		out, rest = append(out, answers...), rest[n:]
		if len(answers) > 0 && answers[len(answers)-1].Stored {
			continue
		}
		for range rest {
			out = append(out, app.Answer{Status: http.StatusServiceUnavailable, RetryAfter: 1, Text: "try again"})
		}
		break
	}
	return out, nil
}

// cost is about how many bytes a request is in a call.
func cost(in app.Inbound) int {
	n := len(in.Body)*4/3 + len(in.Target) + 256
	for name, values := range in.Header {
		for _, v := range values {
			n += len(name) + len(v) + 8
		}
	}
	return n
}

// TunnelState tells where a tunnel shall go on.
func (c *Client) TunnelState(ctx context.Context, q app.TunnelQuery) (app.TunnelState, error) {
	return call[app.TunnelState](ctx, c, "TunnelState", q)
}

// ReportTunnel tells how a tunnel does.
func (c *Client) ReportTunnel(ctx context.Context, r app.TunnelReport) (app.TunnelReported, error) {
	return call[app.TunnelReported](ctx, c, "ReportTunnel", r)
}

// ProbeTunnel asks for a probe.
func (c *Client) ProbeTunnel(ctx context.Context, p app.TunnelProbe) (app.TunnelProbed, error) {
	return call[app.TunnelProbed](ctx, c, "ProbeTunnel", p)
}

// RegisterWebhook makes or changes an account's webhook.
func (c *Client) RegisterWebhook(ctx context.Context, r app.WebhookRegistration) (app.RegisteredWebhook, error) {
	return call[app.RegisteredWebhook](ctx, c, "RegisterWebhook", r)
}

// SignWebhook makes an invented webhook.
func (c *Client) SignWebhook(ctx context.Context, w app.SyntheticWebhook) (app.SignedWebhook, error) {
	return call[app.SignedWebhook](ctx, c, "SignWebhook", w)
}

// IngestBatch hands over requests that were stored elsewhere first. It is repeated with the next owner: positions make
// that harmless.
func (s *Session) IngestBatch(ctx context.Context, b app.Batch) ([]app.Answer, error) {
	return route(ctx, s, again, b, app.Backend.IngestBatch)
}

// TunnelState tells where a tunnel shall go on.
func (s *Session) TunnelState(ctx context.Context, q app.TunnelQuery) (app.TunnelState, error) {
	return route(ctx, s, again, q, app.Backend.TunnelState)
}

// ReportTunnel tells how a tunnel does.
func (s *Session) ReportTunnel(ctx context.Context, r app.TunnelReport) (app.TunnelReported, error) {
	return route(ctx, s, again, r, app.Backend.ReportTunnel)
}

// ProbeTunnel asks for a probe.
func (s *Session) ProbeTunnel(ctx context.Context, p app.TunnelProbe) (app.TunnelProbed, error) {
	return route(ctx, s, again, p, app.Backend.ProbeTunnel)
}

// RegisterWebhook makes or changes an account's webhook.
func (s *Session) RegisterWebhook(ctx context.Context, r app.WebhookRegistration) (app.RegisteredWebhook, error) {
	return route(ctx, s, once, r, app.Backend.RegisterWebhook)
}

// SignWebhook makes an invented webhook.
func (s *Session) SignWebhook(ctx context.Context, w app.SyntheticWebhook) (app.SignedWebhook, error) {
	return route(ctx, s, again, w, app.Backend.SignWebhook)
}

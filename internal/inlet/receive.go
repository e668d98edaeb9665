package inlet

import (
	"context"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/tunnel"
	"greenroom/tunnel/probe"
)

// receive passes requests that were stored elsewhere to the owner of the store.
func (t *Tunnel) receive(ctx context.Context, b app.Backend, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
	router := t.opt.Router
	router.Catch = t.catches.find(ctx, b)
	requests := make([]app.Inbound, 0, len(batch))
	for _, e := range batch {
		in := router.Relayed(app.Inbound{
			Method: e.Method, Target: e.Target, Header: e.Header, Body: e.Body, ReceivedAt: e.ReceivedAt, Missing: e.Missing,
			Position: &e.Position, Via: t.opt.Name, Remote: e.Remote,
		})
		switch {
		case in.Refused == nil:
		case probe.Is(e.Target): // a probe whose sender stopped waiting is no webhook either
			in.Header, in.Body, in.Reason = nil, nil, ""
		default:
			t.opt.Log.Warn("a request through the tunnel is for an unknown account; it is kept as rejected",
				"method", e.Method, "path", loggedPath(e.Target), "status", in.Refused.Status, "reason", in.Reason)
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
			ContentType: a.ContentType,
		})
	}
	return out, nil
}

// loggedPath returns what is safe to log of an unroutable request: no query (it may hold secrets), at most 200 bytes.
func loggedPath(target string) string {
	const most = 200
	path, _, _ := strings.Cut(target, "?")
	return path[:min(len(path), most)]
}

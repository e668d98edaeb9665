package ipc

import (
	"context"

	"greenroom/internal/app"
)

// Forwards lists the forwards.
func (c *Client) Forwards(ctx context.Context, q app.ForwardQuery) ([]app.Forward, error) {
	return call[[]app.Forward](ctx, c, "Forwards", q)
}

// SetForward makes or changes a forward.
func (c *Client) SetForward(ctx context.Context, f app.ForwardSpec) (app.Forward, error) {
	return call[app.Forward](ctx, c, "SetForward", f)
}

// Forwards lists the forwards.
func (s *Session) Forwards(ctx context.Context, q app.ForwardQuery) ([]app.Forward, error) {
	return route(ctx, s, again, q, app.Backend.Forwards)
}

// SetForward makes or changes a forward. A repetition changes nothing more.
func (s *Session) SetForward(ctx context.Context, f app.ForwardSpec) (app.Forward, error) {
	return route(ctx, s, again, f, app.Backend.SetForward)
}

package ipc

import "context"

// Call makes one call over the socket by its method's name.
func Call[Result any](ctx context.Context, c *Client, method string, request any) (Result, error) {
	return call[Result](ctx, c, method, request)
}

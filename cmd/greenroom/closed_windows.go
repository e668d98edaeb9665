package main

import (
	"context"
	"io"
)

// untilClosed returns a context like ctx: a closed output is noticed with the next line.
func untilClosed(ctx context.Context, _ io.Writer) (until context.Context, end context.CancelFunc) {
	return context.WithCancel(ctx)
}

package tunnel

import (
	"cmp"
	"context"
	"log/slog"

	"greenroom/internal/crash"
)

// Running is an open tunnel that one goroutine runs. Drivers embed it.
type Running struct {
	*Board
	// Log names the driver in each line; it is never nil. Crash may be nil.
	Log   *slog.Logger
	Crash *crash.Group

	cancel context.CancelFunc
	done   chan struct{}
}

// NewRunning returns a tunnel with its first status.
func NewRunning(l Local, first Status) Running {
	log := cmp.Or(l.Log, slog.New(slog.DiscardHandler)).With("tunnel", first.Driver)
	return Running{Board: NewBoard(first), Log: log, Crash: l.Crash, done: make(chan struct{})}
}

// Start runs f in the tunnel's goroutine, with a context that [Running.Close] ends. The tunnel has ended when f returns.
func (r *Running) Start(f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.Crash.Go("tunnel "+r.Now().Driver, func() {
		defer close(r.done)
		defer r.Board.Close("closed")
		f(ctx)
	})
}

// Close ends the tunnel, and waits for its goroutine.
func (r *Running) Close() error {
	r.cancel()
	<-r.done
	return nil
}

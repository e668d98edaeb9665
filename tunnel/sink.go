package tunnel

import (
	"context"
	"errors"
)

// A Sink keeps requests elsewhere than in a relay's own spool, so that any number of relays can stand behind one name.
type Sink interface {
	// Put stores the request in the stream of its Hook, and returns when it is durable there: then its sender is told so.
	// Epoch and Seq are 0; whoever reads the stream numbers it. An error means that it may not be stored, and that its
	// sender had better try again, unless it is ErrTooLarge. Put may be called from many goroutines, and honours ctx.
	Put(ctx context.Context, e Envelope) error
}

// ErrTooLarge is what a Sink returns, wrapped or not, for a request that it will never take.
var ErrTooLarge = errors.New("tunnel: the request is too large")

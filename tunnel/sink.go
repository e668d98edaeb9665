package tunnel

import (
	"context"
	"errors"
)

// A Sink keeps requests elsewhere than in a relay's own spool, so that any number of relays can stand behind one name.
type Sink interface {
	// Put stores the request in the stream of its Hook, and returns when it is durable there. Its sender gets 2xx only then.
	// Epoch and Seq are 0; the reader of the stream numbers it. An error means that it may not be stored, and that its
	// sender should try again, unless it is ErrTooLarge. Put may be called from many goroutines, and honours ctx.
	Put(ctx context.Context, e Envelope) error
}

// ErrTooLarge is returned by a Sink, wrapped or not, for a request that it will never accept.
var ErrTooLarge = errors.New("tunnel: the request is too large")

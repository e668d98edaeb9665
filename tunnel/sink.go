package tunnel

import (
	"context"
	"errors"
)

// A Sink stores requests in place of a relay's spool, so that any number of relays can share a name.
type Sink interface {
	// Put stores a request in the stream of its Hook, and returns when it is durable; only then does the sender get 2xx. Epoch and
	// Seq are 0: the stream's reader sets them. After an error the request may be stored or not, and the sender should try again,
	// unless the error is ErrTooLarge. Put is safe for concurrent use, and honours ctx.
	Put(ctx context.Context, e Envelope) error
}

// ErrTooLarge is wrapped by a Sink's error for a request that it will never accept.
var ErrTooLarge = errors.New("tunnel: the request is too large")

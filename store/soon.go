package store

import (
	"context"
	"time"
)

const (
	// soonWait is how long a write of [Store.UpdateSoon] waits for other writes, while the last ones are not older than soonAfter.
	soonWait  = 2 * time.Millisecond
	soonAfter = 20 * time.Millisecond
)

// UpdateSoon is Update for what must be durable and may wait some milliseconds: while deliveries arrive it shares their commits and causes
// none.
func (s *Store) UpdateSoon(ctx context.Context, f Effect) error {
	return s.enqueue(ctx, s.soon, &write{effect: f, done: make(chan error, 1)})
}

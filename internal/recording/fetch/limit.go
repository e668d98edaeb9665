package fetch

import (
	"context"
	"sync"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"
)

const (
	// readMost is how much is read from a connection at once, and the size of each worker's buffer.
	readMost  = 256 << 10
	readLeast = 512
	// sharesPerSecond is into how many reads a second's worth of a limit is split, so that workers take turns.
	sharesPerSecond = 20
)

// bandwidth is the limit that all workers share. Reads are small under a small limit and are paid for in the order in which
// they end, so that each worker gets as much as the others.
type bandwidth struct {
	clock clockwork.Clock

	mu      sync.Mutex
	limiter *rate.Limiter // nil is unlimited
	share   int
	changed chan struct{}
}

func newBandwidth(clock clockwork.Clock, perSecond int64) *bandwidth {
	b := &bandwidth{clock: clock, changed: make(chan struct{})}
	b.set(perSecond)
	return b
}

// set changes the limit, also for those who wait; 0 or less is none.
func (b *bandwidth) set(perSecond int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limiter, b.share = nil, readMost
	if perSecond > 0 {
		b.share = int(max(readLeast, min(perSecond/sharesPerSecond, readMost)))
		b.limiter = rate.NewLimiter(rate.Limit(perSecond), b.share)
		// What was let through under the old limit is no credit under the new one.
		b.limiter.ReserveN(b.clock.Now(), b.share)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// most is how much to read at once under the present limit.
func (b *bandwidth) most() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.share
}

// pay waits until n bytes that were read are within the limit. A change of the limit ends the wait for what was read before.
func (b *bandwidth) pay(ctx context.Context, n int) error {
	for n > 0 {
		b.mu.Lock()
		limiter, share, changed := b.limiter, min(n, b.share), b.changed
		b.mu.Unlock()
		if limiter == nil {
			return ctx.Err()
		}
		now := b.clock.Now()
		wait := limiter.ReserveN(now, share).DelayFrom(now)
		if wait > 0 {
			timer := b.clock.NewTimer(wait)
			select {
			case <-timer.Chan():
			case <-changed:
				timer.Stop()
				return ctx.Err()
			case <-ctx.Done():
				timer.Stop()
				return context.Cause(ctx)
			}
		}
		n -= share
	}
	return ctx.Err()
}

package fetch

import (
	"context"
	"sync"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"
)

const (
	// readMost is the size of reads from a connection and of each worker's buffer, in bytes.
	readMost  = 256 << 10
	readLeast = 512
	// sharesPerSecond is the number of reads a second under a limit, so that workers take turns.
	sharesPerSecond = 20
)

// bandwidth is the limit that all workers share. Under a small limit, reads are small. They are paid for in the order in which they end,
// so that all workers get the same share.
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

// set changes the limit, also for waiting workers; 0 or less is none.
func (b *bandwidth) set(perSecond int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limiter, b.share = nil, readMost
	if perSecond > 0 {
		b.share = int(max(readLeast, min(perSecond/sharesPerSecond, readMost)))
		b.limiter = rate.NewLimiter(rate.Limit(perSecond), b.share)
		// Bytes under the old limit are no credit under the new one.
		b.limiter.ReserveN(b.clock.Now(), b.share)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// most returns the size of reads under the present limit.
func (b *bandwidth) most() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.share
}

// pay waits until n bytes that were read are within the limit, or the limit changes.
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

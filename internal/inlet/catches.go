package inlet

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"greenroom/internal/app"
)

// Unknown paths, which anyone can request, cause at most catchReads new readings per second.
const (
	catchReads = 2 // a second
	catchBurst = 10
	catchTime  = 2 * time.Second
)

// catches finds catches by their paths. A removed catch is known until the next reading; the owner of the store refuses its requests.
type catches struct {
	again *rate.Limiter

	mu    sync.Mutex
	known map[string]string // path to account
}

func newCatches() *catches {
	return &catches{again: rate.NewLimiter(catchReads, catchBurst), known: map[string]string{}}
}

// find returns a function that finds the account of a catch by a path below its own.
func (c *catches) find(ctx context.Context, b app.Backend) func(path string) (string, bool) {
	return func(path string) (string, bool) {
		own, _, _ := strings.Cut(strings.TrimPrefix(path, app.CatchPath), "/")
		own = app.CatchPath + own
		c.mu.Lock()
		defer c.mu.Unlock()
		account, ok := c.known[own]
		if ok || !c.again.Allow() {
			return account, ok
		}
		ctx, cancel := context.WithTimeout(ctx, catchTime)
		defer cancel()
		all, err := b.Catches(ctx, app.CatchQuery{})
		if err != nil {
			return "", false
		}
		clear(c.known)
		for _, one := range all {
			c.known[one.Path] = app.CatchAccount(one.Name)
		}
		account, ok = c.known[own]
		return account, ok
	}
}

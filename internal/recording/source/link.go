package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
	"greenroom/provider"
)

const (
	// linkMargin is how long before its end a link counts as expired, linkAge how old it must be for that: on a machine whose clock
	// is wrong, every link looks expired, and another one doesn't help.
	linkMargin = time.Minute
	linkAge    = 30 * time.Second
	// refusalsMost limits the links that are refused in a row. The first may just have been old.
	refusalsMost = 3
)

// links keeps the link to one file for all its users, and replaces it when it has expired or is refused.
type links struct {
	ask   func(ctx context.Context, stale string) (provider.FileLink, error)
	clock clockwork.Clock
	turn  chan struct{} // holds a token while a link is being requested

	mu       sync.Mutex
	link     provider.FileLink
	number   int // of the link, 0 for none
	since    time.Time
	refusals int
}

func newLinks(ask func(context.Context, string) (provider.FileLink, error), clock clockwork.Clock) *links {
	return &links{ask: ask, clock: clock, turn: make(chan struct{}, 1)}
}

// get returns the link and its number.
func (l *links) get(ctx context.Context) (string, int, error) {
	if url, n := l.present(); n > 0 {
		return url, n, nil
	}
	if err := l.lock(ctx); err != nil {
		return "", 0, err
	}
	defer l.unlock()
	if url, n := l.present(); n > 0 {
		return url, n, nil
	}
	if err := l.renew(ctx); err != nil {
		return "", 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.link.URL, l.number, nil
}

// present returns the link, or "" and 0 if it is about to expire.
func (l *links) present() (string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if !l.link.Expires.IsZero() && l.link.Expires.Sub(now) < linkMargin && now.Sub(l.since) >= linkAge {
		return "", 0
	}
	return l.link.URL, l.number
}

// refused replaces the link of the given number, which was refused with denied. It returns an error if there is no other one.
func (l *links) refused(ctx context.Context, number int, denied error) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.unlock()
	l.mu.Lock()
	if l.number != number {
		l.mu.Unlock()
		return nil
	}
	l.refusals++
	final := l.refusals >= refusalsMost
	if final {
		l.refusals = 0
	}
	stale := l.link.URL
	l.mu.Unlock()
	if final {
		return denied
	}
	if err := l.renew(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.link.URL == stale {
		l.refusals = 0
		return denied
	}
	return nil
}

// worked ends a series of refusals.
func (l *links) worked() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusals = 0
}

func (l *links) lock(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *links) unlock() { <-l.turn }

// renew requests a link. The caller holds the turn.
func (l *links) renew(ctx context.Context) error {
	l.mu.Lock()
	stale := l.link.URL
	l.mu.Unlock()
	link, err := l.ask(ctx, stale)
	if err != nil {
		return linkError(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link, l.since = link, l.clock.Now()
	l.number++
	return nil
}

// refusal returns the error of a link that is refused although it is fresh.
func refusal(resp *http.Response) error {
	kind := recording.ErrDenied
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone {
		kind = recording.ErrGone
	}
	return fmt.Errorf("%w (%s)", kind, explain(resp))
}

// linkError returns a provider's error as a source's.
func linkError(err error) error {
	kind := error(nil)
	switch provider.KindOf(err) {
	case provider.NotFound:
		kind = recording.ErrGone
	case provider.NotReady:
		kind = recording.ErrNotYet
	case provider.Unauthenticated, provider.Forbidden, provider.Unsupported, provider.Invalid:
		kind = recording.ErrDenied
	case provider.RateLimited, provider.Unavailable:
		if e, ok := errors.AsType[*provider.Error](err); ok {
			return &recording.Temporary{After: e.RetryAfter, Err: fmt.Errorf("ask for a link: %w", err)}
		}
	}
	if kind != nil {
		return fmt.Errorf("%w: ask for a link: %w", kind, err)
	}
	return fmt.Errorf("ask for a link: %w", err)
}

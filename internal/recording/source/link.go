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
	// linkMargin before its end a link counts as expired. linkAge is how old it must be for that: on a machine whose clock is
	// wrong every link looks expired, and asking again doesn't help.
	linkMargin = time.Minute
	linkAge    = 30 * time.Second
	// refusalsMost is how many links in a row may be refused, the first of which may just have been old.
	refusalsMost = 3
)

// links keep the link to one file, and get another one when it has expired or is refused: one for all who use it.
type links struct {
	ask   func(ctx context.Context, stale string) (provider.FileLink, error)
	clock clockwork.Clock
	turn  chan struct{} // holds a token while a link is being asked for

	mu       sync.Mutex
	link     provider.FileLink
	number   int // of the link, 0 for none
	since    time.Time
	refusals int
}

func newLinks(ask func(context.Context, string) (provider.FileLink, error), clock clockwork.Clock) *links {
	return &links{ask: ask, clock: clock, turn: make(chan struct{}, 1)}
}

// get gives the link and its number.
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

// present gives the link unless it is about to expire.
func (l *links) present() (string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if !l.link.Expires.IsZero() && l.link.Expires.Sub(now) < linkMargin && now.Sub(l.since) >= linkAge {
		return "", 0
	}
	return l.link.URL, l.number
}

// refused is called when the link of the given number was refused. Nil means that there is another one.
func (l *links) refused(ctx context.Context, number, status int, code string) error {
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
	denied := l.refusals >= refusalsMost
	if denied {
		l.refusals = 0
	}
	stale := l.link.URL
	l.mu.Unlock()
	if denied {
		return refusal(status, code)
	}
	if err := l.renew(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.link.URL == stale {
		l.refusals = 0
		return refusal(status, code)
	}
	return nil
}

// worked ends a row of refusals.
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

// renew asks for a link while holding the turn.
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

// refusal is the error of a link that is refused although it is fresh.
func refusal(status int, code string) error {
	kind := recording.ErrDenied
	if status == http.StatusNotFound || status == http.StatusGone {
		kind = recording.ErrGone
	}
	if code != "" {
		code = ", " + code
	}
	return fmt.Errorf("%w (%d %s%s)", kind, status, http.StatusText(status), code)
}

// linkError translates a provider's error into what it means for the file.
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
		var e *provider.Error
		if errors.As(err, &e) {
			return &recording.Temporary{After: e.RetryAfter, Err: fmt.Errorf("ask for a link: %w", err)}
		}
	}
	if kind != nil {
		return fmt.Errorf("%w: ask for a link: %w", kind, err)
	}
	return fmt.Errorf("ask for a link: %w", err)
}

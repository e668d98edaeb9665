package rest

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Limit is the budget of one class of calls. A bucket of Burst that fills with PerSecond allows Burst + w×PerSecond in any window
// of w seconds: choose them so that this stays within the platform's limits.
type Limit struct {
	PerSecond float64
	Burst     int
	// Window makes the budget follow the platform's X-RateLimit-Limit: that many points per window, two fifths of which may be
	// spent in a burst. Zero keeps the budget fixed.
	Window time.Duration
}

// Class selects one of the client's budgets, by its index in [Config.Limits].
type Class int

// budget applies a Limit, and the pause that the platform asked for.
type budget struct {
	bucket *rate.Limiter
	window time.Duration
	// points is the last applied X-RateLimit-Limit.
	points atomic.Int64
	// until is the Unix time in nanoseconds before which no call of this class is sent.
	until atomic.Int64
}

func newBudget(l Limit) *budget {
	if l.PerSecond <= 0 {
		return &budget{bucket: rate.NewLimiter(rate.Inf, 0)}
	}
	return &budget{bucket: rate.NewLimiter(rate.Limit(l.PerSecond), max(l.Burst, 1)), window: l.Window}
}

// wait takes points from the bucket, and waits if there are too few. If that would exceed most or the context's deadline, it
// immediately returns how long it would have been and uses no points.
func (b *budget) wait(ctx context.Context, clock Clock, points int, most time.Duration) (tooLong time.Duration, err error) {
	for {
		now := clock.Now()
		if until := b.until.Load(); until != 0 {
			if d := time.Duration(until - now.UnixNano()); d > 0 {
				if !fits(ctx, d, most) {
					return d, nil
				}
				if err := clock.Sleep(ctx, d); err != nil {
					return 0, err
				}
				continue
			}
		}
		if b.bucket.AllowN(now, points) {
			return 0, nil
		}
		r := b.bucket.ReserveN(now, min(points, b.bucket.Burst()))
		d := r.DelayFrom(now)
		if !fits(ctx, d, most) {
			r.CancelAt(now)
			return d, nil
		}
		if err := clock.Sleep(ctx, d); err != nil {
			r.CancelAt(clock.Now())
			return 0, err
		}
		// The points are reserved; a pause that began meanwhile still applies.
		if time.Duration(b.until.Load()-clock.Now().UnixNano()) <= 0 {
			return 0, nil
		}
	}
}

// fits reports whether a wait is within the limits.
func fits(ctx context.Context, d, most time.Duration) bool {
	if d > most {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || d < time.Until(deadline)
}

// pause blocks the class for d from now. It doesn't shorten a longer pause.
func (b *budget) pause(now time.Time, d time.Duration) {
	for until := now.Add(d).UnixNano(); ; {
		old := b.until.Load()
		if old >= until || b.until.CompareAndSwap(old, until) {
			return
		}
	}
}

// observe learns from the headers of an answer.
func (b *budget) observe(h http.Header, now time.Time) {
	if v := h["X-Ratelimit-Limit"]; len(v) > 0 && b.window > 0 {
		if n, err := strconv.ParseInt(v[0], 10, 32); err == nil && n > 0 && b.points.Swap(n) != n {
			b.bucket.SetLimitAt(now, rate.Limit(0.6*float64(n)/b.window.Seconds()))
			b.bucket.SetBurstAt(now, max(int(0.4*float64(n)), 5))
		}
	}
	if v := h["X-Ratelimit-Remaining"]; len(v) > 0 && v[0] == "0" {
		if d := resetAfter(h, now); d > 0 {
			b.pause(now, d)
		}
	}
}

// maxPause limits the wait that a server can impose: a broken clock there must not silence an account.
const maxPause = 5 * time.Minute

// RetryAfter returns the wait that an answer asks for: Retry-After in seconds or as a date. 0 means that there is none.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return bounded(s)
	}
	if at, err := http.ParseTime(v); err == nil {
		return bounded(at.Sub(now).Seconds())
	}
	return 0
}

// resetAfter parses X-RateLimit-Reset: a date in Whereby's documentation, a Unix time or a number of seconds on other servers.
func resetAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("X-Ratelimit-Reset")
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case s > 1e11:
			s = s/1e3 - float64(now.UnixMilli())/1e3
		case s > 1e8:
			s -= float64(now.UnixMilli()) / 1e3
		}
		return bounded(s)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		if at = ParseTime(v); at.IsZero() {
			return 0
		}
	}
	return bounded(at.Sub(now).Seconds())
}

// bounded returns a duration of seconds, between 0 and maxPause.
func bounded(s float64) time.Duration {
	if !(s > 0) {
		return 0
	}
	if s >= maxPause.Seconds() {
		return maxPause
	}
	return time.Duration(s * float64(time.Second))
}

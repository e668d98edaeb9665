package rest_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

func limited(l ...rest.Limit) func(*rest.Config) {
	return func(c *rest.Config) { c.Limits = l }
}

func total(waits []time.Duration) (sum time.Duration) {
	for _, w := range waits {
		sum += w
	}
	return sum
}

func TestBudgetIsKept(t *testing.T) {
	c, clock := client(t, asJSON(200, `{}`), limited(rest.Limit{PerSecond: 2, Burst: 5}))
	for range 5 {
		if err := c.Do(t.Context(), get(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if w := clock.Waits(); len(w) != 0 {
		t.Fatalf("the burst waited %v", w)
	}
	for range 6 {
		if err := c.Do(t.Context(), get(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if sum := total(clock.Waits()); sum < 2900*time.Millisecond || sum > 3100*time.Millisecond {
		t.Errorf("six calls beyond the burst waited %v, want 3s", sum)
	}
}

func TestCallsCostPoints(t *testing.T) {
	c, clock := client(t, asJSON(200, `{}`), limited(rest.Limit{PerSecond: 1, Burst: 4}))
	call := get(nil)
	call.Cost = 3
	for range 2 {
		if err := c.Do(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	if sum := total(clock.Waits()); sum != 2*time.Second {
		t.Errorf("waited %v for two missing points", sum)
	}
	call.Cost = 100
	if err := c.Do(t.Context(), call); err != nil {
		t.Errorf("a call dearer than the bucket never passes: %v", err)
	}
}

func TestClassesAreApart(t *testing.T) {
	c, clock := client(t, asJSON(200, `{}`), limited(rest.Limit{PerSecond: 1, Burst: 1}, rest.Limit{PerSecond: 1, Burst: 1}, rest.Limit{}))
	for class := range rest.Class(5) {
		call := get(nil)
		call.Class = class
		for range max(1, int(class)*2-2) {
			if err := c.Do(t.Context(), call); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Only class 2 and above were called more than once, and they aren't limited.
	if w := clock.Waits(); len(w) != 0 {
		t.Errorf("waited %v", w)
	}
}

func TestBudgetThatTakesTooLongIsAnError(t *testing.T) {
	var n atomic.Int32
	c, clock := client(t, answers(&n, asJSON(200, `{}`)), limited(rest.Limit{PerSecond: 0.01, Burst: 1}))
	_ = c.Do(t.Context(), get(nil))
	err := c.Do(t.Context(), get(nil))
	var e *provider.Error
	if !errors.As(err, &e) || e.Kind != provider.RateLimited || e.RetryAfter != 100*time.Second || n.Load() != 1 || len(clock.Waits()) != 0 {
		t.Errorf("%#v after %d calls", err, n.Load())
	}
	// Calls that were not sent cost nothing.
	clock.Advance(100 * time.Second)
	if err := c.Do(t.Context(), get(nil)); err != nil {
		t.Error(err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	c, clock := client(t, asJSON(200, `{}`), limited(rest.Limit{PerSecond: 1, Burst: 1}))
	_ = c.Do(t.Context(), get(nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Do(ctx, get(nil)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	clock.Advance(time.Second)
	if err := c.Do(t.Context(), get(nil)); err != nil || len(clock.Waits()) != 0 {
		t.Errorf("the abandoned call kept its place: %v, %v", err, clock.Waits())
	}
}

func TestARateLimitHoldsForAllCalls(t *testing.T) {
	var n atomic.Int32
	c, clock := client(t, answers(&n, asJSON(429, `{}`, "Retry-After", "60"), asJSON(200, `{}`)),
		limited(rest.Limit{PerSecond: 100, Burst: 100}, rest.Limit{PerSecond: 100, Burst: 100}))
	if err := c.Do(t.Context(), get(nil)); !errors.Is(err, provider.RateLimited) {
		t.Fatal(err)
	}
	err := c.Do(t.Context(), get(nil))
	var e *provider.Error
	if !errors.As(err, &e) || e.RetryAfter != time.Minute || n.Load() != 1 {
		t.Errorf("another call was sent into the limit: %v", err)
	}
	other := get(nil)
	other.Class = 1
	if err := c.Do(t.Context(), other); err != nil {
		t.Errorf("another class is held up: %v", err)
	}
	clock.Advance(50 * time.Second)
	if err := c.Do(t.Context(), get(nil)); err != nil || total(clock.Waits()) != 10*time.Second {
		t.Errorf("%v after %v", err, clock.Waits())
	}
}

func TestPointHeaders(t *testing.T) {
	plan := rest.Limit{PerSecond: 1, Burst: 40, Window: time.Minute}
	t.Run("a larger plan is used", func(t *testing.T) {
		c, clock := client(t, asJSON(200, `{}`, "X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "500"), limited(plan))
		for range 300 {
			if err := c.Do(t.Context(), get(nil)); err != nil {
				t.Fatal(err)
			}
		}
		// 39 points were left; 261 more at 10 a second.
		if sum := total(clock.Waits()); sum < 25*time.Second || sum > 27*time.Second {
			t.Errorf("300 calls waited %v", sum)
		}
	})
	for name, reset := range map[string]string{
		"seconds": "7", "unix": "1749988807", "milliseconds": "1749988807000", "date": "Sun, 15 Jun 2025 12:00:07 GMT",
		"iso": "2025-06-15T12:00:07Z",
	} {
		t.Run("nothing left until "+name, func(t *testing.T) {
			var n atomic.Int32
			c, clock := client(t, answers(&n,
				asJSON(200, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", reset), asJSON(200, `{}`)), limited(plan))
			for range 2 {
				if err := c.Do(t.Context(), get(nil)); err != nil {
					t.Fatal(err)
				}
			}
			if sum := total(clock.Waits()); sum != 7*time.Second {
				t.Errorf("waited %v", sum)
			}
		})
	}
	t.Run("nonsense is ignored", func(t *testing.T) {
		c, clock := client(t, asJSON(200, `{}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "soon", "X-RateLimit-Limit", "-1"), limited(plan))
		for range 2 {
			if err := c.Do(t.Context(), get(nil)); err != nil {
				t.Fatal(err)
			}
		}
		if len(clock.Waits()) != 0 {
			t.Errorf("waited %v", clock.Waits())
		}
	})
	t.Run("a limit without Retry-After", func(t *testing.T) {
		var n atomic.Int32
		c, clock := client(t, answers(&n, asJSON(429, `{}`, "X-RateLimit-Reset", "4"), asJSON(200, `{}`)), limited(plan))
		if err := c.Do(t.Context(), post(nil)); err != nil || total(clock.Waits()) < 4*time.Second {
			t.Errorf("%v after %v", err, clock.Waits())
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for v, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "7": 7 * time.Second, "1.5": 1500 * time.Millisecond, "soon": 0, "NaN": 0,
		"1e300": 5 * time.Minute, "Sun, 15 Jun 2025 12:00:09 GMT": 9 * time.Second, "Sun, 15 Jun 2025 11:00:00 GMT": 0,
	} {
		if got := rest.RetryAfter(http.Header{"Retry-After": {v}}, began); got != want {
			t.Errorf("%q is %v, want %v", v, got, want)
		}
	}
}

func TestRealClock(t *testing.T) {
	var c rest.RealClock
	if time.Since(c.Now()).Abs() > time.Minute {
		t.Error("another time")
	}
	if err := c.Sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := c.Sleep(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

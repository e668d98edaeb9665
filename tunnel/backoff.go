package tunnel

import (
	"math/rand/v2"
	"time"
)

const (
	// The longest wait is backoffFirst before the first attempt, and doubles up to backoffMost.
	backoffFirst = 250 * time.Millisecond
	backoffMost  = 15 * time.Second
	// backoffSoon limits the waits during the first backoffSoonFor, so that a server that only restarts is found within a second.
	backoffSoon    = time.Second
	backoffSoonFor = time.Minute
	// refusedFirst is the longest wait after the first refusal; it doubles.
	refusedFirst = time.Second
	// Holds is how long a connection must have lasted to count as one that worked. Then the waits are short again.
	Holds = 5 * time.Second
)

// Backoff paces a driver's attempts to connect: full jitter, from a quarter of a second up to 15 s, at most a second in the first
// minute of an outage. It never stops trying. Its zero value is ready. It is for one goroutine.
type Backoff struct {
	// Random returns numbers in [0, 1); nil means [rand.Float64].
	Random func() float64

	attempts int
	since    time.Time
	refusals int
}

// Refused returns how long to wait after a refusal that needs a person: full jitter, from a second up to most, which the driver
// chooses by the kind of refusal.
func (b *Backoff) Refused(most time.Duration) time.Duration {
	wait := most
	if b.refusals < 20 { // a second doubled 20 times is beyond every most
		wait = min(most, refusedFirst<<b.refusals)
		b.refusals++
	}
	return b.jitter(wait)
}

func (b *Backoff) jitter(most time.Duration) time.Duration {
	random := rand.Float64
	if b.Random != nil {
		random = b.Random
	}
	return time.Duration(random() * float64(most))
}

// Next returns how long to wait before the next attempt, after one that failed or a connection that was lost.
func (b *Backoff) Next(now time.Time) time.Duration {
	if b.attempts == 0 {
		b.since = now
	}
	most := backoffMost
	if b.attempts < 6 { // 0.25 s doubled six times is beyond backoffMost
		most = min(most, backoffFirst<<b.attempts)
	}
	// A clock that was set back must not make the first minute longer.
	if outage := now.Sub(b.since); most > backoffSoon && outage >= 0 && outage < backoffSoonFor {
		most = backoffSoon
	} else {
		b.attempts++
	}
	return b.jitter(most)
}

// Reset makes the next wait short again, after an attempt that worked.
func (b *Backoff) Reset() { b.attempts, b.refusals = 0, 0 }

// Lasted resets the waits if a connection lasted long enough to count as one that worked.
func (b *Backoff) Lasted(d time.Duration) {
	if d >= Holds {
		b.Reset()
	}
}

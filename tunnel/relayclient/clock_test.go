package relayclient_test

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// clock is a fake one for code that also waits for the network: it advances in steps until something has happened.
type clock struct {
	*clockwork.FakeClock
	start time.Time
}

func newClock() *clock {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return &clock{FakeClock: clockwork.NewFakeClockAt(start), start: start}
}

// clockStep is how often it advances.
const clockStep = 2 * time.Millisecond

func (c *clock) step() { c.Advance(250 * time.Millisecond) }

// runUntil lets time pass until done is closed or yields something. How much passed depends on the machine, and is no
// measure.
func (c *clock) runUntil(t testing.TB, done <-chan struct{}) {
	t.Helper()
	late := time.After(patience)
	step := time.NewTicker(clockStep)
	defer step.Stop()
	for {
		select {
		case <-done:
			return
		case <-step.C:
			c.step()
		case <-late:
			t.Fatalf("nothing happens in %v", c.Since(c.start))
		}
	}
}

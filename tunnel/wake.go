package tunnel

import (
	"cmp"
	"context"
	"time"

	"github.com/jonboulle/clockwork"
)

const (
	wakeTick = time.Second
	// wakeAfter is the shortest gap that counts as sleep. A busy machine is late by less, and connections survive shorter gaps.
	wakeAfter = 5 * time.Second
)

// Wake notices that the machine slept, or that the process was stopped, by comparing clocks every second: during sleep the wall
// clock continues but the monotonic one doesn't, and a stopped process gets its tick late. Older connections are probably dead then,
// though they report no error.
//
// Setting the wall clock forward looks like sleep; setting it back has no effect.
type Wake struct {
	// Clock is the monotonic clock; nil means the real one.
	Clock clockwork.Clock
	// Wall reads the wall clock; nil means that of Clock.
	Wall func() time.Time
}

// Watch calls woke soon after each wake-up, with the time that was missed, until ctx ends.
func (w Wake) Watch(ctx context.Context, woke func(missed time.Duration)) {
	clock, wall := cmp.Or(w.Clock, clockwork.NewRealClock()), w.Wall
	if wall == nil {
		wall = func() time.Time { return clock.Now().Round(0) } // without its monotonic reading
	}
	tick := clock.NewTicker(wakeTick)
	defer tick.Stop()
	mono, real := clock.Now(), wall()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.Chan():
		}
		monoNow, realNow := clock.Now(), wall()
		if missed := max(monoNow.Sub(mono), realNow.Sub(real)) - wakeTick; missed >= wakeAfter {
			woke(missed)
		}
		mono, real = monoNow, realNow
	}
}

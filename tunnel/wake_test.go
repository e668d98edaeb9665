package tunnel_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
)

func TestWake(t *testing.T) {
	for _, test := range []struct {
		name string
		// mono and wall are how far the clocks go until the next tick is looked at.
		mono, wall time.Duration
		want       time.Duration
	}{
		{"nothing", time.Second, time.Second, 0},
		{"a busy machine", 3 * time.Second, 3 * time.Second, 0},
		{"a closed lid", time.Second, time.Hour, time.Hour - time.Second},
		{"a stopped process", time.Minute, time.Minute, 59 * time.Second},
		{"a clock set forward", time.Second, 24 * time.Hour, 24*time.Hour - time.Second},
		{"a clock set back", time.Second, -24 * time.Hour, 0},
		{"a clock set back while stopped", time.Minute, -time.Hour, 59 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			clock := clockwork.NewFakeClock()
			var ahead atomic.Int64
			looked := make(chan struct{}, 100) // one Advance may make two ticks
			wall := func() time.Time {
				defer func() { looked <- struct{}{} }()
				return clock.Now().Add(time.Duration(ahead.Load()))
			}
			woke := make(chan time.Duration, 1)
			done := make(chan struct{})
			go func() {
				defer close(done)
				tunnel.Wake{Clock: clock, Wall: wall}.Watch(ctx, func(d time.Duration) { woke <- d })
			}()
			<-looked
			ahead.Add(int64(test.wall - test.mono))
			clock.Advance(test.mono)
			<-looked
			if test.want == 0 {
				// A second look is a sign that is surely seen, after what the first one has brought.
				const sign = 10 * time.Minute
				clock.Advance(sign)
				test.want = sign - time.Second
			}
			if got := <-woke; got != test.want {
				t.Errorf("missed %v, want %v", got, test.want)
			}
			cancel()
			<-done
		})
	}
}

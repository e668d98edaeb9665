package rest

import (
	"context"
	"time"
)

// Clock is the time that a client goes by: for pacing, for back-off and for dates in answers. The deadline of a single
// attempt is real time, since it guards a real connection.
type Clock interface {
	Now() time.Time
	// Sleep waits for d or until ctx ends, whose error it returns then.
	Sleep(ctx context.Context, d time.Duration) error
}

// RealClock is the machine's clock.
type RealClock struct{}

// Now is time.Now.
func (RealClock) Now() time.Time { return time.Now() }

// Sleep waits on a timer or on the context, whichever ends first.
func (RealClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

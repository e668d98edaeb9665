package ipc

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// The first tries are at short distances, for owners that come and go, later ones at long distances, for one that is frozen.
func TestTriesAreShortAtFirst(t *testing.T) {
	for range 50 { // the distances are random
		for _, test := range []struct {
			try         int
			least, most time.Duration
		}{{0, firstRetry, 5 * firstRetry}, {quickTries, firstRetry, 5 * firstRetry}, {quickTries + 1, lastRetry, 2 * lastRetry}} {
			clock := clockwork.NewFakeClock()
			s := &Session{o: Options{Clock: clock}}
			done := make(chan error, 1)
			go func() { done <- s.pause(t.Context(), test.try) }()
			if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			clock.Advance(test.least - 1)
			select {
			case err := <-done:
				t.Fatalf("try %d waits for less than %v (%v)", test.try, test.least, err)
			default:
			}
			clock.Advance(test.most - test.least)
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
			case <-time.After(2 * time.Minute):
				t.Fatalf("try %d waits for more than %v", test.try, test.most)
			}
		}
	}
}

package tunnel_test

import (
	"testing"
	"time"

	"greenroom/tunnel"
)

// longest makes a backoff always wait as long as it may.
func longest() float64 { return 1 }

func TestBackoff(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	b := tunnel.Backoff{Random: longest}
	next := func(after, want time.Duration) {
		t.Helper()
		now = now.Add(after)
		if got := b.Next(now); got != want {
			t.Errorf("waits up to %v, want %v", got, want)
		}
	}
	next(0, 250*time.Millisecond)
	next(time.Second, 500*time.Millisecond)
	next(time.Second, time.Second)
	for range 10 {
		next(5*time.Second, time.Second)
	}
	next(10*time.Second, 2*time.Second)
	next(0, 4*time.Second)
	next(0, 8*time.Second)
	for range 200 {
		next(time.Hour, 15*time.Second)
	}
	b.Lasted(tunnel.Holds - 1)
	next(0, 15*time.Second)
	b.Lasted(tunnel.Holds)
	next(time.Hour, 250*time.Millisecond)

	b.Reset()
	next(0, 250*time.Millisecond)
	next(-24*time.Hour, 500*time.Millisecond)
	next(0, time.Second)
	next(0, 2*time.Second)
}

func TestBackoffJitterIsFull(t *testing.T) {
	var short, long int
	for range 1000 {
		var b tunnel.Backoff
		switch d := b.Next(time.Unix(0, 0)); {
		case d < 0 || d > 250*time.Millisecond:
			t.Fatalf("waits %v", d)
		case d < 125*time.Millisecond:
			short++
		default:
			long++
		}
	}
	if short < 300 || long < 300 {
		t.Errorf("%d waits are short and %d are long", short, long)
	}
}

func TestBackoffAfterRefusals(t *testing.T) {
	b := tunnel.Backoff{Random: longest}
	refused := func(want time.Duration) {
		t.Helper()
		if got := b.Refused(time.Minute); got != want {
			t.Errorf("waits up to %v, want %v", got, want)
		}
	}
	for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 32} {
		refused(seconds * time.Second)
	}
	for range 100 {
		refused(time.Minute)
	}
	if got := b.Next(time.Unix(0, 0)); got != 250*time.Millisecond {
		t.Errorf("an outage after refusals waits up to %v", got)
	}
	b.Lasted(tunnel.Holds)
	refused(time.Second)
}

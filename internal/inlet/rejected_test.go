package inlet

import (
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// TestAFloodOfForgeriesPrintsLittle also checks that the flood hides no webhook.
func TestAFloodOfForgeriesPrintsLittle(t *testing.T) {
	now := time.Duration(0)
	l := RejectedLimit{Elapsed: func() time.Duration { return now }}
	forged := app.Delivery{Verdict: provider.Rejected, Status: 401}
	for window := range 3 {
		printed, firsts := 0, 0
		for range 1000 {
			ok, first := l.Allow(forged)
			if ok {
				printed++
			}
			if first {
				firsts++
			}
			if ok, _ := l.Allow(app.Delivery{Verdict: provider.Verified, Status: 200}); !ok {
				t.Fatal("a webhook isn't printed")
			}
		}
		if printed != rejectedBurst || firsts != 1 {
			t.Errorf("window %d: %d lines, %d notes", window, printed, firsts)
		}
		now += rejectedWindow
	}
}

package main

import (
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// TestAFloodOfForgeriesPrintsLittle, and hides no webhook.
func TestAFloodOfForgeriesPrintsLittle(t *testing.T) {
	now := time.Duration(0)
	p := rejectedPace{since: func() time.Duration { return now }}
	forged := app.Delivery{Verdict: provider.Rejected, Status: 401}
	for turn := range 3 {
		printed, firsts := 0, 0
		for range 1000 {
			ok, first := p.pass(forged)
			if ok {
				printed++
			}
			if first {
				firsts++
			}
			if ok, _ := p.pass(app.Delivery{Verdict: provider.Verified, Status: 200}); !ok {
				t.Fatal("a webhook isn't printed")
			}
		}
		if printed != rejectedLines || firsts != 1 {
			t.Errorf("turn %d: %d lines, %d notes", turn, printed, firsts)
		}
		now += rejectedWithin
	}
}

package downloads

import (
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
)

// The bytes of earlier tries are no speed.
func TestARateCountsWhatComesNow(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var m meter
	m.add(recording.Report{Total: 2_000_000}, now)
	m.add(recording.Report{Bytes: 1_000_000, Total: 2_000_000}, now.Add(time.Second))
	m.add(recording.Report{Bytes: 1_001_000, Total: 2_000_000, Fetched: 1000}, now.Add(2*time.Second))
	var d app.Download
	m.show(&d, now.Add(2*time.Second))
	if d.Rate < 100 || d.Rate > 1000 || d.ETAS < 999 {
		t.Errorf("%d bytes a second, %.0f s left", d.Rate, d.ETAS)
	}
}

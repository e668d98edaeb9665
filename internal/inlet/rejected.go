package inlet

import (
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// At most rejectedBurst rejected requests are printed within rejectedWindow, because anyone can send them and a service keeps its log.
const (
	rejectedBurst  = 60
	rejectedWindow = time.Minute
)

// RejectedLimit limits how many rejected requests are printed.
type RejectedLimit struct {
	// Elapsed is a clock that only moves forward.
	Elapsed func() time.Duration

	start time.Duration
	count int
}

// Allow reports whether to print a delivery, and whether it is the first one of its window that is not printed. Webhooks that were not
// rejected are always printed.
func (l *RejectedLimit) Allow(d app.Delivery) (printed, first bool) {
	if d.Verdict == provider.Verified || d.Status < 400 {
		return true, false
	}
	now := l.Elapsed()
	if l.count == 0 || now-l.start >= rejectedWindow {
		l.start, l.count = now, 0
	}
	l.count++
	return l.count <= rejectedBurst, l.count == rejectedBurst+1
}

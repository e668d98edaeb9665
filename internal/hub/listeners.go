package hub

import (
	"maps"
	"slices"
	"sync"
	"time"

	"greenroom/internal/app"
)

// listeners are the listeners of other processes, by the source of their reports: listen may run beside a store's owner without a listener,
// such as event tail.
type listeners struct {
	mu      sync.Mutex
	reports map[string]listenerReport
}

type listenerReport struct {
	app.ListenerStatus
	until time.Time
}

// reportListener stores a listener for the time of its lease, and removes it without one.
func (h *Hub) reportListener(source string, s app.ListenerStatus, lease time.Duration) {
	l := &h.listeners
	l.mu.Lock()
	now := h.clock.Now()
	maps.DeleteFunc(l.reports, func(_ string, r listenerReport) bool { return !r.until.After(now) })
	was, known := l.reports[source]
	if lease > 0 {
		if l.reports == nil {
			l.reports = map[string]listenerReport{}
		}
		l.reports[source] = listenerReport{s, now.Add(min(lease, maxLease))}
	} else {
		delete(l.reports, source)
	}
	l.mu.Unlock()
	if !known || lease <= 0 || was.URL != s.URL || was.Problem != s.Problem {
		h.bus.publish([]app.Change{{Kind: app.StatusChange}})
	}
}

// reported returns the listener of another process, or the zero value.
func (l *listeners) reported(now time.Time) app.ListenerStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, source := range slices.Sorted(maps.Keys(l.reports)) {
		if r := l.reports[source]; r.until.After(now) && r.URL != "" {
			return r.ListenerStatus
		}
	}
	return app.ListenerStatus{}
}

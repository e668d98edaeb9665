package tunnel

import (
	"log/slog"
	"sync"
	"time"
)

// oftenEvery is how often an [Often] logs.
const oftenEvery = time.Minute

// Often logs an event that anyone can cause at will: the first time immediately, then once a minute with the count. It is safe for
// concurrent use.
type Often struct {
	Log *slog.Logger

	mu     sync.Mutex
	logged time.Time
	count  int
}

// Warn logs or counts an event.
func (o *Often) Warn(now time.Time, text string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.count++; !o.logged.IsZero() && now.Sub(o.logged) < oftenEvery {
		return
	}
	o.Log.Warn(text, append(args, "count", o.count)...)
	o.logged, o.count = now, 0
}

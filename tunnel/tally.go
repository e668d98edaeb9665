package tunnel

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// tallyEvery is the interval in which a kind is logged once; others are counted.
	tallyEvery = time.Minute
	// maxTallies limits the number of kinds.
	maxTallies = 1000
)

// Tally logs events that anyone can cause, without flooding the log: the first of a kind immediately, later ones as a count once a
// minute. It is safe for concurrent use.
type Tally struct {
	Log *slog.Logger
	// Since is a clock that only moves forward.
	Since func() time.Duration

	mu    sync.Mutex
	kinds map[string]*refusals
}

// refusals are the events of one kind.
type refusals struct {
	level  slog.Level
	text   string
	args   []any
	logged time.Duration
	count  int // since then
}

// Note counts an event whose kind is text and key. It logs the event as a warning if it is the first of its kind for a while.
func (t *Tally) Note(text, key string, args ...any) { t.NoteAt(slog.LevelWarn, text, key, args...) }

// NoteAt is [Tally.Note] with another log level.
func (t *Tally) NoteAt(level slog.Level, text, key string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Since()
	if t.kinds == nil {
		t.kinds = map[string]*refusals{}
	}
	key = text + "\x00" + key
	if t.kinds[key] == nil && len(t.kinds) >= maxTallies {
		key, args = text, nil
	}
	k := t.kinds[key]
	if k == nil {
		k = &refusals{level: level, text: text, logged: now}
		t.kinds[key] = k
		t.Log.Log(context.Background(), level, text, args...)
		return
	}
	k.args = args
	k.count++
	k.report(t.Log, now)
}

// Flush logs the counts that are due, and forgets kinds without recent events.
func (t *Tally) Flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.Since()
	for key, k := range t.kinds {
		if k.report(t.Log, now); k.count == 0 && now-k.logged >= tallyEvery {
			delete(t.kinds, key)
		}
	}
}

func (k *refusals) report(log *slog.Logger, now time.Duration) {
	if k.count == 0 || now-k.logged < tallyEvery {
		return
	}
	log.Log(context.Background(), k.level, k.text, append([]any{"count", k.count, "within", (now - k.logged).Round(time.Second)}, k.args...)...)
	k.logged, k.count = now, 0
}

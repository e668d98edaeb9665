package relay

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

// tally logs events that senders and clients cause, without flooding the log: the first of a kind immediately, later ones as a count
// once a minute.
type tally struct {
	log   *slog.Logger
	since func() time.Duration

	mu    sync.Mutex
	kinds map[string]*refusals
}

// refusals are those of one kind.
type refusals struct {
	level  slog.Level
	text   string
	args   []any
	logged time.Duration
	count  int // since then
}

// note counts a refusal whose kind is text and key, and logs it if it is the first for a while.
func (t *tally) note(text, key string, args ...any) { t.noteAt(slog.LevelWarn, text, key, args...) }

// noteAt is note with another log level.
func (t *tally) noteAt(level slog.Level, text, key string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.since()
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
		t.log.Log(context.Background(), level, text, args...)
		return
	}
	k.args = args
	k.count++
	k.report(t.log, now)
}

// flush logs the counts that are due, and drops kinds that have ended.
func (t *tally) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.since()
	for key, k := range t.kinds {
		if k.report(t.log, now); k.count == 0 && now-k.logged >= tallyEvery {
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

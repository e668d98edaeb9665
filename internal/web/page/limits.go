package page

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// The limits hold for a window. maxTokens are handed out per room, and per room to a sender, so that guests of one room can't lock out
	// those of another. maxGuesses unknown addresses are answered per sender.
	window     = 10 * time.Minute
	maxTokens  = 120
	maxGuesses = 40
	// New names and answers are kept, so maxStored are stored per room, and maxStoredFrom of them from one sender.
	maxStored     = 1200
	maxStoredFrom = 600
	// maxKeys limits the keys that are counted. Beyond it, keys with few uses are forgotten.
	maxKeys = 10_000
)

// limits counts the uses of keys. The zero value is ready.
type limits struct {
	mu    sync.Mutex
	times map[string][]time.Time
}

// take counts one use of a key, and reports whether that is within the limit.
func (l *limits) take(key string, most int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times == nil {
		l.times = map[string][]time.Time{}
	}
	used := l.times[key]
	for len(used) > 0 && now.Sub(used[0]) >= window {
		used = used[1:]
	}
	if len(used) >= most {
		l.times[key] = used
		return false
	}
	if len(l.times) >= maxKeys && used == nil {
		l.forget(now)
	}
	l.times[key] = append(used[:len(used):len(used)], now)
	return true
}

// forget removes the keys that were not used in the window, and if that isn't enough, those with few uses.
func (l *limits) forget(now time.Time) {
	for key, used := range l.times {
		if now.Sub(used[len(used)-1]) >= window {
			delete(l.times, key)
		}
	}
	if len(l.times) < maxKeys {
		return
	}
	for key, used := range l.times {
		if len(used) < maxGuesses {
			delete(l.times, key)
		}
	}
	if len(l.times) >= maxKeys {
		clear(l.times)
	}
}

// giveBack takes back the last use of a key.
func (l *limits) giveBack(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if used := l.times[key]; len(used) > 1 {
		l.times[key] = used[:len(used)-1]
	} else {
		delete(l.times, key)
	}
}

// limit is the most uses of a key in the window.
type limit struct {
	key  string
	most int
}

// tokens returns the limits of handing out a token. Hosts are counted apart from guests.
func tokens(page, sender string, host bool) []limit {
	if host {
		return []limit{{"host " + page, maxTokens}}
	}
	return both("token", page, sender, maxTokens, maxTokens)
}

// stored returns the limits of storing an answer.
func stored(page, sender string) []limit {
	return both("stored", page, sender, maxStored, maxStoredFrom)
}

// both returns the limits per room and per sender. Unknown senders have the room's only.
func both(what, page, sender string, room, from int) []limit {
	all := []limit{{what + " " + page, room}}
	if sender != "" {
		all = append(all, limit{what + " " + page + " " + network(sender), from})
	}
	return all
}

// begin counts one use of all keys and reports true, unless one is beyond its limit. Then it counts none.
func (l *limits) begin(all []limit, now time.Time) bool {
	for i, one := range all {
		if !l.take(one.key, one.most, now) {
			l.undo(all[:i])
			return false
		}
	}
	return true
}

// undo takes back one use of all keys.
func (l *limits) undo(all []limit) {
	for _, one := range all {
		l.giveBack(one.key)
	}
}

// network returns the address that is counted: an IPv6 network of 64 bits is one sender.
func network(sender string) string {
	a, err := netip.ParseAddr(sender)
	if err != nil || a.Unmap().Is4() {
		return sender
	}
	p, err := a.Prefix(64)
	if err != nil {
		return sender
	}
	return p.String()
}

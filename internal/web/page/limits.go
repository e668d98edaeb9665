package page

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// window is the time in which at most maxTokens are handed out per room, and per room to an address: guests of one room must not
	// lock out those of another. maxGuesses unknown addresses are answered per sender.
	window = 10 * time.Minute
	// Of new names and answers, maxStored are stored per room, and maxStoredFrom of them from a sender: what is stored lasts.
	maxTokens     = 120
	maxGuesses    = 40
	maxStored     = 1200
	maxStoredFrom = 600
	// maxKeys bounds the keys that are counted. When there are more, those that are full stay, and the others start again.
	maxKeys = 10_000
)

// limits counts what senders ask for. The zero value has counted nothing.
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

// forget removes the keys that were not used in the window, and if that isn't enough those that were used little.
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

// use is one thing that is counted by one or more keys.
type use struct {
	keys []string
	most []int
}

// tokens returns the use of a token. Hosts, who have a token of their own already, are counted apart from the guests.
func tokens(page, sender string, host bool) use {
	if host {
		return use{[]string{"host " + page}, []int{maxTokens}}
	}
	return both("token", page, sender, maxTokens, maxTokens)
}

// stored returns the use of the store.
func stored(page, sender string) use { return both("stored", page, sender, maxStored, maxStoredFrom) }

// both returns a use that counts per room and per sender. Those behind an unknown address have the room's limit alone.
func both(what, page, sender string, room, from int) use {
	u := use{[]string{what + " " + page}, []int{room}}
	if sender != "" {
		u.keys, u.most = append(u.keys, what+" "+page+" "+network(sender)), append(u.most, from)
	}
	return u
}

// begin counts a use, and reports whether it is within its limits. One that is beyond them doesn't count.
func (l *limits) begin(u use, now time.Time) bool {
	for i, key := range u.keys {
		if !l.take(key, u.most[i], now) {
			l.undo(use{keys: u.keys[:i]})
			return false
		}
	}
	return true
}

// undo takes back a use.
func (l *limits) undo(u use) {
	for _, key := range u.keys {
		l.giveBack(key)
	}
}

// network returns the address that is counted: a network of IPv6 is one sender.
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

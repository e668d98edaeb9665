package relayclient

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/tunnel/wire"
)

// gaps are the known losses, kept while the tunnel is open. Losses of hooks beyond maxGaps are only counted.
type gaps struct {
	mu    sync.Mutex
	hooks []*gap
	more  int
}

// gap is the loss of one hook. The relay repeats a gap, and may widen it, until a later request was stored.
type gap struct {
	hook, name string
	last       wire.GapBody
	earlier    int // requests of gaps before the last one
	vague      bool
	restored   bool
}

const maxGaps = 64

func (g *gaps) of(hook, name string) *gap {
	if i := slices.IndexFunc(g.hooks, func(x *gap) bool { return x.hook == hook }); i >= 0 {
		g.hooks[i].name = name
		return g.hooks[i]
	}
	if len(g.hooks) >= maxGaps {
		return nil
	}
	x := &gap{hook: hook, name: name}
	g.hooks = append(g.hooks, x)
	return x
}

// add adds a GAP, and reports whether it is new.
func (g *gaps) add(b wire.GapBody, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.of(b.Hook, name)
	if x == nil {
		g.more++
		return true
	}
	b.Count = max(b.Count, 0)
	last := x.last
	if b == last {
		return false
	}
	if last.Hook != "" && (b.Epoch != last.Epoch || b.From > last.To) {
		x.earlier += last.Count
		x.vague = x.vague || last.Count == 0
	}
	x.last = b
	return true
}

// restored records that a relay knows less of a hook than is stored here.
func (g *gaps) restored(hook, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x := g.of(hook, name); x != nil {
		x.restored = true
	} else {
		g.more++
	}
}

// String describes all losses, empty if there are none.
func (g *gaps) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var parts []string
	for _, x := range g.hooks {
		if x.last.Hook != "" {
			parts = append(parts, x.dropped())
		}
		if x.restored {
			parts = append(parts, fmt.Sprintf("the relay was restored from a backup: requests for %s since that backup are lost "+
				"unless they were delivered", x.name))
		}
	}
	if g.more > 0 {
		parts = append(parts, fmt.Sprintf("and more for other hooks (%d)", g.more))
	}
	return strings.Join(parts, "; ")
}

func (x *gap) dropped() string {
	n, count := x.earlier+x.last.Count, "requests"
	switch {
	case n == 1 && !x.vague && x.last.Count > 0:
		count = "a request"
	case n > 0 && (x.vague || x.last.Count == 0):
		count = fmt.Sprintf("more than %d requests", n)
	case n > 0:
		count = fmt.Sprintf("%d requests", n)
	}
	s := fmt.Sprintf("the relay dropped %s of %s", count, x.name)
	if at, err := time.Parse(time.RFC3339, x.last.At); err == nil {
		s += at.Local().Format(", the last at 2006-01-02 15:04")
	}
	if x.last.Reason != "" {
		s += ": " + words(x.last.Reason)
	}
	return s
}

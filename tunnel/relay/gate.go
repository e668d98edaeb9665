package relay

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gates bound how often, and how many at a time, requests for each hook are taken.
type gates struct {
	mu    sync.Mutex
	byID  map[string]*gate
	rate  float64
	most  int
	swept time.Time
}

type gate struct {
	limit  *rate.Limiter
	inside int
	last   time.Time
}

// gateIdle is after how long without requests a gate is forgotten: it is as good as new by then.
const gateIdle = 10 * time.Minute

func (g *gates) init(o Options) {
	g.byID, g.rate, g.most = map[string]*gate{}, o.Rate, o.PerHook
}

// enter lets a request in, or says how long to wait: nothing when there are too many at a time.
func (g *gates) enter(hook string, now time.Time) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	one := g.byID[hook]
	if one == nil {
		one = &gate{limit: rate.NewLimiter(rate.Inf, 1)}
		if g.rate > 0 {
			one.limit = rate.NewLimiter(rate.Limit(g.rate), max(int(2*g.rate), 1))
		}
		g.byID[hook] = one
	}
	one.last = now
	if one.inside >= g.most {
		return 0, false
	}
	if r := one.limit.ReserveN(now, 1); r.DelayFrom(now) > 0 {
		wait = r.DelayFrom(now)
		r.CancelAt(now)
		return wait, false
	}
	one.inside++
	return 0, true
}

func (g *gates) leave(hook string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one := g.byID[hook]; one != nil {
		one.inside--
	}
}

// sweep forgets the gates of hooks that are quiet.
func (g *gates) sweep(now time.Time) {
	if now.Sub(g.swept) < gateIdle {
		return
	}
	g.swept = now
	for id, one := range g.byID {
		if one.inside == 0 && now.Sub(one.last) > gateIdle {
			delete(g.byID, id)
		}
	}
}

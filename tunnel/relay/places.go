package relay

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"greenroom/tunnel/relay/spool"
)

const (
	// gateIdle is how long a hook must be idle for its gate to be dropped: its limit has recovered by then.
	gateIdle = 10 * time.Minute
	// tokenShare divides all places: the hooks of one token get at most one in tokenShare.
	tokenShare = 4
	// settled is the least age of a body whose place may be given to another request.
	settled = time.Second
)

// places limits how many requests are accepted at a time, in total, per token and per hook, and the rate per hook. If no place is free,
// the slowest body that has been under way for a while loses its place, so that slow senders can't block others.
type places struct {
	mu      sync.Mutex
	gates   map[string]*gate // by hook
	byToken map[string]map[*place]struct{}
	inside  int

	rate                     float64
	most, perToken, mostHook int
	swept                    time.Time
}

// gate is the limit of a hook.
type gate struct {
	limit  *rate.Limiter
	inside map[*place]struct{}
	last   time.Time
}

// place is the place of a request.
type place struct {
	all         *places
	hook, token string
	began       time.Duration
	line        *http.ResponseController
	// got is how much of the body has arrived, -1 for all; lost is set when the place was given to another request.
	got  atomic.Int64
	lost atomic.Bool
}

func (p *places) init(o Options) {
	p.gates, p.byToken, p.rate = map[string]*gate{}, map[string]map[*place]struct{}{}, o.Rate
	p.most, p.mostHook, p.perToken = o.Concurrent, o.PerHook, max(o.Concurrent/tokenShare, 1)
	if o.Sink != nil {
		p.perToken = p.most // its hooks have no tokens
	}
}

// enter gives a request a place, or returns how long to wait: 0 if too many requests are under way.
func (p *places) enter(h spool.Hook, line *http.ResponseController, now time.Time, since time.Duration) (*place, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	g := p.gates[h.ID]
	if g == nil {
		g = &gate{limit: rate.NewLimiter(rate.Inf, 1), inside: map[*place]struct{}{}}
		if p.rate > 0 {
			g.limit = rate.NewLimiter(rate.Limit(p.rate), max(int(2*p.rate), 1))
		}
		p.gates[h.ID] = g
	}
	g.last = now
	if r := g.limit.ReserveN(now, 1); r.DelayFrom(now) > 0 {
		wait := r.DelayFrom(now)
		r.CancelAt(now)
		return nil, wait
	}
	switch {
	case len(g.inside) >= p.mostHook && !p.giveWay(g.inside, since),
		len(p.byToken[h.Token]) >= p.perToken && !p.giveWay(p.byToken[h.Token], since),
		p.inside >= p.most && !p.giveWay(p.greediest(), since):
		return nil, 0
	}
	one := &place{all: p, hook: h.ID, token: h.Token, began: since, line: line}
	if p.byToken[h.Token] == nil {
		p.byToken[h.Token] = map[*place]struct{}{}
	}
	g.inside[one], p.byToken[h.Token][one] = struct{}{}, struct{}{}
	p.inside++
	return one, 0
}

// greediest returns the token with the most places.
func (p *places) greediest() (most map[*place]struct{}) {
	for _, inside := range p.byToken {
		if len(inside) > len(most) {
			most = inside
		}
	}
	return most
}

// giveWay frees the place of the slowest body that has been under way for a while, and reports whether there was one.
func (p *places) giveWay(among map[*place]struct{}, since time.Duration) bool {
	var slowest *place
	var least float64
	for one := range among {
		age, got := since-one.began, one.got.Load()
		if pace := float64(got) / age.Seconds(); got >= 0 && age >= settled && (slowest == nil || pace < least) {
			slowest, least = one, pace
		}
	}
	if slowest == nil {
		return false
	}
	p.remove(slowest)
	slowest.lost.Store(true)
	// Without support for deadlines the next piece of the body ends it.
	_ = slowest.line.SetReadDeadline(time.Unix(1, 0))
	return true
}

func (p *places) remove(one *place) {
	g, mine := p.gates[one.hook], p.byToken[one.token]
	if _, ok := mine[one]; !ok {
		return
	}
	delete(mine, one)
	if len(mine) == 0 {
		delete(p.byToken, one.token)
	}
	delete(g.inside, one)
	p.inside--
}

// leave frees the place.
func (one *place) leave() {
	one.all.mu.Lock()
	defer one.all.mu.Unlock()
	one.all.remove(one)
}

// sweep drops the gates of idle hooks.
func (p *places) sweep(now time.Time) {
	if now.Sub(p.swept) < gateIdle {
		return
	}
	p.swept = now
	for id, g := range p.gates {
		if len(g.inside) == 0 && now.Sub(g.last) > gateIdle {
			delete(p.gates, id)
		}
	}
}

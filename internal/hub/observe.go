package hub

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/store"
)

// presencePoller reads who is in an account's meetings. Webhooks are faster; this fills in what they miss. A failed reading changes
// only the poller's line in Status.
type presencePoller struct {
	hub     *Hub
	account *account
	// last is when each meeting was last read; pause until when none is read.
	last   map[string]time.Time
	pause  time.Time
	missed missed
	// shared is when all were last read with one call.
	shared time.Time
}

func newPresencePoller(h *Hub, a *account) *presencePoller {
	return &presencePoller{hub: h, account: a, last: make(map[string]time.Time)}
}

// Readings of one turn share commits: a commit for each of a hundred live meetings would keep the disk busy.
const (
	readingsAtOnce = 32
	readingsWithin = time.Second
)

// From so many meetings on, those of a platform that lists them are read with one call, every togetherEvery: one each would be many a second.
const (
	togetherFrom  = 16
	togetherEvery = 15 * time.Second
)

// turn reads the meetings that are due, as many as the platform's spacing allows.
func (p *presencePoller) turn(ctx context.Context) {
	traits := p.account.Provider.Traits()
	if p.missed.due(p.hub) {
		clear(p.last)
		p.shared = time.Time{}
	}
	unended, err := p.hub.unended(ctx, p.account)
	if err != nil {
		p.hub.complain(err, "the meetings to poll could not be read", p.account)
		return
	}
	every := traits.PresenceEvery
	if l, ok := p.account.Provider.(provider.PresenceLister); ok && len(unended) >= togetherFrom {
		every = max(every, togetherEvery)
		p.together(ctx, l, unended)
	}
	var read []Reading
	for _, m := range p.due(unended, every) {
		now := p.hub.clock.Now()
		if now.Before(p.pause) {
			break
		}
		if ctx.Err() != nil {
			return
		}
		p.last[m.ID] = now
		p.pause = now.Add(traits.PresenceSpacing)
		r, err := p.hub.readPresence(ctx, p.account, m)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			read = append(read, r)
		}
		if len(read) >= readingsAtOnce || len(read) > 0 && p.hub.clock.Since(read[0].Begun) >= readingsWithin {
			err = cmp.Or(err, p.hub.observe(ctx, read...))
			read = nil
		}
		if errors.Is(err, provider.NotFound) {
			err = nil // a fact about this meeting, which the endWatcher handles; it still closes nothing
		}
		p.hub.notePoller("presence", p.account, err)
		if errors.Is(err, provider.RateLimited) {
			p.pause = now.Add(retryAfter(err, traits.PresenceEvery))
		}
	}
	if err := p.hub.observe(ctx, read...); err != nil && ctx.Err() == nil {
		p.hub.notePoller("presence", p.account, err)
	}
}

// together reads with one call the meetings that have people, if it is time. The others are left to readings of their own, which tell an empty
// room from one that is gone.
func (p *presencePoller) together(ctx context.Context, l provider.PresenceLister, unended []roster.Meeting) {
	now := p.hub.clock.Now()
	if now.Sub(p.shared) < togetherEvery || now.Before(p.pause) {
		return
	}
	p.shared = now
	all, err := l.AllPresence(ctx)
	if ctx.Err() != nil {
		return
	}
	p.hub.noteCall(p.account, err)
	if errors.Is(err, provider.RateLimited) {
		p.pause = now.Add(retryAfter(err, togetherEvery))
	}
	var read []Reading
	for _, m := range unended {
		if here := all[m.PlatformRoom]; len(here) > 0 {
			p.last[m.ID] = now
			read = append(read, Reading{meeting: m.ID, Begun: now, Here: here})
		}
	}
	for some := range slices.Chunk(read, readingsAtOnce) {
		err = cmp.Or(err, p.hub.observe(ctx, some...))
	}
	if ctx.Err() == nil {
		p.hub.notePoller("presence", p.account, err)
	}
}

func retryAfter(err error, least time.Duration) time.Duration {
	return max(least, provider.RetryAfter(err))
}

// due lists the meetings that were not read for the given time, the oldest reading first.
func (p *presencePoller) due(unended []roster.Meeting, every time.Duration) (due []roster.Meeting) {
	now := p.hub.clock.Now()
	standing := make(map[string]bool, len(unended))
	for _, m := range unended {
		standing[m.ID] = true
		if now.Sub(p.last[m.ID]) >= every {
			due = append(due, m)
		}
	}
	maps.DeleteFunc(p.last, func(id string, _ time.Time) bool { return !standing[id] })
	stable.Sort(due, func(a, b roster.Meeting) int { return p.last[a.ID].Compare(p.last[b.ID]) })
	return due
}

// every starts a background reader that takes a turn now and then once per period, until the hub closes.
func (h *Hub) every(period time.Duration, name string, turn func(context.Context)) {
	h.goes(name, func() {
		tick := h.clock.NewTicker(period)
		defer tick.Stop()
		for {
			turn(h.ctx)
			select {
			case <-tick.Chan():
			case <-h.ctx.Done():
				return
			}
		}
	})
}

// complain logs a failure in the background, unless the hub is closing.
func (h *Hub) complain(err error, what string, a *account) {
	if h.ctx.Err() == nil {
		h.log.Error(what, "account", a.Name, "err", err)
	}
}

// readPresence reads one meeting's presence.
func (h *Hub) readPresence(ctx context.Context, a *account, m roster.Meeting) (Reading, error) {
	begun := h.clock.Now()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	here, err := a.Provider.Presence(ctx, platformMeeting(m.Meeting, nil))
	partial := errors.Is(err, provider.ErrPartial)
	if partial {
		err = nil
	}
	h.noteCall(a, err)
	if errors.Is(err, provider.NotFound) && a.Provider.Traits().GoneIsEmpty {
		here, err = nil, nil
	}
	return Reading{meeting: m.ID, Begun: begun, Here: here, Partial: partial}, err
}

// Reading is one presence reading.
type Reading struct {
	// Begun is when it began.
	Begun time.Time
	Here  []provider.Participant
	// Partial means that absence from it proves nothing, see [provider.ErrPartial].
	Partial bool

	meeting string // its id
}

// Observe adds a presence reading to the evidence about a meeting.
func (h *Hub) Observe(ctx context.Context, meeting string, r Reading) error {
	r.meeting = meeting
	return h.observe(ctx, r)
}

// observe adds readings of different meetings, in one commit.
func (h *Hub) observe(ctx context.Context, readings ...Reading) error {
	if len(readings) == 0 {
		return nil
	}
	now := h.clock.Now()
	return h.store.Update(ctx, func(tx *store.Tx) error {
		for _, r := range readings {
			r.Begun = app.Earlier(r.Begun, now)
			err := h.observeIn(tx, r, now)
			if len(readings) > 1 && errors.Is(err, store.ErrNotFound) {
				continue // it was deleted meanwhile, which concerns no other
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *Hub) observeIn(tx *store.Tx, r Reading, now time.Time) error {
	m, err := tx.Meeting(r.meeting)
	if err != nil || m.Status == app.Ended {
		return err
	}
	o := observation{tx: tx, m: &m, begun: r.Begun, listed: make(map[string]bool)}
	for _, p := range r.Here {
		if p.Session == "" {
			continue
		}
		p = personUpTo(p, now)
		if former, err := ofFormer(tx, m, p, r.Begun); err != nil {
			return err
		} else if former {
			continue
		}
		if !p.JoinedAt.IsZero() && !m.Holds(p.JoinedAt) {
			p.JoinedAt = m.Since.Add(1) // they stayed from the meeting before
		}
		m.Began(p.JoinedAt)
		if err := o.see(p); err != nil {
			return err
		}
		if a := h.accounts[m.Account]; a != nil {
			if err := a.claimRecordings(tx, &m, p.Session, r.Begun); err != nil {
				return err
			}
		}
	}
	if !r.Partial {
		if err := o.miss(); err != nil {
			return err
		}
	}
	if !r.Partial && !o.anybody {
		o.changed = m.EmptyReading(r.Begun) || o.changed
	}
	if o.anybody {
		m.Inhabited()
	}
	if m.Status == app.Live || o.anybody {
		m.Observed(r.Begun, app.FromPresence)
		o.changed = true
	}
	if !o.changed {
		return nil
	}
	return tx.PutMeeting(m)
}

// ofFormer reports whether a person listed by a reading of m has already left: they were in the meeting before it in the same
// platform room.
func ofFormer(tx *store.Tx, m roster.Meeting, p provider.Participant, begun time.Time) (bool, error) {
	if m.Former == "" {
		return false, nil
	}
	if !p.LeftAt.IsZero() {
		return !m.Holds(p.LeftAt), nil
	}
	if p.JoinedAt.IsZero() {
		s, known, err := store.Found(tx.Stay(m.Former, p.Session))
		if !known {
			return false, err
		}
		p.JoinedAt = app.Later(s.JoinedAt.Time, m.Since.Add(-1))
	}
	return m.Leftover(p.JoinedAt, begun), nil
}

// observation is one presence reading being added.
type observation struct {
	tx      *store.Tx
	m       *roster.Meeting
	begun   time.Time
	listed  map[string]bool
	anybody bool
	changed bool
}

func (o *observation) see(p provider.Participant) error {
	s, known, err := store.Found(o.tx.Stay(o.m.ID, p.Session))
	if err != nil {
		return err
	}
	fresh := !known
	if !p.LeftAt.IsZero() {
		was := s.LeftReported
		if fresh || was.IsZero() {
			s.Left(p, o.begun, app.FromPresence)
		}
		if fresh || !s.LeftReported.Equal(was) {
			o.note(provider.KindParticipantLeft, s, s.LeftReported)
			return o.put(s)
		}
		return nil
	}
	o.listed[p.Session] = true
	if p.Role != provider.RoleBot {
		o.anybody = true
	}
	gone := !fresh && !s.LeftAt.IsZero()
	s.Seen(p, o.begun)
	if fresh || gone && s.LeftReported.IsZero() {
		o.note(provider.KindParticipantJoined, s, s.JoinedAt.Time)
	}
	return o.put(s)
}

// miss adds the evidence of absence to every open stay that is not listed.
func (o *observation) miss() error {
	stays, err := o.tx.Staying(o.m.ID)
	if err != nil {
		return err
	}
	for _, s := range stays {
		if o.listed[s.Session] || !s.Present() || s.JoinedAt.IsZero() || !s.Lacked(o.begun, o.m.Lag) {
			continue
		}
		if !s.Closed.IsZero() && !s.SeenAt.After(s.Closed) {
			o.note(provider.KindParticipantLeft, *s, s.Closed)
		}
		if err := o.put(*s); err != nil {
			return err
		}
	}
	return nil
}

func (o *observation) put(s roster.Stay) error {
	o.changed = true
	return o.tx.PutStay(o.m.ID, s)
}

func (o *observation) note(kind provider.EventKind, s roster.Stay, at time.Time) {
	noteActivity(o.tx, o.m, app.Activity{At: app.At(at), Kind: kind, Who: nameOf(s), Source: app.FromPresence})
}

// noteActivity publishes what happened in a meeting with the commit.
func noteActivity(tx *store.Tx, m *roster.Meeting, a app.Activity) {
	a.Account, a.Meeting, a.Room = m.Account, m.ID, m.Room
	tx.Changed(app.Change{Kind: app.ActivityChange, Activity: &a})
}

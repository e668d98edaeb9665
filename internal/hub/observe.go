package hub

import (
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// expiryEvery is how often meetings are looked through for those whose end has passed.
const expiryEvery = 15 * time.Second

// pollPresence reads who is in the account's meetings until the hub closes. Webhooks are faster; this makes good what
// they miss. A reading that fails changes nothing but the poller's line in Status.
func (h *Hub) pollPresence(a *account) {
	traits := a.Provider.Traits()
	last := make(map[string]time.Time)
	tick := h.clock.NewTicker(time.Second)
	defer tick.Stop()
	for {
		due, err := h.dueForPresence(a, last, traits.PresenceEvery)
		if err != nil && h.ctx.Err() == nil {
			h.log.Error("the meetings to poll could not be read", "account", a.Name, "err", err)
		}
		for _, m := range due {
			begun := h.clock.Now()
			last[m.ID] = begun
			err := h.readPresence(h.ctx, a, m)
			if h.ctx.Err() != nil {
				return
			}
			h.notePoller("presence", a, err)
			if errors.Is(err, provider.RateLimited) {
				h.wait(retryAfter(err, traits.PresenceEvery))
			}
			if !h.wait(traits.PresenceSpacing) {
				return
			}
		}
		select {
		case <-tick.Chan():
		case <-h.ctx.Done():
			return
		}
	}
}

func retryAfter(err error, least time.Duration) time.Duration {
	var e *provider.Error
	if errors.As(err, &e) && e.RetryAfter > least {
		return min(e.RetryAfter, time.Minute)
	}
	return least
}

// wait waits unless the hub closes first.
func (h *Hub) wait(d time.Duration) bool {
	if d <= 0 {
		return h.ctx.Err() == nil
	}
	select {
	case <-h.clock.After(d):
		return true
	case <-h.ctx.Done():
		return false
	}
}

func (h *Hub) dueForPresence(a *account, last map[string]time.Time, every time.Duration) ([]roster.Meeting, error) {
	now := h.clock.Now()
	var due []roster.Meeting
	err := h.store.View(h.ctx, func(tx *store.Tx) error {
		unended, err := tx.Unended()
		if err != nil {
			return err
		}
		standing := make(map[string]bool, len(unended))
		for _, m := range unended {
			if m.Account != a.Name {
				continue
			}
			standing[m.ID] = true
			if now.Sub(last[m.ID]) >= every {
				due = append(due, m)
			}
		}
		for id := range last {
			if !standing[id] {
				delete(last, id)
			}
		}
		return nil
	})
	return due, err
}

// readPresence reads one meeting's presence and adds it to the evidence.
func (h *Hub) readPresence(ctx context.Context, a *account, m roster.Meeting) error {
	begun := h.clock.Now()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	here, err := a.Provider.Presence(ctx, platformMeeting(m.Meeting, nil))
	h.noteCall(a, err)
	if err != nil {
		return err
	}
	return h.Observe(ctx, m.ID, begun, here)
}

// Observe adds a presence reading that began at the given time to the evidence about a meeting.
func (h *Hub) Observe(ctx context.Context, meeting string, begun time.Time, here []provider.Participant) error {
	return h.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.Meeting(meeting)
		if err != nil || m.Status == app.Ended {
			return err
		}
		o := observation{tx: tx, m: &m, begun: begun, listed: make(map[string]bool)}
		for _, p := range here {
			if p.Session == "" {
				continue
			}
			if err := o.see(p); err != nil {
				return err
			}
		}
		if err := o.miss(); err != nil {
			return err
		}
		if !o.anybody {
			was := m.EndedMark
			m.EmptyReading(begun)
			o.changed = o.changed || !m.EndedMark.Equal(was) || m.EmptyRead.Equal(begun.UTC())
		}
		if m.Status == app.Live {
			m.Heard(begun, app.FromPresence)
			o.changed = true
		}
		if !o.changed {
			return nil
		}
		return tx.PutMeeting(m)
	})
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
	s, err := o.tx.Stay(o.m.ID, p.Session)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	if !p.LeftAt.IsZero() {
		if fresh || s.LeftTold.IsZero() {
			s.Left(p, o.begun, app.FromPresence)
			o.note(provider.KindParticipantLeft, s, s.LeftTold)
			return o.put(s)
		}
		return nil
	}
	o.listed[p.Session] = true
	if p.Role != provider.RoleBot {
		o.anybody = true
	}
	back := !fresh && !s.LeftAt.IsZero() && s.LeftTold.IsZero()
	s.Seen(p, o.begun)
	if fresh || back {
		o.note(provider.KindParticipantJoined, s, s.JoinedAt.Time)
	}
	return o.put(s)
}

// miss adds to every open stay that is not listed that this reading lacks it.
func (o *observation) miss() error {
	stays, err := o.tx.Stays(o.m.ID)
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
	o.tx.Changed(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{
		At: app.At(at), Account: o.m.Account, Meeting: o.m.ID, Room: o.m.Room, Kind: kind, Who: nameOf(s),
		Source: app.FromPresence,
	}})
}

// watchExpiry ends meetings whose end has passed, and asks the platform about those that were made here and may be gone.
func (h *Hub) watchExpiry() {
	tick := h.clock.NewTicker(expiryEvery)
	defer tick.Stop()
	for {
		if err := h.expire(); err != nil && h.ctx.Err() == nil {
			h.log.Error("meetings past their end could not be ended", "err", err)
		}
		select {
		case <-tick.Chan():
		case <-h.ctx.Done():
			return
		}
	}
}

func (h *Hub) expire() error {
	unended, err := h.Meetings(h.ctx, app.MeetingQuery{Unended: true, Limit: 100_000})
	if err != nil {
		return err
	}
	for _, m := range unended {
		a := h.accounts[m.Account]
		if a == nil || !h.overdue(m, a) {
			continue
		}
		at := m.EndsAt.Add(a.Provider.Traits().Linger)
		if _, err := h.end(h.ctx, m.ID, at, roster.ReasonExpired, app.FromClock); err != nil {
			return err
		}
	}
	return nil
}

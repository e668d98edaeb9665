package hub

import (
	"cmp"
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// prolongWithin is how long before its end a meeting is extended, prolongBy by how much.
	prolongWithin = time.Hour
	prolongBy     = time.Hour
	// prolongAgain is how soon a failed extension is retried.
	prolongAgain = time.Minute
	// overdueFor is how long after its end a meeting is over without confirmation of the platform. A clock that was wrong for a
	// moment is right again by then.
	overdueFor = 10 * time.Minute
)

// isOverdue reports whether a meeting's end has passed and nothing shows a participant in it. If the platform keeps a room for a while
// after its end, only signs after that count.
func (w *endWatcher) isOverdue(ctx context.Context, m app.Meeting) (bool, error) {
	linger := w.account.Provider.Traits().Linger
	if m.Lasting {
		linger = 0 // its end is ours alone
	}
	over := m.EndsAt.Add(linger)
	if m.EndsAt.IsZero() || !w.hub.clock.Now().After(over) {
		return false, nil
	}
	if m.Here == 0 || linger == 0 {
		return m.Here == 0, nil
	}
	seen := false
	err := w.hub.store.View(ctx, func(tx *store.Tx) error {
		stays, err := tx.Stays(m.ID)
		for _, s := range stays {
			seen = seen || s.Present() && !s.Bot && (s.SeenAt.After(over) || s.Evidence.After(over))
		}
		return err
	})
	return !seen, err
}

// expire ends a meeting past its end when the platform reports it as gone, or enough time has passed.
func (w *endWatcher) expire(ctx context.Context, m app.Meeting, s *endState) {
	h, now := w.hub, w.hub.clock.Now()
	if s.overdue.IsZero() {
		s.overdue, s.next = now, now
	}
	l, ok := w.account.Provider.(provider.Looker)
	gone := false
	if ok && !now.Before(s.next) && !now.Before(w.pause) {
		w.pause, s.next = now.Add(w.account.Provider.Traits().PresenceSpacing), now.Add(lookAgain)
		found, err := l.Lookup(ctx, platformMeeting(m, nil))
		h.noteCall(w.account, err)
		if ctx.Err() != nil {
			return
		}
		if err == nil && !m.Lasting && found.Until.After(m.EndsAt.Time) {
			w.moved(ctx, m.ID, found.Until, app.FromPlatform)
			return
		}
		gone = errors.Is(err, provider.NotFound)
	}
	if !gone && now.Sub(s.overdue) < overdueFor {
		return
	}
	if _, err := h.end(ctx, m.ID, m.EndsAt.Time, roster.ReasonExpired, app.FromClock); err != nil {
		h.complain(err, "a meeting past its end could not be ended", w.account)
	}
}

// prolong extends a meeting that was created here, on its platform, if people are in it and little time is left: otherwise no one
// could join, and the platform would delete the room during the meeting. Adopted rooms keep their end.
func (w *endWatcher) prolong(ctx context.Context, m app.Meeting, s *endState) {
	h, now := w.hub, w.hub.clock.Now()
	e, ok := w.account.Provider.(provider.Extender)
	left := m.EndsAt.Sub(now)
	if !ok && !m.Lasting || m.Here == 0 || m.Adopted && !m.Lasting || m.EndsAt.IsZero() || left <= 0 || left >= prolongWithin ||
		now.Before(s.extend) {
		return
	}
	s.extend = now.Add(prolongAgain)
	until := m.EndsAt.Add(prolongBy)
	if m.Lasting { // the platform's room has no end, or a later one
		w.moved(ctx, m.ID, until, app.FromHere)
		return
	}
	err := e.Extend(ctx, platformMeeting(m, nil), until)
	h.noteCall(w.account, err)
	if ctx.Err() != nil {
		return
	}
	h.notePoller("ends", w.account, err)
	if err != nil {
		h.log.Error("the end of a running meeting could not be moved", "account", w.account.Name, "room", m.Room, "err", err)
		return
	}
	w.moved(ctx, m.ID, until, app.FromHere)
}

// moved stores and reports that a meeting ends later.
func (w *endWatcher) moved(ctx context.Context, id string, until time.Time, from app.Source) {
	h := w.hub
	h.noteMeeting(ctx, id, func(tx *store.Tx, m *roster.Meeting) error {
		m.BookedUntil, m.EndsAt = cmp.Or(m.BookedUntil, m.EndsAt), app.At(until)
		noteActivity(tx, m, app.Activity{At: h.now(), Kind: app.MeetingExtended, Until: app.At(until), Source: from})
		h.log.Info("a meeting continues past its end, so its end was moved", "account", m.Account, "room", m.Room, "until", until.UTC())
		return nil
	})
}

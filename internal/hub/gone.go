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
	// lookEvery is how often the platform is asked whether a meeting still exists.
	lookEvery = 5 * time.Minute
	// lookAgain is how soon a "not found" is confirmed; one alone ends nothing.
	lookAgain = 30 * time.Second
)

// endWatcher ends an account's meetings whose end has passed, and those whose room was removed on the platform by others, which
// takes two consecutive answers. While people are in a meeting it moves the end in time, and only evidence about them ends the
// meeting.
type endWatcher struct {
	hub      *Hub
	account  *account
	meetings map[string]*endState
	pause    time.Time
}

// endState is the state of a meeting for an endWatcher.
type endState struct {
	// next is when the platform is asked for it, missing whether the last answer was that it doesn't exist.
	next    time.Time
	missing bool
	// overdue is since when it has been past its end, extend when its end may be moved.
	overdue, extend time.Time
}

func newEndWatcher(h *Hub, a *account) *endWatcher { return &endWatcher{hub: h, account: a} }

func (w *endWatcher) turn(ctx context.Context) {
	h := w.hub
	unended, err := h.unended(ctx, w.account)
	if err != nil {
		h.complain(err, "the meetings to check could not be read", w.account)
		return
	}
	meetings := make(map[string]*endState, len(unended))
	for i := range unended {
		m := unended[i].Meeting
		s := cmp.Or(w.meetings[m.ID], &endState{})
		meetings[m.ID] = s
		switch due, err := w.isOverdue(ctx, m); {
		case err != nil:
			h.complain(err, "the participants of a meeting past its end could not be read", w.account)
		case due:
			w.expire(ctx, m, s)
		default:
			s.overdue = time.Time{}
			w.prolong(ctx, m, s)
			w.look(ctx, m, s)
		}
	}
	w.meetings = meetings
}

func (w *endWatcher) look(ctx context.Context, m app.Meeting, s *endState) {
	l, ok := w.account.Provider.(provider.Looker)
	if !ok {
		return
	}
	now := w.hub.clock.Now()
	s.next = cmp.Or(s.next, now.Add(lookAgain))
	if now.Before(s.next) || now.Before(w.pause) {
		return
	}
	w.pause = now.Add(w.account.Provider.Traits().PresenceSpacing)
	found, err := l.Lookup(ctx, platformMeeting(m, nil))
	w.hub.noteCall(w.account, err)
	if err == nil && (m.GuestURL == "" && found.GuestURL != "" || m.PlatformID == "") {
		w.complete(ctx, m.ID, found)
	}
	gone := errors.Is(err, provider.NotFound) && m.Here == 0
	switch {
	case gone && s.missing:
		if _, err := w.hub.end(ctx, m.ID, now, roster.ReasonGone, app.FromPlatform); err != nil {
			w.hub.complain(err, "a meeting that is gone could not be ended", w.account)
		}
		s.next = time.Time{}
	case gone:
		s.next = now.Add(lookAgain)
	default:
		s.next = now.Add(lookEvery)
	}
	s.missing = gone
}

// complete adds the link and the end to a meeting that is known only from events.
func (w *endWatcher) complete(ctx context.Context, id string, found provider.Meeting) {
	err := w.hub.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.Meeting(id)
		if err != nil {
			return err
		}
		complete(&m, found)
		return tx.PutMeeting(m)
	})
	if err != nil {
		w.hub.complain(err, "the details of a meeting could not be stored", w.account)
	}
}

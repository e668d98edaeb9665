package hub

import (
	"context"
	"errors"
	"maps"
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
	hub     *Hub
	account *account
	next    map[string]time.Time
	missing map[string]bool
	// overdue is since when a meeting has been past its end, extend when its end may be moved next.
	overdue map[string]time.Time
	extend  map[string]time.Time
	pause   time.Time
}

func newEndWatcher(h *Hub, a *account) *endWatcher {
	return &endWatcher{
		hub: h, account: a, next: make(map[string]time.Time), missing: make(map[string]bool),
		overdue: make(map[string]time.Time), extend: make(map[string]time.Time),
	}
}

func (w *endWatcher) turn(ctx context.Context) {
	h := w.hub
	unended, err := h.unended(ctx, w.account)
	if err != nil {
		h.complain(err, "the meetings to look after could not be read", w.account)
		return
	}
	standing := make(map[string]bool, len(unended))
	for i := range unended {
		m := unended[i].Meeting
		standing[m.ID] = true
		switch due, err := w.isOverdue(ctx, m); {
		case err != nil:
			h.complain(err, "who is in a meeting past its end could not be read", w.account)
		case due:
			w.expire(ctx, m)
		default:
			delete(w.overdue, m.ID)
			w.prolong(ctx, m)
			w.look(ctx, m)
		}
	}
	gone := func(id string, _ time.Time) bool { return !standing[id] }
	maps.DeleteFunc(w.next, gone)
	maps.DeleteFunc(w.overdue, gone)
	maps.DeleteFunc(w.extend, gone)
	maps.DeleteFunc(w.missing, func(id string, _ bool) bool { return !standing[id] })
}

func (w *endWatcher) look(ctx context.Context, m app.Meeting) {
	l, ok := w.account.Provider.(provider.Looker)
	if !ok {
		return
	}
	now := w.hub.clock.Now()
	if _, known := w.next[m.ID]; !known {
		w.next[m.ID] = now.Add(lookAgain)
	}
	if now.Before(w.next[m.ID]) || now.Before(w.pause) {
		return
	}
	w.pause = now.Add(w.account.Provider.Traits().PresenceSpacing)
	found, err := l.Lookup(ctx, platformMeeting(m, nil))
	w.hub.noteCall(w.account, err)
	if err == nil && (m.GuestURL == "" && found.GuestURL != "" || m.PlatformID == "") {
		w.complete(ctx, m.ID, found)
	}
	gone := errors.Is(err, provider.NotFound) && m.Here == 0
	w.next[m.ID] = now.Add(lookEvery)
	if gone && !w.missing[m.ID] {
		w.next[m.ID] = now.Add(lookAgain)
	}
	if gone && w.missing[m.ID] {
		if _, err := w.hub.end(ctx, m.ID, now, roster.ReasonGone, app.FromPlatform); err != nil {
			w.hub.complain(err, "a meeting that is gone could not be ended", w.account)
		}
		delete(w.next, m.ID)
	}
	w.missing[m.ID] = gone
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

package hub

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// sweepEvery is how often an account is searched for people in unknown rooms.
const sweepEvery = 30 * time.Second

// sweeper reads who is in every room of an account with one call, and adopts unknown rooms that are in use, so that hosts see their
// existing rooms at once. The presence poller handles the known ones.
type sweeper struct {
	hub     *Hub
	account *account
	lister  provider.PresenceLister
	next    time.Time
}

func newSweeper(h *Hub, a *account) (*sweeper, bool) {
	l, ok := a.Provider.(provider.PresenceLister)
	return &sweeper{hub: h, account: a, lister: l}, ok
}

func (s *sweeper) turn(ctx context.Context) {
	now := s.hub.clock.Now()
	if now.Before(s.next) {
		return
	}
	s.next = now.Add(sweepEvery)
	all, err := s.lister.AllPresence(ctx)
	if ctx.Err() != nil {
		return
	}
	s.hub.noteCall(s.account, err)
	for _, room := range slices.Sorted(maps.Keys(all)) {
		if err == nil && len(all[room]) > 0 {
			err = s.adopt(ctx, room, all[room], now)
		}
	}
	s.hub.notePoller("rooms in use", s.account, err)
	if errors.Is(err, provider.RateLimited) {
		s.next = now.Add(retryAfter(err, sweepEvery))
	}
}

// adopt adopts a room in use. Meetings that were ended here stay ended, and a later participant in an adopted room begins a new
// meeting; other ended meetings are revived if a participant joined later.
func (s *sweeper) adopt(ctx context.Context, room string, people []provider.Participant, begun time.Time) error {
	h, since, latest := s.hub, begun, time.Time{}
	for _, p := range people {
		if j := app.Earlier(p.JoinedAt, begun); !j.IsZero() {
			since = app.Earlier(since, j)
			latest = app.Later(latest, j)
		}
	}
	known, had, err := store.Found(store.Read(ctx, h.store, func(tx *store.Tx) (roster.Meeting, error) {
		return tx.MeetingByPlatform(s.account.Name, room, "")
	}))
	if err != nil || had && known.Status != app.Ended {
		return err
	}
	fresh := !had
	if had {
		// Presence still lists who was there at the end.
		fresh = known.IsBefore(latest)
		if !fresh && (known.EndReason == roster.ReasonEndedHere || !latest.After(known.EndedAt.Time)) {
			return nil
		}
	}
	found := provider.Meeting{Room: room}
	if l, ok := s.account.Provider.(provider.Looker); ok && fresh {
		// Without its link the room is still shown; the link is looked up again later.
		if full, err := l.Lookup(ctx, found); err == nil {
			found = full
		}
	}
	var id string
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.MeetingByPlatform(s.account.Name, room, "")
		if errors.Is(err, store.ErrNotFound) {
			m, err = h.adopt(tx, s.account, found, "", "", since, nil)
		} else if err == nil && fresh && m.ID == known.ID {
			former := m
			m, err = h.adopt(tx, s.account, found, "", "", latest, &former)
		}
		if err != nil {
			return err
		}
		id = m.ID
		m.Revive(latest, begun)
		return tx.PutMeeting(m)
	})
	if err != nil {
		return err
	}
	return h.Observe(ctx, id, Reading{Begun: begun, Here: people})
}

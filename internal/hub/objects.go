package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/recording"
	"greenroom/internal/roster"
	"greenroom/store"
)

const (
	// settleEvery is how often recordings found in buckets are checked again, settleWithin how old they may be.
	settleEvery  = time.Minute
	settleWithin = 7 * 24 * time.Hour
	// objectsAtOnce is how many recordings are written in one transaction, for which other writes wait.
	objectsAtOnce = 100
)

// ObserveObjects merges recordings found in a bucket into the store, and returns when they are durable. The same recordings may be
// found repeatedly, in any order, and be listed by the platform, too: then they are merged into the platform's. accounts share the
// bucket; the owner is the one that already has the recording, else the one that knows its room, else the first.
//
// The id of a found recording is Greenroom's own, and always the same for the same objects; each of its files has a key. Raw tracks
// are "processing", since only the platform knows whether the set is complete.
func (h *Hub) ObserveObjects(ctx context.Context, accounts []string, found []recording.Found) error {
	var of []*account
	for _, name := range accounts {
		a, err := h.accountOf(name)
		if err != nil {
			return err
		}
		of = append(of, a)
	}
	if len(of) == 0 {
		return errors.New("recordings were found in a bucket that belongs to no account")
	}
	for part := range slices.Chunk(found, objectsAtOnce) {
		if err := h.observeObjects(ctx, of, part); err != nil {
			return fmt.Errorf("store the contents of a bucket: %w", writeError(err))
		}
	}
	return nil
}

// observeObjects writes only new evidence. Most sweeps find none.
func (h *Hub) observeObjects(ctx context.Context, of []*account, found []recording.Found) error {
	var news []recording.Found
	err := h.store.View(ctx, func(tx *store.Tx) error {
		for _, f := range found {
			a, known, err := ownerOf(tx, of, f)
			if err != nil {
				return err
			}
			fresh, err := a.news(tx, known, f, h.clock.Now())
			if err != nil {
				return err
			}
			if fresh {
				news = append(news, f)
			}
		}
		return nil
	})
	if err != nil || len(news) == 0 {
		return err
	}
	return h.store.Update(ctx, func(tx *store.Tx) error {
		for _, f := range news {
			a, known, err := ownerOf(tx, of, f)
			if err != nil {
				return err
			}
			if err := a.observeObject(tx, known, f, h.clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// ownerOf returns the account of a recording, and the known recording, nil for none.
func ownerOf(tx *store.Tx, of []*account, f recording.Found) (*account, *app.Recording, error) {
	for _, a := range of {
		known, err := a.foundBefore(tx, f)
		if known != nil || err != nil {
			return a, known, err
		}
	}
	for _, a := range of {
		if _, known, err := store.Found(tx.MeetingByPlatform(a.Name, f.Recording.Room, "")); known || err != nil {
			return a, nil, err
		}
	}
	return of[0], nil, nil
}

// foundBefore returns the recording that has one of the files, or the id; nil for none.
func (a *account) foundBefore(tx *store.Tx, f recording.Found) (*app.Recording, error) {
	for _, file := range f.Recording.Files {
		if r, known, err := store.Found(tx.RecordingOf(a.Name, file.Key)); known || err != nil {
			return &r, err
		}
	}
	r, known, err := store.Found(tx.Recording(a.Name, f.Recording.ID))
	if !known {
		return nil, err
	}
	return &r, nil
}

// news reports whether observing f would change anything.
func (a *account) news(tx *store.Tx, known *app.Recording, f recording.Found, now time.Time) (bool, error) {
	if known == nil {
		return true, nil
	}
	m, e, err := a.inBucket(tx, *known, f, now)
	return catalog.AddsObjects(*known, m, e), err
}

// inBucket returns the evidence of a bucket about a recording, and its meeting, nil for none.
func (a *account) inBucket(tx *store.Tx, known app.Recording, f recording.Found, now time.Time) (*roster.Meeting, catalog.Evidence, error) {
	listed := f.Recording
	listed.ID = known.ID
	m, err := a.meetingOf(tx, listed)
	return m, catalog.InBucket(known, m, f, now), err
}

func (a *account) observeObject(tx *store.Tx, known *app.Recording, f recording.Found, now time.Time) error {
	if known == nil {
		known = &app.Recording{ID: f.Recording.ID, FromBucket: true}
	}
	m, e, err := a.inBucket(tx, *known, f, now)
	if err != nil {
		return err
	}
	return a.observe(tx, m, e, now)
}

// observe merges evidence other than events.
func (a *account) observe(tx *store.Tx, m *roster.Meeting, s catalog.Evidence, now time.Time) error {
	learned, err := a.merge(tx, m, s, now)
	if err != nil || !learned || m == nil {
		return err
	}
	if err := noteRecording(tx, m); err != nil {
		return err
	}
	return tx.PutMeeting(*m)
}

// settler checks unsettled recordings found in buckets: tracks that may be complete by now, and recordings whose meeting may be known
// by now.
type settler struct {
	hub  *Hub
	next time.Time
}

func (s *settler) turn(ctx context.Context) {
	now := s.hub.clock.Now()
	if now.Before(s.next) {
		return
	}
	s.next = now.Add(settleEvery)
	if err := s.hub.settleObjects(ctx); err != nil && ctx.Err() == nil {
		s.hub.log.Error("the objects found in buckets could not be read again", "err", err)
	}
}

func (h *Hub) settleObjects(ctx context.Context) error {
	now := h.clock.Now()
	open := map[string][]recording.Found{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		return tx.NewestRecordings(func(r app.Recording) bool {
			if catalog.Unsettled(r) {
				open[r.Account] = append(open[r.Account], catalog.Found(r))
			}
			return now.Sub(r.StartedAt.Time) < settleWithin
		})
	})
	if err != nil {
		return err
	}
	for name, found := range open {
		if a := h.accounts[name]; a != nil {
			err = errors.Join(err, h.observeObjects(ctx, []*account{a}, found))
		}
	}
	return err
}

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// quietTracks is for how long no further track of a recording must have come until it is taken for whole although the
	// platform hasn't said so. It is longer than Daily lets a recording be unless it is told otherwise (15,000 s): the track
	// of somebody who stays to the end comes at the end.
	quietTracks = 6 * time.Hour
	// settleEvery is how often what was found in buckets is looked at anew, settleWithin how old it may be.
	settleEvery  = time.Minute
	settleWithin = 7 * 24 * time.Hour
	// objectsAtOnce is how many recordings are written in one transaction: others wait for it.
	objectsAtOnce = 100
)

// Found is a recording that was made out in a bucket of the user's, see [Hub.ObserveObjects].
type Found struct {
	// Recording is as the platform would list it. Its id is Greenroom's own and always the same for the same objects; each
	// of its files has a key. One of several tracks is "processing", since only the platform knows whether they are all.
	provider.Recording
	// At is when the newest of its objects was made, zero when unknown.
	At time.Time
}

// ObserveObjects adds what was found in a bucket to what is known, and returns when it is durable. Everything may be told
// again, in any order, and beside what the platform tells of the same recordings: one whose objects the platform names is
// that one. accounts are those that the bucket is of; where there are several, a recording is of the one that knows it, else
// of the one that knows its room, else of the first.
func (h *Hub) ObserveObjects(ctx context.Context, accounts []string, found []Found) error {
	var of []*account
	for _, name := range accounts {
		a, err := h.accountOf(name)
		if err != nil {
			return err
		}
		of = append(of, a)
	}
	if len(of) == 0 {
		return errors.New("recordings were found in a bucket of no account")
	}
	for part := range slices.Chunk(found, objectsAtOnce) {
		if err := h.observeObjects(ctx, of, part); err != nil {
			return fmt.Errorf("note what a bucket has: %w", writeError(err))
		}
	}
	return nil
}

// observeObjects writes only where there is something new, which in most sweeps is nothing.
func (h *Hub) observeObjects(ctx context.Context, of []*account, found []Found) error {
	var news []Found
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

// ownerOf finds the account that a recording is of, and what is known of it; nil when nothing is.
func ownerOf(tx *store.Tx, of []*account, f Found) (*account, *app.Recording, error) {
	for _, a := range of {
		known, err := a.foundBefore(tx, f)
		if known != nil || err != nil {
			return a, known, err
		}
	}
	for _, a := range of {
		if _, err := tx.MeetingByPlatform(a.Name, f.Room, ""); err == nil {
			return a, nil, nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, nil, err
		}
	}
	return of[0], nil, nil
}

// foundBefore reads the recording that has one of the files, or is known by the id; nil when there is none.
func (a *account) foundBefore(tx *store.Tx, f Found) (*app.Recording, error) {
	for _, file := range f.Files {
		r, err := tx.RecordingOf(a.Name, file.Key)
		if err == nil {
			return &r, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	r, err := tx.Recording(a.Name, f.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return &r, err
}

// news says whether observing f would change anything.
func (a *account) news(tx *store.Tx, known *app.Recording, f Found, now time.Time) (bool, error) {
	if known == nil {
		return true, nil
	}
	m, s, err := a.sight(tx, *known, f, now)
	return known.ObjectAt.Before(f.At) || further(known.Status, s.status) != known.Status || known.Meeting == "" && m != nil ||
		!slices.Equal(withObjects(*known, f.Files), known.Files), err
}

// of is the recording under the id by which it is known.
func (f Found) of(id string) provider.Recording {
	r := f.Recording
	r.ID = id
	return r
}

// sight says what a bucket tells of a recording that is known as it stands, and finds its meeting, nil when there is none. A
// whole object is a recording that is ready. Tracks are never all there are as far as the bucket knows; without the
// platform's word they are taken for all when none has come for long, and nobody is in the meeting any more.
func (a *account) sight(tx *store.Tx, known app.Recording, f Found, now time.Time) (*roster.Meeting, sighting, error) {
	s := sighting{
		id: known.ID, room: f.Room, kind: f.Kind, status: app.RecordingStatus(f.Status), started: f.StartedAt, files: f.Files,
		object: true, objectAt: f.At,
	}
	m, err := a.meetingOf(tx, f.of(known.ID))
	last := later(later(known.ObjectAt.Time, f.At), f.StartedAt)
	switch {
	case f.Kind != "tracks":
	case !known.FromBucket:
		s.status = known.Status
	case now.Sub(last) >= quietTracks && (m == nil || m.Status != app.Live):
		s.status = app.RecordingReady
	}
	if known.Kind != "" {
		s.kind = known.Kind
	}
	return m, s, err
}

func (a *account) observeObject(tx *store.Tx, known *app.Recording, f Found, now time.Time) error {
	if known == nil {
		known = &app.Recording{ID: f.ID, FromBucket: true}
	}
	m, s, err := a.sight(tx, *known, f, now)
	if err != nil {
		return err
	}
	return a.observe(tx, m, s, now)
}

// observe merges a sighting that comes without an event.
func (a *account) observe(tx *store.Tx, m *roster.Meeting, s sighting, now time.Time) error {
	learned, err := a.merge(tx, m, s, now)
	if err != nil || !learned || m == nil {
		return err
	}
	if err := noteRecording(tx, m); err != nil {
		return err
	}
	return tx.PutMeeting(*m)
}

// settler looks at what was found in buckets and is not settled: tracks that may be all by now, and recordings whose meeting
// may be known by now.
type settler struct {
	hub  *Hub
	next time.Time
}

func (s *settler) run() { s.hub.everySecond(s.turn) }

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
	open := map[string][]Found{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		return tx.NewestRecordings(func(r app.Recording) bool {
			if r.FromBucket && (r.Status == app.RecordingProcessing || r.Meeting == "") {
				open[r.Account] = append(open[r.Account], Found{At: r.ObjectAt.Time, Recording: provider.Recording{
					ID: r.ID, Room: r.Room, Status: string(r.Status), Kind: r.Kind, StartedAt: r.StartedAt.Time, Files: r.Files,
				}})
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

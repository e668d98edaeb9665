package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// quietTracks is how long to wait after the last raw track before treating a recording as complete without the platform's
	// confirmation. It is longer than Daily's default limit of a recording (15,000 s): the track of a participant who stays to
	// the end comes at the end.
	quietTracks = 6 * time.Hour
	// settleEvery is how often the recordings found in buckets are checked again, settleWithin how old they may be.
	settleEvery  = time.Minute
	settleWithin = 7 * 24 * time.Hour
	// objectsAtOnce is how many recordings are written in one transaction: others wait for it.
	objectsAtOnce = 100
)

// ObserveObjects merges recordings found in a bucket into the store, and returns when they are durable. The same recordings may
// come again, in any order, and from the platform as well. A recording whose objects the platform also lists is merged into the
// platform's. accounts share the bucket; the owner is the one that already has the recording, else the one that knows its room,
// else the first.
//
// The id of a found recording is Greenroom's own and the same whenever the same objects are found; each of its files has a key.
// Raw tracks are "processing", since only the platform knows whether the set is complete.
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

// ownerOf finds the account that a recording is of, and what is known of it; nil when nothing is.
func ownerOf(tx *store.Tx, of []*account, f recording.Found) (*account, *app.Recording, error) {
	for _, a := range of {
		known, err := a.foundBefore(tx, f)
		if known != nil || err != nil {
			return a, known, err
		}
	}
	for _, a := range of {
		if _, err := tx.MeetingByPlatform(a.Name, f.Recording.Room, ""); err == nil {
			return a, nil, nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, nil, err
		}
	}
	return of[0], nil, nil
}

// foundBefore reads the recording that has one of the files, or is known by the id; nil when there is none.
func (a *account) foundBefore(tx *store.Tx, f recording.Found) (*app.Recording, error) {
	for _, file := range f.Recording.Files {
		r, err := tx.RecordingOf(a.Name, file.Key)
		if err == nil {
			return &r, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	r, err := tx.Recording(a.Name, f.Recording.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return &r, err
}

// news reports whether observing f would change anything.
func (a *account) news(tx *store.Tx, known *app.Recording, f recording.Found, now time.Time) (bool, error) {
	if known == nil {
		return true, nil
	}
	m, s, err := a.evidence(tx, *known, f, now)
	return known.ObjectAt.Before(f.At) || further(known.Status, s.status) != known.Status || known.Meeting == "" && m != nil ||
		!slices.Equal(withObjects(*known, f.Recording.Files), known.Files), err
}

// evidence turns a bucket's finding about a known recording into a sighting, and finds its meeting, nil when there is none. A
// whole object is a recording that is ready. A bucket can't know whether all tracks are there; without the platform's
// confirmation they are treated as complete when none has come for long, and the meeting is empty.
func (a *account) evidence(tx *store.Tx, known app.Recording, f recording.Found, now time.Time) (*roster.Meeting, sighting, error) {
	s := sighting{
		id: known.ID, room: f.Recording.Room, kind: f.Recording.Kind, status: app.RecordingStatus(f.Recording.Status), started: f.Recording.StartedAt, files: f.Recording.Files,
		object: true, objectAt: f.At,
	}
	listed := f.Recording
	listed.ID = known.ID
	m, err := a.meetingOf(tx, listed)
	last := later(later(known.ObjectAt.Time, f.At), f.Recording.StartedAt)
	switch {
	case f.Recording.Kind != "tracks":
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

func (a *account) observeObject(tx *store.Tx, known *app.Recording, f recording.Found, now time.Time) error {
	if known == nil {
		known = &app.Recording{ID: f.Recording.ID, FromBucket: true}
	}
	m, s, err := a.evidence(tx, *known, f, now)
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
	open := map[string][]recording.Found{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		return tx.NewestRecordings(func(r app.Recording) bool {
			if r.FromBucket && (r.Status == app.RecordingProcessing || r.Meeting == "") {
				open[r.Account] = append(open[r.Account], recording.Found{At: r.ObjectAt.Time, Recording: provider.Recording{
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

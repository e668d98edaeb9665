package hub

import (
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// recordingsPoller is the name of a [recordingPoller] in Status.
const recordingsPoller = "recordings"

const (
	// listEvery is how often recordings are listed while webhooks report them, listSoon while one is expected.
	listEvery = 3 * time.Minute
	listSoon  = 15 * time.Second
	// olderEvery is the time between two pages of older recordings, which leaves room in the platform's rate limit.
	olderEvery = 2 * time.Second
	// expectWithin is the age up to which recordings may be expected to change, expectFor how long one is looked for often after its
	// meeting stopped being recorded.
	expectWithin = 48 * time.Hour
	expectFor    = 10 * time.Minute
	// recently is the age of a webhook up to which webhooks count as working.
	recently = 24 * time.Hour
)

// recordingPoller lists an account's recordings. Events may get lost; the list is complete.
type recordingPoller struct {
	hub     *Hub
	account *account
	lister  provider.RecordingLister
	last    time.Time
	pause   time.Time
	// older is when the next page of older recordings is read, zero once all are known.
	older time.Time
	// recording are the meetings that were being recorded in the last turn; ended is when the recording of one last stopped.
	recording map[string]bool
	ended     time.Time
	missed    missed
}

func newRecordingPoller(h *Hub, a *account) (*recordingPoller, bool) {
	l, ok := a.Provider.(provider.RecordingLister)
	return &recordingPoller{hub: h, account: a, lister: l, recording: make(map[string]bool), older: h.clock.Now()}, ok
}

func (p *recordingPoller) turn(ctx context.Context) {
	now := p.hub.clock.Now()
	if p.missed.due(p.hub) {
		p.last = time.Time{}
	}
	if now.Before(p.pause) {
		return
	}
	age := now.Sub(p.last)
	if age < listSoon {
		p.readOlder(ctx, now)
		return
	}
	expected, err := p.expected(ctx, now)
	if err != nil {
		p.hub.complain(err, "the expected recordings could not be read", p.account)
		return
	}
	if !expected && age < listEvery {
		p.readOlder(ctx, now)
		return
	}
	p.last = now
	p.noted(ctx, now, p.hub.listNewest(ctx, p.account, p.lister))
	if p.older.IsZero() {
		p.older = now // a reading that was interrupted leaves some
	}
}

// readOlder reads the next page of older recordings when it is time.
func (p *recordingPoller) readOlder(ctx context.Context, now time.Time) {
	if p.older.IsZero() || now.Before(p.older) {
		return
	}
	more, err := p.hub.listOlder(ctx, p.account, p.lister)
	if p.older = now.Add(olderEvery); err != nil {
		p.older = now.Add(listSoon)
		p.noted(ctx, now, err)
	} else if !more {
		p.older = time.Time{}
	}
}

// noted records the outcome of a reading, and pauses if the platform asks for it.
func (p *recordingPoller) noted(ctx context.Context, now time.Time, err error) {
	if ctx.Err() != nil {
		return
	}
	p.hub.notePoller(recordingsPoller, p.account, err)
	if errors.Is(err, provider.RateLimited) {
		p.pause = now.Add(retryAfter(err, time.Minute))
	}
}

// expected reports whether a recording should appear or change soon.
func (p *recordingPoller) expected(ctx context.Context, now time.Time) (bool, error) {
	p.account.mu.Lock()
	hooks := now.Sub(p.account.eventAt.Time) < recently
	p.account.mu.Unlock()
	unended, err := p.hub.unended(ctx, p.account)
	if err != nil {
		return false, err
	}
	expected := false
	running := make(map[string]bool)
	for _, m := range unended {
		running[m.ID] = m.Recording == app.IsRecording
		expected = expected || m.Recording == app.StartingRecording || !hooks && m.Status == app.Live &&
			(m.Record == provider.RecordingCloud || m.Adopted)
	}
	for id, was := range p.recording {
		if was && !running[id] {
			p.ended = now
		}
	}
	p.recording = running
	err = p.hub.store.View(ctx, func(tx *store.Tx) error {
		return tx.NewestRecordings(func(r app.Recording) bool {
			expected = expected || r.Account == p.account.Name && catalog.Expected(r, running[r.Meeting], now)
			return !expected && now.Sub(r.StartedAt.Time) < expectWithin
		})
	})
	return expected || !p.ended.IsZero() && now.Sub(p.ended) < expectFor, err
}

// observeRecordings stores the new part of a page of a platform's list, and the mark unless it is nil.
func (h *Hub) observeRecordings(ctx context.Context, a *account, list []provider.Recording, mark *listMark) error {
	fresh := make([]provider.Recording, 0, len(list))
	err := h.store.View(ctx, func(tx *store.Tx) error {
		for _, r := range list {
			had, known, err := store.Found(tx.Recording(a.Name, r.ID))
			if err != nil {
				return err
			}
			if !known || catalog.Adds(had, r) {
				fresh = append(fresh, r)
			}
		}
		return nil
	})
	if err != nil || len(fresh) == 0 && mark == nil {
		return err
	}
	return h.store.Update(ctx, func(tx *store.Tx) error {
		if mark != nil {
			if err := putMark(tx, a, *mark); err != nil {
				return err
			}
		}
		for _, r := range fresh {
			if err := a.observeRecording(tx, r, h.clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *account) observeRecording(tx *store.Tx, r provider.Recording, now time.Time) error {
	s := catalog.Listed(r, now)
	m, err := a.meetingOf(tx, r)
	if err != nil {
		return err
	}
	if m != nil && s.Status == string(app.RecordingFailed) {
		if err := adoptFailure(tx, m, &s); err != nil {
			return err
		}
	}
	return a.observe(tx, m, s, now)
}

// adoptFailure merges a failure that an event named only by its instance.
func adoptFailure(tx *store.Tx, m *roster.Meeting, s *catalog.Evidence) error {
	all, err := recordingsOf(tx, m)
	if err != nil {
		return err
	}
	shown, ok := catalog.SameFailure(all, *s)
	if !ok {
		return nil
	}
	s.Failure, s.Instance = shown.Error, shown.Instance
	catalog.Forget(m, shown.ID)
	if err := tx.PutMeeting(*m); err != nil {
		return err
	}
	return tx.DeleteRecording(shown)
}

// meetingOf returns the meeting of a recording: the known one, else the one in its room when it began; nil for none.
func (a *account) meetingOf(tx *store.Tx, r provider.Recording) (*roster.Meeting, error) {
	if known, err := tx.Recording(a.Name, r.ID); err == nil && known.Meeting != "" {
		m, err := tx.Meeting(known.Meeting)
		if !errors.Is(err, store.ErrNotFound) {
			return &m, err
		}
	}
	if r.Room == "" {
		return nil, nil
	}
	m, known, err := store.Found(tx.MeetingByPlatform(a.Name, r.Room, ""))
	if !known || m.IsBefore(r.StartedAt) { // then it belongs to a meeting that is not known yet
		return nil, err
	}
	m, err = belongs(tx, m, r.StartedAt)
	if err == nil && !catalog.Near(m, r.StartedAt) {
		return nil, nil
	}
	return &m, err
}

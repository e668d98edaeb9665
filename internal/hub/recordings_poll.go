package hub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// listEvery is how often recordings are listed while webhooks tell of them, listSoon while one is expected.
	listEvery = 3 * time.Minute
	listSoon  = 15 * time.Second
	// listLimit is how many are listed: the newest of all rooms, in one call.
	listLimit = 100
	// expectFor is for how long a recording that should be there is looked for often.
	expectFor = time.Hour
	// heardLately is how recent a webhook must be for webhooks to count as working.
	heardLately = 24 * time.Hour
	// nearestWithin is how far a recording's start may be from its meeting's.
	nearestWithin = 168 * time.Hour
)

// recordingPoller lists an account's recordings. Events are hints that may get lost; the list is what there is.
type recordingPoller struct {
	hub     *Hub
	account *account
	lister  provider.RecordingLister
	last    time.Time
	pause   time.Time
	// recording are the meetings that were being recorded at the last look; ended is when one last stopped being so.
	recording map[string]bool
	ended     time.Time
	anew      anew
}

func newRecordingPoller(h *Hub, a *account) (*recordingPoller, bool) {
	l, ok := a.Provider.(provider.RecordingLister)
	return &recordingPoller{hub: h, account: a, lister: l, recording: make(map[string]bool)}, ok
}

func (p *recordingPoller) run() { p.hub.everySecond(p.turn) }

func (p *recordingPoller) turn(ctx context.Context) {
	now := p.hub.clock.Now()
	if p.anew.due(p.hub) {
		p.last = time.Time{}
	}
	age := now.Sub(p.last)
	if now.Before(p.pause) || age < listSoon {
		return
	}
	expected, err := p.expected(ctx, now)
	if err != nil {
		p.hub.complain(err, "what recordings are expected could not be read", p.account)
		return
	}
	if !expected && age < listEvery {
		return
	}
	p.last = now
	err = p.hub.listRecordings(ctx, p.account, p.lister, "")
	if ctx.Err() != nil {
		return
	}
	p.hub.notePoller("recordings", p.account, err)
	if errors.Is(err, provider.RateLimited) {
		p.pause = now.Add(retryAfter(err, time.Minute))
	}
}

// expected says whether a recording should appear, or change, any moment.
func (p *recordingPoller) expected(ctx context.Context, now time.Time) (bool, error) {
	p.account.mu.Lock()
	hooks := now.Sub(p.account.eventAt.Time) < heardLately
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
		seen := 0
		return tx.NewestRecordings(func(r app.Recording) bool {
			unfinished := r.Status == app.RecordingRunning || r.Status == app.RecordingProcessing
			if r.Account == p.account.Name && unfinished && !running[r.Meeting] {
				expected = expected || now.Sub(r.StartedAt.Add(r.Length())) < 24*time.Hour
			}
			if r.Account == p.account.Name && r.FromBucket {
				expected = expected || now.Sub(r.ObjectAt.Time) < expectFor/6
			}
			seen++
			return !expected && seen < listLimit
		})
	})
	return expected || !p.ended.IsZero() && now.Sub(p.ended) < expectFor/6, err
}

// refreshTime bounds how long somebody who asked for what is new waits for the platforms.
const refreshTime = 20 * time.Second

// refreshRecordings lists the newest recordings of all accounts now, as their pollers would. What a platform refuses is
// noted with its poller; only the caller's own end is an error.
func (h *Hub) refreshRecordings(ctx context.Context) error {
	asked, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, a := range h.order {
		if l, ok := a.Provider.(provider.RecordingLister); ok {
			wg.Add(1)
			h.crash.Go("newest recordings of "+a.Name, func() {
				defer wg.Done()
				err := h.listRecordings(asked, a, l, "")
				if ctx.Err() == nil {
					h.notePoller("recordings", a, err)
				}
			})
		}
	}
	wg.Wait()
	return ctx.Err()
}

// lookForRecordings lists one room's recordings now.
func (h *Hub) lookForRecordings(ctx context.Context, a *account, room string) {
	if l, ok := a.Provider.(provider.RecordingLister); ok {
		if err := h.listRecordings(ctx, a, l, room); err != nil && ctx.Err() == nil {
			h.notePoller("recordings", a, err)
		}
	}
}

// listRecordings lists the recordings of one room, or the newest of all, and adds them to what is known.
func (h *Hub) listRecordings(ctx context.Context, a *account, l provider.RecordingLister, room string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	a.mu.Lock()
	a.listedAt = h.clock.Now()
	a.mu.Unlock()
	list, err := l.Recordings(ctx, room, listLimit)
	h.noteCall(a, err)
	if err != nil {
		return err
	}
	return h.observeRecordings(ctx, a, list)
}

// observeRecordings adds a platform's list to what is known. Only what is new is written.
func (h *Hub) observeRecordings(ctx context.Context, a *account, list []provider.Recording) error {
	fresh := make([]provider.Recording, 0, len(list))
	err := h.store.View(ctx, func(tx *store.Tx) error {
		for _, r := range list {
			known, err := tx.Recording(a.Name, r.ID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			final := known.Status == app.RecordingReady || known.Status == app.RecordingFailed && r.Status == "failed"
			if err != nil || !final || known.Meeting == "" || known.DurationS == 0 && r.Duration > 0 || namesMore(r, known) {
				fresh = append(fresh, r)
			}
		}
		return nil
	})
	if err != nil || len(fresh) == 0 {
		return err
	}
	return h.store.Update(ctx, func(tx *store.Tx) error {
		for _, r := range fresh {
			if err := a.observeRecording(tx, r, h.clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// namesMore says whether the platform lists files that aren't known, or keys of theirs.
func namesMore(r provider.Recording, known app.Recording) bool {
	return len(known.Files) < len(r.Files) || slices.ContainsFunc(r.Files, func(f provider.RecordingFile) bool {
		return f.Key != "" && fileOf(known.Files, f.Key) == nil
	})
}

func (a *account) observeRecording(tx *store.Tx, r provider.Recording, now time.Time) error {
	s := sighting{
		id: r.ID, room: r.Room, kind: r.Kind, status: app.RecordingStatus(r.Status), started: r.StartedAt,
		duration: r.Duration, files: r.Files,
	}
	m, err := a.meetingOf(tx, r)
	if err != nil {
		return err
	}
	if m != nil && s.status == app.RecordingFailed {
		if err := a.adoptFailure(tx, m, &s); err != nil {
			return err
		}
	}
	return a.observe(tx, m, s, now)
}

// adoptFailure takes over what an event told of a failure that it could name by its instance alone.
func (a *account) adoptFailure(tx *store.Tx, m *roster.Meeting, s *sighting) error {
	for i, id := range m.Recordings {
		r, err := tx.Recording(a.Name, id)
		if err != nil || r.Status != app.RecordingFailed || r.ID != "instance-"+r.Instance || r.StartedAt.Before(s.started) {
			continue
		}
		s.failure, s.instance = r.Error, r.Instance
		m.Recordings = append(m.Recordings[:i:i], m.Recordings[i+1:]...)
		if err := tx.PutMeeting(*m); err != nil {
			return err
		}
		return tx.DeleteRecording(r)
	}
	return nil
}

// meetingOf finds the meeting of a recording: the one that it is known to be of, else the one in its room that began
// nearest to it. nil when there is none.
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
	m, err := tx.MeetingByPlatform(a.Name, r.Room, "")
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err = nearest(tx, m, r.StartedAt)
	if err == nil && !r.StartedAt.IsZero() && r.StartedAt.Sub(m.StartsAt.Time).Abs() > nearestWithin {
		return nil, nil
	}
	return &m, err
}

// nearest picks, of the meetings that a platform's room had, the one that began nearest to a time: adopted rooms see
// one meeting after the other.
func nearest(tx *store.Tx, m roster.Meeting, at time.Time) (roster.Meeting, error) {
	if at.IsZero() || !m.Adopted {
		return m, nil
	}
	all, err := tx.RoomMeetings(m.RoomID)
	if err != nil {
		return m, err
	}
	best := m
	for _, o := range all {
		if o.Account == m.Account && o.PlatformRoom == m.PlatformRoom &&
			at.Sub(o.StartsAt.Time).Abs() < at.Sub(best.StartsAt.Time).Abs() {
			best = o
		}
	}
	return best, nil
}

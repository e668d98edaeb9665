package hub

import (
	"context"
	"reflect"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// historyLag is how long after an event a platform's history has it.
	historyLag = time.Minute
	// historyEvery is how often history corrects what presence inferred in an open meeting, historyIdle how often it is read for
	// one that seems empty.
	historyEvery = 5 * time.Minute
	historyIdle  = 30 * time.Minute
	// historySpacing is the time between two readings of an account.
	historySpacing = 2 * time.Second
	// historyLook is how often the meetings are searched for those that need a reading.
	historyLook = 10 * time.Second
	// gap is the shortest time without a listener after which everything that is open is read again.
	gap = 2 * time.Minute
	// historyEnded bounds how many meetings are searched for ended ones that need a last reading.
	historyEnded = 500
)

// historian reads an account's history: who was there while no process listened, and when people left whose leaving was only
// inferred. Its readings are evidence like any other, and repeating them changes nothing.
type historian struct {
	hub     *Hub
	account *account
	reader  provider.Historian
	awake   time.Time // the last turn
	asleep  time.Time // the beginning of the last gap
	gapEnd  time.Time // its end: what was read before doesn't count
	next    time.Time
	ended   map[string]bool // meetings that ended and were not read since
	open    map[string]bool
	missed  missed
}

func newHistorian(h *Hub, a *account) (*historian, bool) {
	r, ok := a.Provider.(provider.Historian)
	return &historian{hub: h, account: a, reader: r, ended: make(map[string]bool), open: make(map[string]bool)}, ok
}

// awakeKey returns the key of the time at which a process last listened for the account.
func (r *historian) awakeKey() string { return "awake " + r.account.Name }

func (r *historian) turn(ctx context.Context) {
	now := r.hub.clock.Now()
	if err := r.wake(ctx, now); err != nil {
		r.hub.complain(err, "the time of the last connection could not be saved", r.account)
	}
	if r.missed.due(r.hub) {
		r.gapEnd, r.next = now, now
	}
	if now.Before(r.next) {
		return
	}
	m, since, err := r.due(ctx, now)
	if err != nil {
		r.hub.complain(err, "the meetings to recall could not be read", r.account)
		return
	}
	if m == "" {
		r.next = now.Add(historyLook)
		return
	}
	r.next = now.Add(max(historySpacing, r.account.Provider.Traits().PresenceSpacing))
	err = r.hub.recall(ctx, r.account, r.reader, m, since)
	if ctx.Err() != nil {
		return
	}
	r.hub.notePoller("history", r.account, err)
	if err != nil {
		r.next = now.Add(retryAfter(err, 30*time.Second))
		if k := provider.KindOf(err); k == provider.Forbidden || k == provider.Unsupported || k == provider.NotFound {
			r.next = now.Add(historyIdle)
		}
	}
}

// wake detects a time without a listener: before the start, or while the machine slept.
func (r *historian) wake(ctx context.Context, now time.Time) error {
	last := r.awake
	if last.IsZero() {
		if err := r.hub.store.View(ctx, func(tx *store.Tx) error {
			if raw := tx.Value(r.awakeKey()); raw != nil {
				return last.UnmarshalText(raw)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if now.Sub(last) > gap {
		r.asleep, r.gapEnd = last, now
		if err := r.endedSince(ctx, last); err != nil {
			return err
		}
	}
	keep := r.awake.IsZero() || now.Truncate(gap/2).After(r.awake)
	r.awake = now
	if !keep {
		return nil
	}
	text, err := now.UTC().MarshalText()
	if err != nil {
		return err
	}
	return r.hub.store.Update(ctx, func(tx *store.Tx) error { return tx.PutValue(r.awakeKey(), text) })
}

// endedSince adds the meetings that ended while no process listened.
func (r *historian) endedSince(ctx context.Context, since time.Time) error {
	return r.hub.store.View(ctx, func(tx *store.Tx) error {
		n := 0
		return tx.MeetingsBefore("", func(m roster.Meeting) bool {
			n++
			if m.Account == r.account.Name && m.Status == app.Ended && m.EndedAt.After(since) {
				r.ended[m.ID] = true
			}
			return n < historyEnded
		})
	})
}

// due returns the meeting whose reading is most overdue, and since when its sessions are wanted.
func (r *historian) due(ctx context.Context, now time.Time) (pick string, since time.Time, err error) {
	unended, err := r.hub.unended(ctx, r.account)
	if err != nil {
		return "", since, err
	}
	oldest, open := now, make(map[string]bool)
	err = r.hub.store.View(ctx, func(tx *store.Tx) error {
		for _, m := range unended {
			open[m.ID] = true
			need := m.HistoryRead.Before(r.gapEnd)
			if !need {
				if need, err = recallDue(tx, m, now); err != nil {
					return err
				}
			}
			if need && m.HistoryRead.Before(oldest) {
				pick, since, oldest = m.ID, sessionsFrom(m), m.HistoryRead
			}
		}
		for id := range r.open {
			if !open[id] {
				r.ended[id] = true
			}
		}
		r.open = open
		for id := range r.ended {
			m, known, err := store.Found(tx.Meeting(id))
			if err != nil {
				return err
			}
			if !known || m.Status != app.Ended || m.HistoryRead.After(m.EndedAt.Add(historyLag)) {
				delete(r.ended, id)
				continue
			}
			if now.Sub(m.EndedAt.Time) > historyLag && now.Sub(m.HistoryRead) > historyLag && m.HistoryRead.Before(oldest) {
				pick, since, oldest = m.ID, sessionsFrom(m), m.HistoryRead
			}
		}
		return nil
	})
	return pick, since, err
}

// recallDue reports whether history can add to an open meeting.
func recallDue(tx *store.Tx, m roster.Meeting, now time.Time) (bool, error) {
	age := now.Sub(m.HistoryRead)
	if age < historyLag {
		return false, nil
	}
	past := !m.EndsAt.IsZero() && now.After(m.EndsAt.Time)
	if m.Here == 0 && age > historyIdle || past && age > historyEvery {
		return true, nil // past the end of a meeting a platform may report only its history
	}
	stays, err := tx.Stays(m.ID)
	if err != nil {
		return false, err
	}
	for _, s := range stays {
		if s.LeftAt.IsZero() || now.Sub(s.LeftAt.Time) < historyLag || m.HistoryRead.After(s.LeftAt.Add(historyLag)) {
			continue
		}
		inferred := s.LeftReported.IsZero() || s.JoinedAt.IsZero()
		if m.Here == 0 || inferred && age > historyEvery {
			return true, nil
		}
	}
	return false, nil
}

// sessionsFrom returns since when sessions in the platform room belong to a meeting.
func sessionsFrom(m roster.Meeting) time.Time {
	from := m.StartsAt.Time
	if !m.StartedAt.IsZero() {
		from = app.Earlier(from, m.StartedAt.Time)
	}
	return from.Add(-catalog.ClockSlack)
}

// recall reads a meeting's history and adds it to the evidence.
func (h *Hub) recall(ctx context.Context, a *account, r provider.Historian, id string, since time.Time) error {
	begun := h.clock.Now()
	rctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	m, err := h.meetingNow(ctx, id)
	if err != nil {
		return err
	}
	people, err := r.History(rctx, platformMeeting(m, nil), since)
	h.noteCall(a, err)
	if err != nil {
		return err
	}
	grain := a.Provider.Traits().HistoryGrain
	return h.changeMeeting(ctx, id, func(tx *store.Tx, m *roster.Meeting) error {
		m.HistoryRead = begun.UTC()
		for _, p := range people {
			p = personUpTo(p, h.clock.Now())
			s, known, err := store.Found(tx.Stay(id, p.Session))
			if err != nil {
				return err
			}
			if p.Session == "" || !known && (p.LeftAt.IsZero() || !m.Holds(p.JoinedAt) || m.IsBefore(p.JoinedAt)) {
				continue // presence shows who is there, and the room's other meetings have their own readings
			}
			m.Began(p.JoinedAt)
			was := s
			s.Recalled(p, grain)
			if !reflect.DeepEqual(s, was) {
				if err := tx.PutStay(id, s); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

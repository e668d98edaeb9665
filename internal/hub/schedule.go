package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// bookingsEvery is how often bookings are checked at least, so that a machine that slept notices.
	bookingsEvery = 30 * time.Second
	// bookingAgain is the wait after a meeting could not be created, which doubles up to bookingAgainMost.
	bookingAgain     = 15 * time.Second
	bookingAgainMost = 5 * time.Minute
	// makeTime bounds the creation of one meeting.
	makeTime = 2 * time.Minute
)

// bookings creates the meetings of bookings, a while before they begin. Only the store's owner does that.
//
// The name of a meeting is stored before the platform is asked to create it, and the meeting and its booking are written in one
// commit. After a crash between the two, the platform is asked for a meeting of that name, so that there is only one.
type bookings struct {
	h    *Hub
	lead time.Duration
	look chan struct{}

	mu     sync.Mutex
	failed map[string]bookingFailure // by booking
}

type bookingFailure struct {
	start time.Time
	again time.Time
	wait  time.Duration
	text  string
}

func newBookings(h *Hub, lead time.Duration) *bookings {
	return &bookings{h: h, lead: lead, look: make(chan struct{}, 1), failed: make(map[string]bookingFailure)}
}

func (s *bookings) wake() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// problem returns why the meeting of an occurrence could not be created, empty if nothing failed.
func (s *bookings) problem(id string, start time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.failed[id]; f.start.Equal(start) {
		return f.text
	}
	return ""
}

func (s *bookings) run() {
	h := s.h
	for h.ctx.Err() == nil {
		s.rest(s.turn(h.ctx))
	}
}

// rest waits for the given time, or until something changes; with wait 0, which means that there are no bookings, only for a change.
func (s *bookings) rest(wait time.Duration) {
	h := s.h
	var due <-chan time.Time
	if wait > 0 {
		timer := h.clock.NewTimer(wait)
		defer timer.Stop()
		due = timer.Chan()
	}
	select {
	case <-due:
	case <-s.look:
	case <-h.ctx.Done():
	}
}

// due is an occurrence whose meeting must be created.
type due struct {
	booking store.Booking
	slot    calendar.Slot
}

// turn creates the meetings that are due, and returns the time until the next turn, 0 if there are no bookings.
func (s *bookings) turn(ctx context.Context) time.Duration {
	h, wait := s.h, bookingsEvery
	var todo []due
	err := h.store.View(ctx, func(tx *store.Tx) error {
		all, err := roomBookings(tx, "")
		if err != nil {
			return err
		}
		if len(all) == 0 {
			wait = 0
		}
		now := h.clock.Now()
		for _, b := range all {
			p, err := planOf(b)
			if err != nil {
				h.log.Error("a booking can't be planned", "booking", b.ID, "err", err)
				continue
			}
			slots, _ := p.Between(now, now.Add(bookingsEvery+s.lead))
			for _, slot := range slots {
				if o := b.Occurrence(slot.Start); o != nil && o.Meeting != "" {
					continue
				}
				if until := slot.Start.Add(-s.lead).Sub(now); until > 0 {
					wait = min(wait, until)
					continue
				}
				if again, ok := s.later(b.ID, slot.Start); ok {
					wait = min(wait, max(again.Sub(now), time.Second))
					continue
				}
				todo = append(todo, due{b, slot})
			}
		}
		return nil
	})
	if err != nil {
		if ctx.Err() == nil {
			h.log.Error("the bookings could not be read", "err", err)
		}
		return wait
	}
	for _, d := range todo {
		if ctx.Err() != nil {
			return wait
		}
		if err := s.make(ctx, d); err != nil && ctx.Err() == nil {
			wait = min(wait, s.note(d, err))
		} else if err == nil {
			s.mu.Lock()
			delete(s.failed, d.booking.ID)
			s.mu.Unlock()
		}
	}
	return wait
}

// later reports whether the creation of an occurrence's meeting failed, and when it is retried.
func (s *bookings) later(id string, start time.Time) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failed[id]
	return f.again, f.start.Equal(start) && s.h.clock.Now().Before(f.again)
}

// note records a failure, and returns the wait until the next try.
func (s *bookings) note(d due, err error) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failed[d.booking.ID]
	if !f.start.Equal(d.slot.Start) {
		f = bookingFailure{start: d.slot.Start}
	}
	if text := app.AsError(err).Sentence(); text != f.text {
		s.h.log.Error("the meeting of a booking could not be created", "room", d.booking.Room, "booking", d.booking.ID, "err", err)
		f.text = text
		s.h.bus.publish([]app.Change{{Kind: app.BookingChange}})
	}
	f.wait = min(max(2*f.wait, bookingAgain), bookingAgainMost)
	f.again = s.h.clock.Now().Add(f.wait)
	s.failed[d.booking.ID] = f
	return f.wait
}

// make creates the meeting of an occurrence, or finds the one that was created before a crash.
func (s *bookings) make(ctx context.Context, d due) error {
	ctx, cancel := context.WithTimeout(ctx, makeTime)
	defer cancel()
	started, err := s.h.startMeeting(ctx, app.StartMeeting{Room: d.booking.RoomID, Until: app.At(d.slot.End)}, &occurrence{
		id: d.booking.ID, revision: d.booking.Revision, slot: d.slot,
	})
	if errors.Is(err, errNotDue) {
		return nil
	}
	if err == nil {
		s.h.log.Info("created the meeting of a booking",
			"room", started.Room, "booking", d.booking.ID, "meeting", started.ID, "reused", started.Reused)
	}
	return err
}

// errNotDue means that the booking was changed or removed, or its meeting created, in the meantime.
var errNotDue = errors.New("the booking is not due")

// occurrence is an occurrence of a booking whose meeting is being created.
type occurrence struct {
	id       string
	revision int
	slot     calendar.Slot

	// found is the stored state of an earlier try.
	found store.Occurrence
}

// current reads the booking, and fails if it is no longer due. The room is locked.
func (o *occurrence) current(tx *store.Tx) (store.Booking, error) {
	b, err := tx.Booking(o.id)
	if errors.Is(err, store.ErrNotFound) || err == nil && b.Revision != o.revision {
		return b, errNotDue
	}
	if had := b.Occurrence(o.slot.Start); err == nil && had != nil {
		if o.found = *had; had.Meeting != "" {
			return b, errNotDue
		}
	}
	return b, err
}

// serves reports whether an open meeting of the room can be the occurrence's: one that was started by hand, or one that lasts long
// enough. A lasting room has one meeting at a time: that of another occurrence continues until this one begins, and longer if people
// are in it then. wait means that the occurrence must wait for that.
func (o *occurrence) serves(room app.Room, m app.Meeting, now time.Time) (serves, wait bool) {
	lasts := m.EndsAt.IsZero() || !m.EndsAt.Before(o.slot.End)
	mine := m.Booking == "" || m.Booking == o.id
	switch {
	case m.Adopted && !m.Lasting, mine && lasts:
		return true, false
	case !room.Lasting() || !m.KeepsRoom():
		return false, false
	case m.Booking == "" || m.Here > 0 && !now.Before(o.slot.Start):
		return true, false
	}
	return false, now.Before(o.slot.Start)
}

// announce stores that a meeting is about to be created under a unique name, and returns the name.
func (o *occurrence) announce(ctx context.Context, h *Hub, account string, room app.Room) (string, error) {
	name := o.found.Name
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		b, err := o.current(tx)
		if err != nil {
			return err
		}
		if name == "" || o.found.Account != account {
			name = Slug(room.Name) + "-" + o.slot.Start.UTC().Format("20060102150405") + "-" + strings.ToLower(rand.Text()[:8])
		}
		b.Note(store.Occurrence{
			Start: app.At(o.slot.Start), End: app.At(o.slot.End), Account: account, Name: name, Tried: h.now(),
		}, h.clock.Now())
		return tx.PutBooking(b)
	})
	return name, err
}

// lookMost bounds how many rooms of a platform are searched for the result of an earlier try.
const lookMost = 300

// left finds the meeting that an earlier try created on the platform, and reports whether there is one.
func (o *occurrence) left(ctx context.Context, h *Hub, a *account, room app.Room, until time.Time) (provider.Meeting, bool, error) {
	if o.found.Name == "" || o.found.Account != a.Name {
		return provider.Meeting{}, false, nil
	}
	if l, ok := a.Provider.(provider.Looker); ok {
		m, err := l.Lookup(ctx, provider.Meeting{Room: o.found.Name})
		h.noteCall(a, err)
		switch {
		case err == nil && m.Room == o.found.Name:
			return m, true, nil
		case errors.Is(err, provider.NotFound):
			return m, false, nil
		case err != nil && !errors.Is(err, provider.Invalid):
			return m, false, err
		}
	}
	// The platform chooses the names: it is the room with our prefix and end that belongs to no meeting.
	lister, ok := a.Provider.(provider.RoomLister)
	if !ok {
		return provider.Meeting{}, false, nil
	}
	var out provider.Meeting
	found, seen := false, 0
	err := lister.Rooms(ctx, func(m provider.Meeting) bool {
		seen++
		if m.Until.Equal(until) && strings.HasPrefix(strings.ToLower(m.Room), strings.ToLower(Slug(room.Name))) {
			err := h.store.View(ctx, func(tx *store.Tx) error {
				known, err := tx.MeetingByPlatform(a.Name, m.Room, m.ID)
				if err == nil && known.Adopted { // by an event of it
					return store.ErrNotFound
				}
				return err
			})
			if found = errors.Is(err, store.ErrNotFound); found {
				out = m
			}
		}
		return !found && seen < lookMost
	})
	h.noteCall(a, err)
	if now := h.clock.Now(); err == nil && !found && now.Before(o.found.Tried.Add(doubtFor)) {
		// The request may still be on its way, and a second one would make another meeting.
		err = app.Errorf(provider.Unavailable, "Greenroom checks again in a moment",
			"%s has not confirmed that it created the meeting", a.Platform.Title())
	}
	return out, found, err
}

// doubtFor is how long a request may still be on its way after its answer was lost.
const doubtFor = time.Minute

// made stores the meeting of the occurrence with the booking, in the commit that writes the meeting.
func (o *occurrence) made(tx *store.Tx, h *Hub, m *roster.Meeting) error {
	b, known, err := store.Found(tx.Booking(o.id))
	if !known {
		return err // removed meanwhile: the meeting exists, and someone may have its link
	}
	m.Booking = cmp.Or(m.Booking, o.id)
	if m.Lasting && !m.EndsAt.IsZero() && m.EndsAt.Before(o.slot.End) {
		m.EndsAt = app.At(o.slot.End)
	}
	b.Note(store.Occurrence{Start: app.At(o.slot.Start), End: app.At(o.slot.End), Meeting: m.ID}, h.clock.Now())
	return tx.PutBooking(b)
}

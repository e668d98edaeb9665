package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/plain"
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// wallLayout is the format of local times in bookings and requests.
	wallLayout = "2006-01-02T15:04:05"
	// longestBooking is within the limits of the platforms.
	longestBooking = 7 * 24 * time.Hour
	maxExpected    = 1000
)

// planOf returns the plan of a booking.
func planOf(b store.Booking) (calendar.Plan, error) {
	p := calendar.Plan{Length: b.Length, Until: b.Until.Time}
	var err error
	if p.Wall, err = time.Parse(wallLayout, b.LocalStart); err != nil {
		return p, fmt.Errorf("the booking %s has no time: %w", b.ID, err)
	}
	if p.Zone = calendar.Zone(b.TimeZone); p.Zone == nil {
		return p, fmt.Errorf("the booking %s has no time zone: %q", b.ID, b.TimeZone)
	}
	if b.Rule != "" {
		if p.Rule, err = calendar.ParseRule(b.Rule); err != nil {
			return p, fmt.Errorf("the booking %s: %w", b.ID, err)
		}
	}
	return p, nil
}

// Bookings lists bookings; see [app.Backend].
func (h *Hub) Bookings(ctx context.Context, q app.BookingQuery) ([]app.Booking, error) {
	out := []app.Booking{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		only := ""
		if q.Room != "" {
			r, err := findRoom(tx, q.Room)
			if err != nil {
				return err
			}
			only = r.ID
		}
		bookings, err := roomBookings(tx, only)
		for _, b := range bookings {
			out = append(out, h.bookingView(tx, b))
		}
		return err
	})
	stable.Sort(out, func(a, b app.Booking) int {
		switch {
		case a.Next.IsZero() && !b.Next.IsZero():
			return 1
		case b.Next.IsZero() && !a.Next.IsZero():
			return -1
		}
		return cmp.Or(a.Next.Compare(b.Next.Time), a.StartsAt.Compare(b.StartsAt.Time))
	})
	return out, err
}

// roomBookings reads the bookings of a room, or of all rooms that exist, with the rooms' names.
func roomBookings(tx *store.Tx, room string) ([]store.Booking, error) {
	all, err := tx.Bookings("")
	if err != nil {
		return nil, err
	}
	out := all[:0]
	for _, b := range all {
		r, err := tx.Room(b.RoomID)
		if errors.Is(err, store.ErrNotFound) || room != "" && r.ID != room {
			continue // the booking of a deleted room, which can be restored with it
		}
		if err != nil {
			return nil, err
		}
		b.Room = r.Name
		out = append(out, b)
	}
	return out, nil
}

// bookingView returns a booking with what changes over time: the next occurrence with its meeting and link.
func (h *Hub) bookingView(tx *store.Tx, b store.Booking) app.Booking {
	v := b.Booking
	if v.Expect == nil {
		v.Expect = []app.Person{}
	}
	p, err := planOf(b)
	if err != nil {
		v.Error = err.Error()
		return v
	}
	first := p.First()
	v.StartsAt, v.EndsAt = app.At(first.Start), app.At(first.End)
	v.Notes = notesOf(p)
	next, ok := p.Next(h.clock.Now())
	if !ok {
		return v
	}
	v.Next = app.At(next.Start)
	if m := madeFor(tx, b, next.Start); m != nil {
		v.Meeting = m.ID
		if m.Status != app.Ended {
			v.Link = m.GuestURL
		}
	}
	if v.Link == "" {
		v.Link = h.lastingLink(tx, b.RoomID)
	}
	v.Error = h.bookings.problem(b.ID, next.Start)
	return v
}

func notesOf(p calendar.Plan) []string {
	if p.Rule != nil && p.Rule.Skips(p.Wall) {
		return []string{fmt.Sprintf("Months without a day %d are skipped. For the last day of each month: --every 'FREQ=MONTHLY;BYMONTHDAY=-1'", p.Wall.Day())}
	}
	return nil
}

// madeFor returns the meeting that was created for an occurrence, nil for none.
func madeFor(tx *store.Tx, b store.Booking, start time.Time) *app.Meeting {
	o := b.Occurrence(start)
	if o == nil || o.Meeting == "" {
		return nil
	}
	m, err := tx.Meeting(o.Meeting)
	if err != nil {
		return nil
	}
	return &m.Meeting
}

// lastingLink returns the guest link of a room that is the same for all its meetings: that of a lasting platform room, or the room's
// page if guests join there. It is empty if there is none.
func (h *Hub) lastingLink(tx *store.Tx, roomID string) string {
	r, err := tx.Room(roomID)
	if err == nil {
		r, err = h.located(tx, r)
	}
	if err != nil {
		return ""
	}
	if a := h.choose(r).Account; r.GuestURL == "" && h.tokensForGuests(a) && h.guestsUsePage(a) {
		if link, err := h.pageBase().of(tx, r); err == nil {
			return link.PageURL
		}
	}
	return r.GuestURL
}

// Book creates a booking; see [app.Backend].
func (h *Hub) Book(ctx context.Context, spec app.BookingSpec) (app.Booking, error) {
	b := store.Booking{Booking: app.Booking{ID: h.newID(), CreatedAt: h.now()}}
	if err := h.plan(&b, spec); err != nil {
		return app.Booking{}, err
	}
	return h.putBooking(ctx, func(tx *store.Tx) (store.Booking, error) {
		r, err := findRoom(tx, spec.Room)
		b.RoomID, b.Room = r.ID, r.Name
		return b, err
	})
}

// putBooking writes the booking that change returns.
func (h *Hub) putBooking(ctx context.Context, change func(tx *store.Tx) (store.Booking, error)) (app.Booking, error) {
	var v app.Booking
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		b, err := change(tx)
		if err != nil {
			return err
		}
		b.ChangedAt = h.now()
		if err := tx.PutBooking(b); err != nil {
			return err
		}
		v = h.bookingView(tx, b)
		return nil
	})
	if err == nil {
		h.bookings.wake()
	}
	return v, writeError(err)
}

// plan sets the times of a booking.
func (h *Hub) plan(b *store.Booking, spec app.BookingSpec) error {
	zone := calendar.Zone(spec.TimeZone)
	if zone == nil {
		return invalid("write it like Europe/Berlin or America/New_York", "there is no time zone %q", spec.TimeZone)
	}
	wall, err := time.Parse(wallLayout, spec.At)
	if err != nil || wall.Year() < 1970 || wall.Year() > 2500 {
		return invalid("write it like 2026-12-01 10:00", "the time %q can't be used", spec.At)
	}
	p := calendar.Plan{Wall: wall, Zone: zone, Length: cmp.Or(spec.For, app.DefaultBooking)}
	if p.Length < time.Minute || p.Length > longestBooking {
		return invalid("", "a booking lasts from a minute to a week, not %s", p.Length)
	}
	if spec.Every != "" {
		if p.Rule, err = calendar.ParseRule(spec.Every); err != nil {
			return invalid("use day, weekday, week, month, or an RRULE such as 'FREQ=MONTHLY;BYDAY=1TU'", "the repetition %q can't be used: %s", spec.Every, err)
		}
		p.Until = p.Rule.UntilIn(zone)
	}
	if spec.Until != "" {
		switch day, err := time.Parse(time.DateOnly, spec.Until); {
		case p.Rule == nil:
			return invalid("set how often, such as --every week", "there is an end date, but no repetition")
		case !p.Until.IsZero():
			return invalid("use one of them", "the repetition already has an UNTIL")
		case err != nil:
			return invalid("write it like 2026-12-31", "the last day %q can't be used", spec.Until)
		default:
			p.Until = calendar.Place(day.Add(24*time.Hour-time.Second), zone)
		}
	}
	if len(spec.Expect) > maxExpected {
		return invalid("", "at most %d people can be expected", maxExpected)
	}
	if err := p.Synchronise(); err != nil {
		return invalid("check the first time, the repetition and its last day", "the repetition %q never occurs", spec.Every)
	}
	if _, ok := p.Next(h.clock.Now()); !ok {
		return invalid("use a time in the future", "the whole booking is in the past")
	}
	first := p.First()
	b.StartsAt, b.EndsAt, b.Until = app.At(first.Start), app.At(first.End), app.At(p.Until)
	b.TimeZone, b.LocalStart, b.Length, b.Expect, b.Rule = zone.String(), p.Wall.Format(wallLayout), p.Length, spec.Expect, ""
	if p.Rule != nil {
		b.Rule = p.Rule.String()
	}
	return nil
}

// EditBooking changes a booking; see [app.Backend].
func (h *Hub) EditBooking(ctx context.Context, patch app.BookingPatch) (app.Booking, error) {
	return h.putBooking(ctx, func(tx *store.Tx) (store.Booking, error) {
		b, err := findBooking(tx, patch.BookingRef)
		if err != nil {
			return b, err
		}
		spec := app.BookingSpec{At: b.LocalStart, TimeZone: b.TimeZone, For: b.Length, Every: b.Rule, Expect: b.Expect}
		if !b.Until.IsZero() {
			if zone := calendar.Zone(b.TimeZone); zone != nil {
				spec.Until = b.Until.In(zone).Format(time.DateOnly)
			}
		}
		app.Set(&spec.At, patch.At)
		app.Set(&spec.TimeZone, patch.TimeZone)
		app.Set(&spec.For, patch.For)
		app.Set(&spec.Expect, patch.Expect)
		if patch.Every != nil {
			spec.Every = *patch.Every
			if spec.Every == "" || patch.Until == nil && strings.Contains(strings.ToUpper(spec.Every), "UNTIL") {
				spec.Until = ""
			}
		}
		app.Set(&spec.Until, patch.Until)
		if err := h.plan(&b, spec); err != nil {
			return b, err
		}
		b.Revision++
		return b, nil
	})
}

// RemoveBooking removes a booking; see [app.Backend].
func (h *Hub) RemoveBooking(ctx context.Context, ref app.BookingRef) (app.Booking, error) {
	var v app.Booking
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		b, err := findBooking(tx, ref)
		if err != nil {
			return err
		}
		v = h.bookingView(tx, b)
		return errors.Join(h.discard(tx, trashed{Kind: app.DeletedBooking, Booking: &b}), tx.DeleteBooking(b.ID))
	})
	return v, writeError(err)
}

// findBooking finds a booking by its id or the beginning of it.
func findBooking(tx *store.Tx, ref app.BookingRef) (store.Booking, error) {
	none := &app.Error{
		Kind: provider.NotFound, Text: fmt.Sprintf("there is no booking %q", ref.Ref), Hint: "list them: greenroom room schedule --list",
	}
	fits, err := tx.Bookings(ref.Ref)
	if err != nil || len(fits) == 0 || len(ref.Ref) < minPrefix {
		return store.Booking{}, cmp.Or[error](err, none)
	}
	if len(fits) > 1 {
		return fits[0], invalid("use more of the id", "%q is the beginning of several bookings: %s, %s", ref.Ref, fits[0].ID, fits[1].ID)
	}
	b := fits[0]
	r, known, err := store.Found(tx.Room(b.RoomID))
	if !known {
		return b, cmp.Or[error](err, none)
	}
	b.Room = r.Name
	if ref.Room != "" {
		if of, err := findRoom(tx, ref.Room); err != nil {
			return b, err
		} else if of.ID != r.ID {
			none.Text = fmt.Sprintf("room %s has no booking %q", of.Name, ref.Ref)
			none.Hint = "list them: greenroom room schedule " + plain.Word(of.Name) + " --list"
			return b, none
		}
	}
	return b, nil
}

package apptest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// plans are the bookings and calendars of a [Memory]. Rules are kept, and not expanded.
type plans struct {
	bookings  []app.Booking
	calendars []app.Calendar
}

// Bookings lists what Book made.
func (m *Memory) Bookings(ctx context.Context, q app.BookingQuery) ([]app.Booking, error) {
	m.Lock()
	defer m.Unlock()
	out := []app.Booking{}
	if q.Room != "" && m.room(q.Room) < 0 {
		return nil, notFound("room", q.Room)
	}
	for _, b := range m.plans.bookings {
		if q.Room == "" || q.Room == b.Room || q.Room == b.RoomID {
			out = append(out, b)
		}
	}
	return out, ctx.Err()
}

// Book keeps a booking.
func (m *Memory) Book(ctx context.Context, s app.BookingSpec) (app.Booking, error) {
	m.Lock()
	defer m.Unlock()
	i := m.room(s.Room)
	if i < 0 {
		return app.Booking{}, notFound("room", s.Room)
	}
	b := app.Booking{ID: m.id("booking-"), Room: m.rooms[i].Name, RoomID: m.rooms[i].ID, Expect: s.Expect, CreatedAt: app.At(time.Now())}
	if err := place(&b, s); err != nil {
		return app.Booking{}, err
	}
	m.plans.bookings = append(m.plans.bookings, b)
	m.publish(app.Change{Kind: app.BookingChange})
	return b, ctx.Err()
}

func place(b *app.Booking, s app.BookingSpec) error {
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil || s.TimeZone == "" {
		return app.Errorf(provider.Invalid, "write it like Europe/Berlin", "there is no time zone %s", s.TimeZone)
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", s.At, zone)
	if err != nil {
		return app.Errorf(provider.Invalid, "", "the time %s can't be used", s.At)
	}
	if s.Every != "" && s.Until != "" {
		day, err := time.ParseInLocation(time.DateOnly, s.Until, zone)
		if err != nil || day.Before(at.AddDate(0, 0, -1)) {
			return app.Errorf(provider.Invalid, "check its last day", "the repetition has no occurrence")
		}
		b.Until = app.At(day.AddDate(0, 0, 1).Add(-time.Second))
	}
	b.StartsAt, b.EndsAt, b.Next, b.TimeZone, b.LocalStart, b.Rule = app.At(at), app.At(at.Add(cmp.Or(s.For, app.DefaultBooking))), app.At(at), s.TimeZone, s.At, s.Every
	return nil
}

func (m *Memory) booking(ref app.BookingRef) (int, error) {
	i := slices.IndexFunc(m.plans.bookings, func(b app.Booking) bool { return b.ID == ref.Ref && (ref.Room == "" || ref.Room == b.Room) })
	if i < 0 {
		return i, notFound("booking", ref.Ref)
	}
	return i, nil
}

// EditBooking changes a booking.
func (m *Memory) EditBooking(ctx context.Context, p app.BookingPatch) (app.Booking, error) {
	m.Lock()
	defer m.Unlock()
	i, err := m.booking(p.BookingRef)
	if err != nil {
		return app.Booking{}, err
	}
	b := m.plans.bookings[i]
	s := app.BookingSpec{At: b.LocalStart, TimeZone: b.TimeZone, For: b.EndsAt.Sub(b.StartsAt.Time), Every: b.Rule}
	app.Set(&s.At, p.At)
	app.Set(&s.TimeZone, p.TimeZone)
	app.Set(&s.For, p.For)
	app.Set(&s.Every, p.Every)
	app.Set(&b.Expect, p.Expect)
	if err := place(&b, s); err != nil {
		return app.Booking{}, err
	}
	b.Revision++
	m.plans.bookings[i] = b
	m.publish(app.Change{Kind: app.BookingChange})
	return b, ctx.Err()
}

// RemoveBooking removes a booking.
func (m *Memory) RemoveBooking(ctx context.Context, ref app.BookingRef) (app.Booking, error) {
	m.Lock()
	defer m.Unlock()
	i, err := m.booking(ref)
	if err != nil {
		return app.Booking{}, err
	}
	b := m.plans.bookings[i]
	m.plans.bookings = slices.Delete(m.plans.bookings, i, i+1)
	m.publish(app.Change{Kind: app.BookingChange})
	m.undos = append(m.undos, func() app.Undone {
		m.plans.bookings = append(m.plans.bookings, b)
		m.publish(app.Change{Kind: app.BookingChange})
		return app.Undone{Kind: app.DeletedBooking, ID: b.ID, Name: b.Room, Booking: &b}
	})
	return b, ctx.Err()
}

// Upcoming lists the first occurrences of the bookings.
func (m *Memory) Upcoming(ctx context.Context, _ app.UpcomingQuery) (app.Upcoming, error) {
	m.Lock()
	defer m.Unlock()
	out := app.Upcoming{Items: []app.UpcomingItem{}}
	for _, b := range m.plans.bookings {
		out.Items = append(out.Items, app.UpcomingItem{
			At: b.Next, EndsAt: b.EndsAt, Title: b.Room, Source: app.FromBooking, Room: b.Room, Booking: b.ID, Conflicts: []string{},
		})
	}
	return out, ctx.Err()
}

// Expected expects no one.
func (m *Memory) Expected(ctx context.Context, ref app.MeetingRef) ([]app.Person, error) {
	_, err := m.Meeting(ctx, ref)
	return []app.Person{}, err
}

// Calendars lists what AddCalendar made.
func (m *Memory) Calendars(ctx context.Context, _ app.CalendarQuery) ([]app.Calendar, error) {
	m.Lock()
	defer m.Unlock()
	return append([]app.Calendar{}, m.plans.calendars...), ctx.Err()
}

// AddCalendar keeps a subscription; nothing is read.
func (m *Memory) AddCalendar(ctx context.Context, c app.CalendarSpec) (app.Calendar, error) {
	m.Lock()
	defer m.Unlock()
	if slices.ContainsFunc(m.plans.calendars, func(had app.Calendar) bool { return had.Name == c.Name }) {
		return app.Calendar{}, app.Errorf(provider.Conflict, "", "there is a calendar %s", c.Name)
	}
	made := app.Calendar{Name: c.Name, URL: c.URL}
	m.plans.calendars = append(m.plans.calendars, made)
	return made, ctx.Err()
}

// RemoveCalendar removes a subscription.
func (m *Memory) RemoveCalendar(ctx context.Context, ref app.CalendarRef) (app.Calendar, error) {
	m.Lock()
	defer m.Unlock()
	i := slices.IndexFunc(m.plans.calendars, func(had app.Calendar) bool { return had.Name == ref.Name })
	if i < 0 {
		return app.Calendar{}, notFound("calendar", ref.Name)
	}
	gone := m.plans.calendars[i]
	m.plans.calendars = slices.Delete(m.plans.calendars, i, i+1)
	m.undos = append(m.undos, func() app.Undone {
		m.plans.calendars = append(m.plans.calendars, gone)
		return app.Undone{Kind: app.DeletedCalendar, Name: gone.Name, Calendar: &gone}
	})
	return gone, ctx.Err()
}

// ExportCalendar writes an empty calendar.
func (m *Memory) ExportCalendar(ctx context.Context, e app.CalendarExport) (app.ExportedCalendar, error) {
	bookings, err := m.Bookings(ctx, app.BookingQuery(e))
	return app.ExportedCalendar{ICS: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", Bookings: len(bookings)}, err
}

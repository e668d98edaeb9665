package hub

import (
	"context"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/store"
)

// uidOf returns a booking's UID in exported calendars. It never changes.
func uidOf(booking string) string { return booking + "@greenroom" }

// ExportCalendar returns bookings as a calendar; see [app.Backend].
func (h *Hub) ExportCalendar(ctx context.Context, e app.CalendarExport) (app.ExportedCalendar, error) {
	var entries []calendar.Entry
	name := "Greenroom"
	err := h.store.View(ctx, func(tx *store.Tx) error {
		only := ""
		if e.Room != "" {
			r, err := findRoom(tx, e.Room)
			if err != nil {
				return err
			}
			only, name = r.ID, r.Name
		}
		all, err := roomBookings(tx, only)
		for _, b := range all {
			p, err := planOf(b)
			if err != nil {
				return err
			}
			entries = append(entries, h.entryOf(tx, b, p))
		}
		return err
	})
	if err != nil {
		return app.ExportedCalendar{}, err
	}
	return app.ExportedCalendar{ICS: string(calendar.Write(name, entries)), Bookings: len(entries)}, nil
}

func (h *Hub) entryOf(tx *store.Tx, b store.Booking, p calendar.Plan) calendar.Entry {
	entry := calendar.Entry{
		UID: uidOf(b.ID), Title: b.Room, Plan: p, URL: h.lastingLink(tx, b.RoomID), Sequence: b.Revision, Created: b.CreatedAt.Time, Modified: b.ChangedAt.Time,
	}
	for _, x := range b.Expect {
		if x.Mail != "" {
			entry.Attendees = append(entry.Attendees, calendar.Person(x))
		}
	}
	for _, o := range b.Made {
		m := madeFor(tx, b, o.Start.Time)
		switch {
		case m == nil || m.Status == app.Ended || m.GuestURL == "":
		case p.Rule == nil:
			entry.URL = m.GuestURL
		default:
			entry.Links = append(entry.Links, calendar.LinkAt{Start: o.Start.Time, URL: m.GuestURL})
		}
	}
	if entry.URL == "" {
		entry.Description = "The link is created shortly before the meeting begins."
	}
	return entry
}

package apptest

import (
	"errors"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

func testPlans(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	if l := must[[]app.Booking](t)(b.Bookings(ctx, app.BookingQuery{})); len(l) != 0 {
		t.Errorf("bookings of an empty backend: %v", l)
	}
	if l := must[[]app.Calendar](t)(b.Calendars(ctx, app.CalendarQuery{})); len(l) != 0 {
		t.Errorf("calendars of an empty backend: %v", l)
	}
	if u := must[app.Upcoming](t)(b.Upcoming(ctx, app.UpcomingQuery{})); len(u.Items) != 0 {
		t.Errorf("upcoming of an empty backend: %v", u)
	}
	must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "stand-up"}))
	must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "board"}))
	at := time.Now().AddDate(0, 0, 2).Format("2006-01-02T15:04:05")
	spec := app.BookingSpec{Room: "stand-up", At: at, TimeZone: "UTC", For: 30 * time.Minute, Expect: []app.Person{{Name: "Ada", Mail: "ada@example.com"}}}
	made := must[app.Booking](t)(b.Book(ctx, spec))
	if made.ID == "" || made.Room != "stand-up" || made.LocalStart != at || made.EndsAt.Sub(made.StartsAt.Time) != 30*time.Minute || len(made.Expect) != 1 {
		t.Errorf("booked %+v", made)
	}
	for _, room := range []string{"", "stand-up"} {
		if l := must[[]app.Booking](t)(b.Bookings(ctx, app.BookingQuery{Room: room})); len(l) != 1 || l[0].ID != made.ID {
			t.Errorf("bookings of %q: %+v", room, l)
		}
	}
	for _, v := range must[[]app.RoomView](t)(b.Rooms(ctx, app.RoomQuery{})) {
		if planned := v.Booking != nil && v.Booking.ID == made.ID && !v.Booking.Next.IsZero(); planned != (v.Name == "stand-up") {
			t.Errorf("room %s has the booking %+v", v.Name, v.Booking)
		}
	}
	if l := must[[]app.Booking](t)(b.Bookings(ctx, app.BookingQuery{Room: "board"})); len(l) != 0 {
		t.Errorf("bookings of another room: %+v", l)
	}
	if u := must[app.Upcoming](t)(b.Upcoming(ctx, app.UpcomingQuery{})); len(u.Items) != 1 || u.Items[0].Booking != made.ID || u.Items[0].Conflicts == nil {
		t.Errorf("upcoming %+v", u)
	}
	if e := must[app.ExportedCalendar](t)(b.ExportCalendar(ctx, app.CalendarExport{Room: "stand-up"})); e.Bookings != 1 || e.ICS == "" {
		t.Errorf("exported %+v", e)
	}
	length := time.Hour
	if e := must[app.Booking](t)(b.EditBooking(ctx, app.BookingPatch{BookingRef: app.BookingRef{Ref: made.ID}, For: &length})); e.ID != made.ID ||
		e.EndsAt.Sub(e.StartsAt.Time) != time.Hour || e.LocalStart != at {
		t.Errorf("edited %+v", e)
	}
	wrong := spec
	wrong.TimeZone = "Mars/Base"
	for name, c := range map[string]struct {
		call func() error
		want provider.Kind
	}{
		"a booking of no room":      {func() error { s := spec; s.Room = "x"; _, err := b.Book(ctx, s); return err }, provider.NotFound},
		"an unknown zone":           {func() error { _, err := b.Book(ctx, wrong); return err }, provider.Invalid},
		"the bookings of no room":   {func() error { _, err := b.Bookings(ctx, app.BookingQuery{Room: "x"}); return err }, provider.NotFound},
		"an unknown booking":        {func() error { _, err := b.RemoveBooking(ctx, app.BookingRef{Ref: "nope"}); return err }, provider.NotFound},
		"a booking of another room": {func() error { _, err := b.RemoveBooking(ctx, app.BookingRef{Ref: made.ID, Room: "board"}); return err }, provider.NotFound},
		"an unknown calendar":       {func() error { _, err := b.RemoveCalendar(ctx, app.CalendarRef{Name: "nope"}); return err }, provider.NotFound},
		"people of no meeting":      {func() error { _, err := b.Expected(ctx, app.MeetingRef{Ref: "nope"}); return err }, provider.NotFound},
		"a calendar without a room": {func() error { _, err := b.ExportCalendar(ctx, app.CalendarExport{Room: "x"}); return err }, provider.NotFound},
		"a change of no booking": {func() error {
			_, err := b.EditBooking(ctx, app.BookingPatch{BookingRef: app.BookingRef{Ref: "nope"}})
			return err
		}, provider.NotFound},
	} {
		if err := c.call(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %s", name, err, c.want)
		}
	}
	if r := must[app.Booking](t)(b.RemoveBooking(ctx, app.BookingRef{Ref: made.ID, Room: "stand-up"})); r.ID != made.ID {
		t.Errorf("removed %+v", r)
	}
	if l := must[[]app.Booking](t)(b.Bookings(ctx, app.BookingQuery{})); len(l) != 0 {
		t.Errorf("bookings afterwards: %+v", l)
	}
}

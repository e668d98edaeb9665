package rooms

import (
	"cmp"
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/booking"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// bookings lists the bookings of the selected room, to add, change or remove one. Without any it asks for the first.
func (p *Pane) bookings() tea.Cmd {
	v, _ := p.Room()
	return pane.Try(p.Screen, "read the bookings", nil,
		func(ctx context.Context) ([]app.Booking, error) {
			return p.Backend.Bookings(ctx, app.BookingQuery{Room: v.ID})
		},
		func(list []app.Booking) tea.Cmd {
			if len(list) == 0 {
				return p.plan(v.Room, nil)
			}
			return p.Dialogs.Push(p.bookingMenu(v.Room, list))
		})
}

// bookingMenu offers the bookings of a room.
func (p *Pane) bookingMenu(r app.Room, list []app.Booking) *dialog.Menu {
	m := &dialog.Menu{Title: "Bookings of " + words.Safe(r.Name), Wide: true, Hint: "D remove   "}
	m.Items = []dialog.Item{{ID: "new", Label: "Plan another meeting", Do: func() tea.Cmd { return p.plan(r, nil) }}}
	for _, b := range list {
		key := "over"
		if !b.Next.IsZero() {
			key = "next " + p.Day(b.Next)
		}
		m.Items = append(m.Items, dialog.Item{ID: b.ID, Key: key, Label: words.Safe(booking.Time(b) + ", " + booking.Repetition(b)),
			Do: func() tea.Cmd { return p.plan(r, &b) }})
	}
	m.Keys = map[string]func() tea.Cmd{"D": func() tea.Cmd {
		at, ok := m.Current()
		for _, b := range list {
			if ok && b.ID == at.ID {
				p.Dialogs.Close(m)
				return p.unplan(b)
			}
		}
		return nil
	}}
	if len(list) > 0 {
		m.Choose(1)
	}
	return m
}

// unplan asks whether to remove a booking.
func (p *Pane) unplan(b app.Booking) tea.Cmd {
	text := "It takes place " + booking.Repetition(b) + ": " + booking.Time(b) + "."
	if b.Meeting != "" && b.Link != "" {
		text += " Its meeting already exists and stays."
	}
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Remove this booking of " + words.Safe(b.Room) + "?", Text: words.Safe(text), Yes: "Remove", No: "Keep", Danger: true,
		OnYes: func() tea.Cmd {
			return pane.Try(p.Screen, "remove the booking", nil,
				func(ctx context.Context) (app.Booking, error) {
					return p.Backend.RemoveBooking(ctx, app.BookingRef{Ref: b.ID})
				},
				func(app.Booking) tea.Cmd {
					return tea.Batch(p.readRooms.Soon(), p.Say("The booking of "+b.Room+" was removed", p.Key(undo)+" restores it, for a minute"))
				})
		},
	})
}

// plan asks when a room's meeting takes place, or for changes of a booking.
func (p *Pane) plan(r app.Room, edit *app.Booking) tea.Cmd {
	next := p.Now().In(p.Zone).Truncate(time.Hour).Add(time.Hour)
	cur, zone := booking.Text{At: next.Format("2006-01-02 15:04"), For: "1h"}, cmp.Or(p.ZoneName, "UTC")
	f := &dialog.Form{Title: "Plan a meeting of " + words.Safe(r.Name), Submit: "Plan"}
	if edit != nil {
		cur, zone = booking.Of(*edit), edit.TimeZone
		f.Title, f.Submit = "Edit a booking of "+words.Safe(r.Name), "Save"
	}
	often := []dialog.Option{opt("", "once"), opt("day", "every day"), opt("weekday", "on weekdays"), opt("week", "every week"), opt("month", "every month")}
	known := false
	for _, o := range often {
		known = known || o.Value == cur.Every
	}
	if !known {
		often = append(often, opt(cur.Every, words.Safe(cur.Every)))
	}
	check := func(read func(text string, v func(string) string) error) func(string, func(string) string) string {
		return func(text string, v func(string) string) string {
			var e *booking.Error
			if err := read(text, v); errors.As(err, &e) {
				return "Invalid value: " + e.Hint + "."
			}
			return ""
		}
	}
	f.Fields = []*dialog.Field{
		{Name: "at", Label: "When", Value: cur.At, Help: "Start of the first meeting, such as 2026-12-01 10:00.",
			Check: check(func(text string, v func(string) string) error {
				_, _, err := booking.Start(text, "UTC")
				return err
			})},
		{Name: "zone", Label: "Time zone", Value: zone, Help: "Repeated meetings keep their local time there when the clocks change.",
			Check: check(func(text string, _ func(string) string) error {
				_, _, err := booking.Start("2026-01-01 00:00", text)
				return err
			})},
		{Name: "for", Label: "How long", Value: cur.For, Help: "Such as 45m or 1h30m.",
			Check: check(func(text string, _ func(string) string) error {
				_, err := booking.Length(text)
				return err
			})},
		{Name: "every", Label: "How often", Value: cur.Every, Options: often, Help: "Other repetitions: greenroom room schedule --every RRULE."},
		{Name: "until", Label: "Until", Value: cur.Until, Help: "The last day, such as 2026-12-31. Empty: no end.",
			Off: func(v func(string) string) string {
				if v("every") == "" {
					return "only for repeated meetings"
				}
				return ""
			},
			Check: check(func(text string, _ func(string) string) error { return booking.Last(text) })},
	}
	f.OnSubmit = func(v func(string) string) tea.Cmd {
		text := booking.Text{At: v("at"), For: v("for"), Every: v("every"), Until: v("until")}
		if text.Every == "" {
			text.Until = ""
		}
		return pane.Try(p.Screen, "plan the meeting", f, func(ctx context.Context) (app.Booking, error) {
			spec, err := text.Spec(r.ID, v("zone"))
			if err != nil {
				return app.Booking{}, err
			}
			if edit == nil {
				return p.Backend.Book(ctx, spec)
			}
			return p.Backend.EditBooking(ctx, app.BookingPatch{
				BookingRef: app.BookingRef{Ref: edit.ID}, At: &spec.At, TimeZone: &spec.TimeZone, For: &spec.For, Every: &spec.Every, Until: &spec.Until,
			})
		}, func(b app.Booking) tea.Cmd {
			hint := booking.Time(b) + ", " + booking.Repetition(b)
			for _, n := range b.Notes {
				hint += ". " + n
			}
			verb := "planned"
			if edit != nil {
				verb = "changed"
			}
			return tea.Batch(p.readRooms.Soon(), p.Say("Meeting of "+b.Room+" "+verb, hint))
		})
	}
	return p.Dialogs.Push(f)
}

// nextLine draws the room's next booking, with its problem if its meeting could not be made. x0 and y are the position of the line.
func (p *Pane) nextLine(v app.RoomView, w, x0, y int) []string {
	b := v.Booking
	if b == nil || b.Next.IsZero() {
		return nil
	}
	s := p.Styles
	key := p.Key(planMeetings) + " plan"
	p.Button(x0+w-s.Width(key)-1, y, s.Width(key), planMeetings)
	when := p.Day(b.Next) + "–" + b.Next.Add(b.EndsAt.Sub(b.StartsAt.Time)).In(p.Zone).Format("15:04")
	ink, lead := s.Text, "next   "
	if left, soon := p.soon(v); soon {
		ink, when = s.Warn, when+", "+untilWords(left)
	}
	left := " " + s.Muted.Render(lead) + ink.Render(when) + s.Muted.Render("  "+words.Safe(booking.Repetition(*b)))
	out := []string{s.Spread(s.Clip(left, w-s.Width(key)-2), s.Key.Render(p.Key(planMeetings))+" "+s.KeyHelp.Render("plan")+" ", w)}
	if b.Error != "" {
		out = append(out, " "+s.Bad.Render(s.Clip("✗ its meeting couldn't be created: "+words.Safe(b.Error), w-2)))
	}
	return out
}

// untilWords returns the time until a booking begins.
func untilWords(d time.Duration) string {
	switch minutes := int((d + time.Minute - 1) / time.Minute); {
	case d <= 0:
		return "overdue"
	case minutes == 1:
		return "in a minute"
	default:
		return "in " + words.Plural(minutes, "minute", "minutes")
	}
}

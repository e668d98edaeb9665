// Package booking parses bookings as users write them, on the command line and on the screen, and describes them in words. It is pure: the
// caller passes zones and times.
package booking

import (
	"fmt"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/when"
)

// Layout is the format of local times in requests.
const Layout = "2006-01-02T15:04:05"

// Error is a text that can't be used. Field is at, for, every, until or zone.
type Error struct{ Field, Value, Hint string }

func (e *Error) Error() string { return fmt.Sprintf("%s can't be %q: %s", e.Field, e.Value, e.Hint) }

// Text is a booking as it was typed. Only At is required.
type Text struct {
	// At is 2026-12-01 10:00, with seconds or without, or RFC 3339.
	At string
	// For is a length such as 45m, Every day, weekday, week, month or an RRULE, Until the last day.
	For, Every, Until string
}

// Spec returns the booking of a room. zone is the time zone of the start: an IANA name. The error is an [*Error].
func (t Text) Spec(room, zone string) (app.BookingSpec, error) {
	spec := app.BookingSpec{Room: room, Every: t.Every, Until: t.Until}
	var err error
	if spec.At, spec.TimeZone, err = Start(t.At, zone); err != nil {
		return spec, err
	}
	if spec.For, err = Length(t.For); err != nil {
		return spec, err
	}
	if err := Repeated(t.Every); err != nil {
		return spec, err
	}
	return spec, Last(t.Until)
}

// Start parses a start as a local time in a zone. A moment that no local time names, in the hour that occurs twice, is in UTC.
func Start(at, zone string) (wall, in string, err error) {
	loc := calendar.Zone(zone)
	if loc == nil {
		return "", "", &Error{"zone", zone, "write it like Europe/Berlin or America/New_York"}
	}
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		w := calendar.Wall(t.In(loc))
		if !calendar.Place(w, loc).Equal(t.Truncate(time.Second)) {
			w, zone = calendar.Wall(t.UTC()), "UTC"
		}
		return w.Format(Layout), zone, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", Layout} {
		if t, err := time.Parse(layout, at); err == nil {
			return t.Format(Layout), zone, nil
		}
	}
	return "", "", &Error{"at", at, "write it like '2026-12-01 10:00' or 2026-12-01T10:00:00+01:00"}
}

// Length parses the length; empty is 0, the default.
func Length(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, ok := when.Age(text)
	if !ok || d <= 0 {
		return 0, &Error{"for", text, "write it like 45m or 1h30m"}
	}
	return d, nil
}

// Repeated checks the repetition; empty is once.
func Repeated(text string) error {
	if text == "" {
		return nil
	}
	if _, err := calendar.ParseRule(text); err != nil {
		return &Error{"every", text, "use day, weekday, week, month, or an RRULE such as FREQ=MONTHLY;BYDAY=1TU"}
	}
	return nil
}

// Last checks the last day of a repetition; empty is none.
func Last(text string) error {
	if text == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return &Error{"until", text, "write it like 2026-12-31"}
	}
	return nil
}

// Time returns the time of the first occurrence, in the booking's zone.
func Time(b app.Booking) string {
	loc := calendar.Zone(b.TimeZone)
	if loc == nil {
		loc = time.UTC
	}
	from, to := b.StartsAt.In(loc), b.EndsAt.In(loc)
	end := "15:04"
	if from.Format(time.DateOnly) != to.Format(time.DateOnly) {
		end = "2006-01-02 15:04"
	}
	return from.Format("Mon 2006-01-02 15:04") + "–" + to.Format(end) + " " + loc.String()
}

// usual are the repetitions with names.
var usual = []struct{ rule, name, words string }{
	{"FREQ=DAILY", "day", "every day"}, {"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "weekday", "on weekdays"}, {"FREQ=WEEKLY", "week", "every week"},
	{"FREQ=MONTHLY", "month", "every month"},
}

// Repetition returns the repetition in words.
func Repetition(b app.Booking) string {
	out := b.Rule
	if out == "" {
		out = "once"
	}
	for _, r := range usual {
		if r.rule == b.Rule {
			out = r.words
		}
	}
	if loc := calendar.Zone(b.TimeZone); !b.Until.IsZero() && loc != nil {
		out += " until " + b.Until.In(loc).Format(time.DateOnly)
	}
	return out
}

// Of returns the text of a booking, for editing.
func Of(b app.Booking) Text {
	t := Text{At: strings.TrimSuffix(strings.Replace(b.LocalStart, "T", " ", 1), ":00"), Every: b.Rule}
	for _, r := range usual {
		if r.rule == b.Rule {
			t.Every = r.name
		}
	}
	t.For = b.EndsAt.Sub(b.StartsAt.Time).String() // 1h30m0s
	for _, nothing := range []struct{ after, zero string }{{"m", "0s"}, {"h", "0m"}} {
		if short, ok := strings.CutSuffix(t.For, nothing.zero); ok && strings.HasSuffix(short, nothing.after) {
			t.For = short
		}
	}
	if loc := calendar.Zone(b.TimeZone); !b.Until.IsZero() && loc != nil {
		t.Until = b.Until.In(loc).Format(time.DateOnly)
	}
	return t
}

package booking

import (
	"errors"
	"testing"
	"time"

	"greenroom/internal/app"
)

func TestSpec(t *testing.T) {
	for name, c := range map[string]struct {
		text  Text
		zone  string
		want  app.BookingSpec
		wrong string // the field
	}{
		"once":            {Text{At: "2026-12-01 10:00"}, "Europe/Berlin", app.BookingSpec{At: "2026-12-01T10:00:00", TimeZone: "Europe/Berlin"}, ""},
		"seconds":         {Text{At: "2026-12-01 10:00:05"}, "UTC", app.BookingSpec{At: "2026-12-01T10:00:05", TimeZone: "UTC"}, ""},
		"RFC 3339":        {Text{At: "2026-12-01T10:00:00Z"}, "Europe/Berlin", app.BookingSpec{At: "2026-12-01T11:00:00", TimeZone: "Europe/Berlin"}, ""},
		"the second 2:30": {Text{At: "2026-10-25T02:30:00+01:00"}, "Europe/Berlin", app.BookingSpec{At: "2026-10-25T01:30:00", TimeZone: "UTC"}, ""},
		"everything": {Text{At: "2026-12-01T10:00", For: "1h30m", Every: "weekday", Until: "2026-12-31"}, "UTC",
			app.BookingSpec{At: "2026-12-01T10:00:00", TimeZone: "UTC", For: 90 * time.Minute, Every: "weekday", Until: "2026-12-31"}, ""},
		"no time":        {Text{At: "tomorrow"}, "UTC", app.BookingSpec{}, "at"},
		"no length":      {Text{At: "2026-12-01 10:00", For: "long"}, "UTC", app.BookingSpec{}, "for"},
		"no time at all": {Text{At: "2026-12-01 10:00", For: "0s"}, "UTC", app.BookingSpec{}, "for"},
		"no repetition":  {Text{At: "2026-12-01 10:00", Every: "often"}, "UTC", app.BookingSpec{}, "every"},
		"no last day":    {Text{At: "2026-12-01 10:00", Every: "day", Until: "31.12."}, "UTC", app.BookingSpec{}, "until"},
		"no zone":        {Text{At: "2026-12-01 10:00"}, "Mars/Base", app.BookingSpec{}, "zone"},
	} {
		got, err := c.text.Spec("board", c.zone)
		var e *Error
		switch errors.As(err, &e); {
		case c.wrong != "" && (e == nil || e.Field != c.wrong || e.Hint == "" || e.Error() == ""):
			t.Errorf("%s: %v", name, err)
		case c.wrong == "":
			c.want.Room = "board"
			if err != nil || got.At != c.want.At || got.TimeZone != c.want.TimeZone || got.For != c.want.For || got.Every != c.want.Every || got.Until != c.want.Until {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

func TestWordsOfABooking(t *testing.T) {
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		rule   string
		length time.Duration
		until  time.Time
		when   string
		often  string
		again  Text
	}{
		{"", time.Hour, time.Time{}, "Tue 2026-12-01 10:00–11:00 Europe/Berlin", "once", Text{At: "2026-12-01 10:00", For: "1h"}},
		{"FREQ=DAILY", 45 * time.Minute, at.AddDate(0, 0, 30), "Tue 2026-12-01 10:00–10:45 Europe/Berlin", "every day until 2026-12-31",
			Text{At: "2026-12-01 10:00", For: "45m", Every: "day", Until: "2026-12-31"}},
		{"FREQ=MONTHLY;BYDAY=1TU", 26 * time.Hour, time.Time{}, "Tue 2026-12-01 10:00–2026-12-02 12:00 Europe/Berlin", "FREQ=MONTHLY;BYDAY=1TU",
			Text{At: "2026-12-01 10:00", For: "26h", Every: "FREQ=MONTHLY;BYDAY=1TU"}},
		{"FREQ=WEEKLY", 10 * time.Minute, time.Time{}, "Tue 2026-12-01 10:00–10:10 Europe/Berlin", "every week", Text{At: "2026-12-01 10:00", For: "10m", Every: "week"}},
		{"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", 90 * time.Minute, time.Time{}, "Tue 2026-12-01 10:00–11:30 Europe/Berlin", "on weekdays",
			Text{At: "2026-12-01 10:00", For: "1h30m", Every: "weekday"}},
	} {
		b := app.Booking{Rule: c.rule, StartsAt: app.At(at), EndsAt: app.At(at.Add(c.length)), Until: app.At(c.until), TimeZone: "Europe/Berlin", LocalStart: "2026-12-01T10:00:00"}
		if Time(b) != c.when || Repetition(b) != c.often || Of(b) != c.again {
			t.Errorf("%q %q %+v", Time(b), Repetition(b), Of(b))
		}
		spec, err := Of(b).Spec("board", b.TimeZone)
		if err != nil || spec.For != c.length || spec.At != b.LocalStart {
			t.Errorf("typed again: %+v, %v", spec, err)
		}
	}
}

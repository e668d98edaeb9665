// Package calendar computes when appointments take place, and reads and writes calendars (iCalendar, RFC 5545). It is pure: it does
// no I/O and reads no clock.
//
// It promises:
//   - A repeated appointment keeps its local time when clocks change. A local time that is skipped moves forward by the length of
//     the gap; one that occurs twice is the first of the two.
//   - Reading is lenient and bounded. A line, an event or a time zone that can't be understood affects nothing else. The constants
//     below limit memory and time for any input: a rule for every second, a million folds, endless nesting.
//   - The same appointments are written as the same bytes, with the definition of every time zone.
//
// It does not send invitations, and changes no one else's calendar.
package calendar

import "errors"

// The limits of reading and expanding.
const (
	// MaxBytes is the size of the largest file that is read.
	MaxBytes = 16 << 20
	// MaxOccurrences is the most occurrences of one appointment that are listed.
	MaxOccurrences = 1000

	maxLine       = 256 << 10 // of an unfolded line; the rest is dropped
	maxEvents     = 50_000
	maxDates      = 5_000 // EXDATE and RDATE of one event
	maxAttendees  = 1_000
	maxZones      = 500
	maxNotes      = 20
	maxText       = 1_000  // runes of a title
	maxListed     = 20_000 // occurrences of one calendar in a window
	ruleBudget    = 200_000
	feedBudget    = 5_000_000
	maxTransition = 2_000
)

// ErrTooLarge is returned for files of more than [MaxBytes].
var ErrTooLarge = errors.New("the calendar is larger than 16 MiB")

// ErrNotCalendar is returned for text that isn't a calendar, such as a login page.
var ErrNotCalendar = errors.New("this is not a calendar: it has no BEGIN:VCALENDAR")

// Version identifies a calendar's text, for conditional requests: ETag and Last-Modified.
type Version struct{ ETag, Modified string }

// Text is a calendar's text. Unchanged means that it has the known version; Body is empty then.
type Text struct {
	Body      []byte
	Version   Version
	Unchanged bool
}

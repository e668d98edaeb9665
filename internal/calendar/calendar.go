// Package calendar computes when appointments take place, reads the calendars of others, and writes our own. It is pure: it does
// no I/O and reads no clock.
//
// What it promises:
//   - A repeated appointment keeps its local time when clocks change. A local time that is skipped moves forward by the length of
//     the gap, one that occurs twice is the first of the two.
//   - Reading is lenient and bounded. A line, an event or a time zone that can't be understood costs only itself. Memory and time
//     are limited by the constants below, whatever a file says: a rule for every second, a million folds, nesting without end.
//   - What it writes is the same bytes for the same appointments, and every time zone in it has its definition.
//
// It does not send invitations and changes no calendar of others.
package calendar

import "errors"

// The limits of reading and expanding.
const (
	// MaxBytes is the size of the largest file that is read.
	MaxBytes = 16 << 20
	// MaxOccurrences is how many occurrences of one appointment are listed in a window.
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

// ErrNotCalendar is returned for text that isn't a calendar, such as the page of a login form.
var ErrNotCalendar = errors.New("this is not a calendar: it has no BEGIN:VCALENDAR")

// Version identifies a text of a server, to ask for a newer one.
type Version struct{ ETag, Modified string }

// Text is a calendar as it was read. Unchanged means that the earlier one is still the newest; Body is empty then.
type Text struct {
	Body      []byte
	Version   Version
	Unchanged bool
}

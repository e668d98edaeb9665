// Package when reads ages and moments as people write them. It is pure: the caller passes the time.
package when

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Age reads a length of time: 90m, 1h30m, 7d, 2w, 1w2d.
func Age(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s, "+-") {
		return 0, false
	}
	var total time.Duration
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, rest, found := strings.Cut(s, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || time.Duration(n) > (math.MaxInt64-total)/unit.length {
			return 0, false
		}
		total += time.Duration(n) * unit.length
		s = rest
	}
	if s == "" {
		return total, true
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > math.MaxInt64-total {
		return 0, false
	}
	return total + d, true
}

// Moment reads RFC 3339, a date, a date with a time, or a time of day. Without a zone it is in the zone of now. A time of day is the next one
// if ahead is set, else the latest one.
func Moment(s string, now time.Time, ahead bool) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, true
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		c, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		day := 0
		at := func() time.Time {
			return time.Date(now.Year(), now.Month(), now.Day()+day, c.Hour(), c.Minute(), c.Second(), 0, now.Location())
		}
		if ahead && !at().After(now) {
			day = 1
		} else if !ahead && at().After(now) {
			day = -1
		}
		return at(), true
	}
	return time.Time{}, false
}

// Date reports whether s is a date alone, and returns the instant at which that day ends in the zone of now.
func Date(s string, now time.Time) (end time.Time, ok bool) {
	t, err := time.ParseInLocation(time.DateOnly, s, now.Location())
	if err != nil {
		return time.Time{}, false
	}
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, now.Location()), true
}

package calendar

import (
	"strings"
	"time"
)

// moment is a DATE or DATE-TIME as written: a wall time in a zone, which is the reader's if nil.
type moment struct {
	wall time.Time
	zone zone
	date bool
}

// parseMoment parses a date or a time. z is the zone of its TZID, or nil.
func parseMoment(s string, z zone) (moment, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if s, utc := strings.CutSuffix(s, "Z"); utc {
		m, ok := parseMoment(s, location{time.UTC})
		return m, ok && !m.date
	}
	for _, layout := range []string{"20060102T150405", "20060102T1504", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{wall: t, zone: z}, sane(t)
		}
	}
	for _, layout := range []string{"20060102", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{wall: t, date: true}, sane(t)
		}
	}
	return moment{}, false
}

// sane reports whether the year is one for which offsets are computed.
func sane(t time.Time) bool { return t.Year() >= 1583 && t.Year() <= 9000 }

// in returns the moment; local is the reader's zone.
func (m moment) in(local zone) time.Time { return m.at(m.wall, local) }

// at returns the moment at which a clock in the zone of m shows wall.
func (m moment) at(wall time.Time, local zone) time.Time {
	if m.zone == nil || m.date {
		return place(wall, local)
	}
	return place(wall, m.zone)
}

// maxLength is the longest event; longer ones are cut to it.
const maxLength = 366 * day

// parseDuration parses a DURATION such as P1DT2H30M. A negative one is 0.
func parseDuration(s string) (days int, rest time.Duration, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	negative := strings.HasPrefix(s, "-")
	s, found := strings.CutPrefix(strings.TrimLeft(s, "+-"), "P")
	if !found || s == "" {
		return 0, 0, false
	}
	n, digits, seconds := 0, 0, 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			if n, digits = n*10+int(c-'0'), digits+1; digits > 9 {
				return 0, 0, false
			}
			continue
		}
		if c == 'T' && digits == 0 {
			continue
		}
		if digits == 0 {
			return 0, 0, false
		}
		switch c {
		case 'W':
			days += 7 * n
		case 'D':
			days += n
		case 'H':
			seconds += 3600 * n
		case 'M':
			seconds += 60 * n
		case 'S':
			seconds += n
		default:
			return 0, 0, false
		}
		n, digits = 0, 0
	}
	if negative {
		return 0, 0, true
	}
	return min(days, 366), time.Duration(min(seconds, int(maxLength/time.Second))) * time.Second, digits == 0
}

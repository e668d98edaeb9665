package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rule is how often an appointment is repeated: the RRULE of RFC 5545.
type Rule struct {
	freq     frequency
	interval int
	count    int
	// Until is the last moment at which an occurrence may begin, zero for none. It is a wall time if wallUntil is set.
	Until     time.Time
	wallUntil bool

	months, weeks, yearDays, monthDays, positions []int
	hours, minutes, seconds                       []int
	days                                          []weekday
	weekStart                                     time.Weekday
}

type frequency int

const (
	secondly frequency = iota
	minutely
	hourly
	daily
	weekly
	monthly
	yearly
)

var frequencies = []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

// weekday is a day of the week; with n, the n-th one of the month or year, counted from its end if n is negative.
type weekday struct {
	n   int
	day time.Weekday
}

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func (w weekday) String() string {
	if w.n == 0 {
		return dayNames[w.day]
	}
	return strconv.Itoa(w.n) + dayNames[w.day]
}

// words are the names of common rules.
var words = map[string]string{
	"day": "FREQ=DAILY", "daily": "FREQ=DAILY", "weekday": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "weekdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
	"week": "FREQ=WEEKLY", "weekly": "FREQ=WEEKLY", "month": "FREQ=MONTHLY", "monthly": "FREQ=MONTHLY",
}

// ParseRule reads a rule as users write it: day, weekday, week, month, or an RRULE with or without "RRULE:".
func ParseRule(s string) (*Rule, error) {
	s = strings.TrimSpace(s)
	if rule, ok := words[strings.ToLower(s)]; ok {
		s = rule
	}
	if len(s) >= 6 && strings.EqualFold(s[:6], "RRULE:") {
		s = s[6:]
	}
	return parseRule(s, nil)
}

var errRule = errors.New("not a rule")

func parseRule(s string, untilZone zone) (*Rule, error) {
	r := &Rule{freq: -1, interval: 1, weekStart: time.Monday}
	for part := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(part, "=")
		if strings.TrimSpace(part) == "" {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("%w: %q has no value", errRule, part)
		}
		if err := r.set(strings.ToUpper(strings.TrimSpace(name)), strings.ToUpper(strings.TrimSpace(value)), untilZone); err != nil {
			return nil, err
		}
	}
	switch {
	case r.freq < 0:
		return nil, fmt.Errorf("%w: it has no FREQ", errRule)
	case r.count > 0 && !r.Until.IsZero():
		return nil, fmt.Errorf("%w: it has both COUNT and UNTIL", errRule)
	}
	return r, nil
}

func (r *Rule) set(name, value string, untilZone zone) (err error) {
	number := func(to *int, least int) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > 1_000_000_000 {
			return fmt.Errorf("%w: %s can't be %q", errRule, name, value)
		}
		*to = n
		return nil
	}
	numbers := func(to *[]int, low, high int, signed bool) error {
		for text := range strings.SplitSeq(value, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			size := n
			if signed && n < 0 {
				size = -n
			}
			if err != nil || size < low || size > high || len(*to) > 800 {
				return fmt.Errorf("%w: %s can't have %q", errRule, name, text)
			}
			*to = append(*to, n)
		}
		slices.Sort(*to)
		*to = slices.Compact(*to)
		return nil
	}
	switch name {
	case "FREQ":
		if r.freq = frequency(slices.Index(frequencies, value)); r.freq < 0 {
			return fmt.Errorf("%w: FREQ can't be %q", errRule, value)
		}
	case "INTERVAL":
		return number(&r.interval, 1)
	case "COUNT":
		return number(&r.count, 1)
	case "UNTIL":
		m, ok := parseMoment(value, untilZone)
		if !ok {
			return fmt.Errorf("%w: UNTIL can't be %q", errRule, value)
		}
		r.Until, r.wallUntil = m.wall, true
		if m.date {
			r.Until = m.wall.Add(day - time.Second)
		} else if m.zone != nil {
			r.Until, r.wallUntil = place(m.wall, m.zone), false
		}
	case "BYMONTH":
		return numbers(&r.months, 1, 12, false)
	case "BYWEEKNO":
		return numbers(&r.weeks, 1, 53, true)
	case "BYYEARDAY":
		return numbers(&r.yearDays, 1, 366, true)
	case "BYMONTHDAY":
		return numbers(&r.monthDays, 1, 31, true)
	case "BYSETPOS":
		return numbers(&r.positions, 1, 366, true)
	case "BYHOUR":
		return numbers(&r.hours, 0, 23, false)
	case "BYMINUTE":
		return numbers(&r.minutes, 0, 59, false)
	case "BYSECOND":
		return numbers(&r.seconds, 0, 59, false)
	case "BYDAY":
		return r.setDays(value)
	case "WKST":
		i := slices.Index(dayNames, value)
		if i < 0 {
			return fmt.Errorf("%w: WKST can't be %q", errRule, value)
		}
		r.weekStart = time.Weekday(i)
	}
	return nil // other names are extensions
}

func (r *Rule) setDays(value string) error {
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimSpace(text)
		bad := fmt.Errorf("%w: BYDAY can't have %q", errRule, text)
		if len(text) < 2 || len(r.days) > 400 {
			return bad
		}
		i := slices.Index(dayNames, text[len(text)-2:])
		w := weekday{day: time.Weekday(i)}
		if n := text[:len(text)-2]; n != "" {
			var err error
			if w.n, err = strconv.Atoi(n); err != nil || w.n == 0 || w.n < -53 || w.n > 53 {
				return bad
			}
		}
		if i < 0 {
			return bad
		}
		r.days = append(r.days, w)
	}
	return nil
}

// String returns the rule as an RRULE without its name and without UNTIL, the same for equal rules.
func (r *Rule) String() string {
	var b strings.Builder
	b.WriteString("FREQ=" + frequencies[r.freq])
	if r.interval > 1 {
		fmt.Fprintf(&b, ";INTERVAL=%d", r.interval)
	}
	if r.count > 0 {
		fmt.Fprintf(&b, ";COUNT=%d", r.count)
	}
	writeList(&b, "BYMONTH", r.months)
	writeList(&b, "BYWEEKNO", r.weeks)
	writeList(&b, "BYYEARDAY", r.yearDays)
	writeList(&b, "BYMONTHDAY", r.monthDays)
	writeList(&b, "BYDAY", r.days)
	writeList(&b, "BYHOUR", r.hours)
	writeList(&b, "BYMINUTE", r.minutes)
	writeList(&b, "BYSECOND", r.seconds)
	writeList(&b, "BYSETPOS", r.positions)
	if r.weekStart != time.Monday {
		b.WriteString(";WKST=" + dayNames[r.weekStart])
	}
	return b.String()
}

func writeList[T any](b *strings.Builder, name string, list []T) {
	separator := ";" + name + "="
	for _, one := range list {
		fmt.Fprint(b, separator, one)
		separator = ","
	}
}

// Skips reports whether the rule has no occurrence in months that are too short: it is monthly, on the 29th or later.
func (r *Rule) Skips(start time.Time) bool {
	if r.freq != monthly || len(r.days) > 0 || len(r.yearDays) > 0 || len(r.weeks) > 0 {
		return false
	}
	if len(r.monthDays) == 0 {
		return start.Day() > 28
	}
	return slices.ContainsFunc(r.monthDays, func(n int) bool { return n > 28 || n < -28 })
}

// UntilIn returns the last moment at which an occurrence of a series in loc may begin, zero for none.
func (r *Rule) UntilIn(loc *time.Location) time.Time {
	if r.Until.IsZero() || !r.wallUntil {
		return r.Until
	}
	return Place(r.Until, loc)
}

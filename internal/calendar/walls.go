package calendar

import (
	"iter"
	"slices"
	"time"
)

const day = 24 * time.Hour

// walls yields the wall times of a rule in order, from the first one at or after from, until one is after to. Each step costs one
// of left; the sequence ends when that is used up. start is the wall time of the first occurrence; it is yielded only if it fits the
// rule. Without COUNT, whole periods before from are skipped.
func (r *Rule) walls(start, from, to time.Time, left *int) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		seen := 0
		emit := func(wall time.Time) bool {
			if *left--; *left < 0 || wall.After(to) {
				return false
			}
			if wall.Before(start) {
				return true
			}
			if seen++; r.count > 0 && seen > r.count {
				return false
			}
			return wall.Before(from) || yield(wall)
		}
		e := &expansion{Rule: r, start: start, left: left}
		if r.freq < daily {
			e.short(from, to, emit)
		} else {
			e.long(from, to, emit)
		}
	}
}

type expansion struct {
	*Rule
	start time.Time
	left  *int
	times []time.Duration // of a day, for the long frequencies
	// The rule's fields, or what the start implies if the rule lacks them.
	monthDays, months []int
	days              []weekday
}

// long expands the rules that repeat by days or more.
func (e *expansion) long(from, to time.Time, emit func(time.Time) bool) {
	e.imply()
	if !e.timesOfDay() {
		return
	}
	k := 0
	if e.count == 0 && from.After(e.start) {
		k = e.periodsTo(from)
	}
	for {
		first, days := e.period(k)
		if first.After(to) || *e.left < 0 || first.Year() > 9999 {
			return
		}
		k++
		if !e.inPeriod(first, days, emit) {
			return
		}
	}
}

// imply completes the rule from the start.
func (e *expansion) imply() {
	e.monthDays, e.months, e.days = e.Rule.monthDays, e.Rule.months, e.Rule.days
	if len(e.weeks)+len(e.yearDays)+len(e.monthDays)+len(e.days) > 0 {
		return
	}
	switch e.freq {
	case yearly:
		if len(e.months) == 0 {
			e.months = []int{int(e.start.Month())}
		}
		e.monthDays = []int{e.start.Day()}
	case monthly:
		e.monthDays = []int{e.start.Day()}
	case weekly:
		e.days = []weekday{{day: e.start.Weekday()}}
	}
}

// or returns a list, or n alone if it is empty.
func or(list []int, n int) []int {
	if len(list) == 0 {
		return []int{n}
	}
	return list
}

func (e *expansion) timesOfDay() bool {
	hours, minutes, seconds := or(e.hours, e.start.Hour()), or(e.minutes, e.start.Minute()), or(e.seconds, e.start.Second())
	if *e.left -= len(hours) * len(minutes) * len(seconds); *e.left < 0 {
		return false
	}
	for _, h := range hours {
		for _, m := range minutes {
			for _, s := range seconds {
				e.times = append(e.times, time.Duration(h)*time.Hour+time.Duration(m)*time.Minute+time.Duration(s)*time.Second)
			}
		}
	}
	return true
}

// periodsTo returns the number of a period at or shortly before a wall time.
func (e *expansion) periodsTo(from time.Time) int {
	n := int(from.Sub(e.start) / day)
	switch e.freq {
	case yearly:
		n = from.Year() - e.start.Year()
	case monthly:
		n = (from.Year()-e.start.Year())*12 + int(from.Month()) - int(e.start.Month())
	case weekly:
		n /= 7
	}
	return max(n/e.interval-1, 0)
}

// period returns the first day of the k-th period, and its length in days.
func (e *expansion) period(k int) (first time.Time, days int) {
	y, m, d := e.start.Date()
	n := k * e.interval
	switch e.freq {
	case yearly:
		first = date(y+n, 1, 1)
		return first, int(date(y+n+1, 1, 1).Sub(first) / day)
	case monthly:
		first = date(y, int(m)+n, 1)
		return first, int(first.AddDate(0, 1, 0).Sub(first) / day)
	case weekly:
		return date(y, int(m), d-e.intoWeek(e.start)+7*n), 7
	}
	return date(y, int(m), d+n), 1
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// inPeriod emits the wall times of one period, and reports whether to continue.
func (e *expansion) inPeriod(first time.Time, days int, emit func(time.Time) bool) bool {
	var set []time.Time // the days, for rules with positions
	for i := range days {
		if *e.left--; *e.left < 0 {
			return false
		}
		d := first.AddDate(0, 0, i)
		if !e.fits(d) {
			continue
		}
		if len(e.positions) > 0 {
			set = append(set, d)
			continue
		}
		for _, t := range e.times {
			if !emit(d.Add(t)) {
				return false
			}
		}
	}
	all := len(set) * len(e.times)
	var chosen []int
	for _, p := range e.positions {
		if p < 0 {
			p += all + 1
		}
		if p >= 1 && p <= all {
			chosen = append(chosen, p-1)
		}
	}
	slices.Sort(chosen)
	for _, i := range slices.Compact(chosen) {
		if !emit(set[i/len(e.times)].Add(e.times[i%len(e.times)])) {
			return false
		}
	}
	return true
}

// fits reports whether a day passes the rule's filters.
func (e *expansion) fits(d time.Time) bool {
	in := func(list []int, n, fromEnd int) bool {
		return len(list) == 0 || slices.Contains(list, n) || slices.Contains(list, fromEnd)
	}
	year := d.Year()
	inYear, inMonth := int(date(year+1, 1, 1).Sub(date(year, 1, 1))/day), date(year, int(d.Month())+1, 0).Day()
	if !in(e.months, int(d.Month()), 0) || !in(e.monthDays, d.Day(), d.Day()-inMonth-1) ||
		!in(e.yearDays, d.YearDay(), d.YearDay()-inYear-1) {
		return false
	}
	if len(e.weeks) > 0 {
		if week, of := e.week(d); !in(e.weeks, week, week-of-1) {
			return false
		}
	}
	if len(e.days) == 0 {
		return true
	}
	for _, w := range e.days {
		if w.day == d.Weekday() && (w.n == 0 || e.freq < monthly || e.nth(d, inYear, inMonth, w.n)) {
			return true
		}
	}
	return false
}

// nth reports whether d is the n-th of its weekday, in the month or in the year.
func (e *expansion) nth(d time.Time, inYear, inMonth, n int) bool {
	at, of := d.YearDay(), inYear
	if e.freq == monthly || len(e.months) > 0 {
		at, of = d.Day(), inMonth
	}
	if n > 0 {
		return (at-1)/7+1 == n
	}
	return (of-at)/7+1 == -n
}

// intoWeek returns how many days of its week are before d.
func (e *expansion) intoWeek(d time.Time) int { return (int(d.Weekday()) - int(e.weekStart) + 7) % 7 }

// week returns the number of d's week in its year, and how many weeks that year has. A week belongs to the year with at least four
// of its days.
func (e *expansion) week(d time.Time) (n, of int) {
	first := func(year int) time.Time {
		fourth := date(year, 1, 4)
		return fourth.AddDate(0, 0, -e.intoWeek(fourth))
	}
	year := d.AddDate(0, 0, 3-e.intoWeek(d)).Year()
	begin := first(year)
	return int(d.Sub(begin)/day)/7 + 1, int(first(year+1).Sub(begin)/day) / 7
}

// short expands the rules that repeat within a day.
func (e *expansion) short(from, to time.Time, emit func(time.Time) bool) {
	e.monthDays, e.months, e.days = e.Rule.monthDays, e.Rule.months, e.Rule.days
	unit := []time.Duration{time.Second, time.Minute, time.Hour}[e.freq]
	begin := e.start.Truncate(unit)
	step := time.Duration(e.interval) * unit
	k := 0
	if e.count == 0 && from.After(begin) {
		k = int(from.Sub(begin) / step)
	}
	// next is the first step at or after a wall time.
	next := func(t time.Time) int { return int((t.Sub(begin) + step - 1) / step) }
	for {
		at := begin.Add(time.Duration(k) * step)
		if *e.left--; *e.left < 0 || at.After(to) || at.Year() > 9999 || at.Before(begin) {
			return
		}
		switch {
		case !e.fits(date(at.Year(), int(at.Month()), at.Day())):
			k = max(next(at.Truncate(day).Add(day)), k+1)
			continue
		case len(e.hours) > 0 && !slices.Contains(e.hours, at.Hour()):
			k = max(next(at.Truncate(time.Hour).Add(time.Hour)), k+1)
			continue
		case e.freq < hourly && len(e.minutes) > 0 && !slices.Contains(e.minutes, at.Minute()):
			k = max(next(at.Truncate(time.Minute).Add(time.Minute)), k+1)
			continue
		case e.freq == secondly && len(e.seconds) > 0 && !slices.Contains(e.seconds, at.Second()):
			k++
			continue
		}
		k++
		if !e.within(at, emit) {
			return
		}
	}
}

// within emits the wall times of one hour, minute or second.
func (e *expansion) within(at time.Time, emit func(time.Time) bool) bool {
	minutes, seconds := or(e.minutes, e.start.Minute()), or(e.seconds, e.start.Second())
	if e.freq < hourly {
		minutes = []int{at.Minute()}
	}
	if e.freq == secondly {
		seconds = []int{at.Second()}
	}
	all := len(minutes) * len(seconds)
	for i := range all {
		if len(e.positions) > 0 && !slices.Contains(e.positions, i+1) && !slices.Contains(e.positions, i-all) {
			continue
		}
		wall := at.Truncate(time.Hour).Add(time.Duration(minutes[i/len(seconds)])*time.Minute + time.Duration(seconds[i%len(seconds)])*time.Second)
		if !emit(wall) {
			return false
		}
	}
	return true
}

package calendar

import (
	"fmt"
	"time"
)

// change is one change of clocks.
type change struct {
	at       time.Time
	name     string
	from, to int
	summer   bool
}

// wall is the local time of the change, by the offset before it.
func (c change) wall() time.Time { return c.at.UTC().Add(seconds(c.from)) }

const (
	// listedYears is for how many years the changes are listed if they follow no rule.
	listedYears = 10
	// ruleYears is for how many years changes must follow a rule for it to be written.
	ruleYears  = 6
	maxChanges = 100
)

// zone writes the definition of a time zone from first to last: the offset at first, and the later changes.
func (w *writer) zone(id string, loc *time.Location, first, last time.Time) {
	w.lines("BEGIN:VTIMEZONE", "TZID:"+id)
	defer w.line("END:VTIMEZONE")
	begin, _ := first.In(loc).ZoneBounds()
	initial := change{at: begin, summer: first.In(loc).IsDST()}
	initial.name, initial.to = first.In(loc).Zone()
	initial.from = initial.to
	if begin.IsZero() {
		initial.at = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).Add(-seconds(initial.to))
	} else {
		_, initial.from = begin.Add(-time.Second).In(loc).Zone()
	}
	changes := changesOf(loc, first, first.AddDate(listedYears, 0, 0))
	rules := twiceYearly(changes)
	w.observance(initial, "")
	if rules != nil && last.After(changes[0].at) {
		for i, rule := range rules {
			w.observance(changes[i], rule)
		}
		return
	}
	for _, c := range changes {
		if !c.at.After(last) {
			w.observance(c, "")
		}
	}
}

// changesOf returns the changes of clocks after first until last.
func changesOf(loc *time.Location, first, last time.Time) (out []change) {
	t := first.In(loc)
	for range maxChanges {
		_, end := t.ZoneBounds()
		if !end.After(t) || end.After(last) {
			break
		}
		_, from := end.Add(-time.Second).In(loc).Zone()
		name, to := end.In(loc).Zone()
		if from != to {
			out = append(out, change{end, name, from, to, end.In(loc).IsDST()})
		}
		t = end.In(loc)
	}
	return out
}

// twiceYearly returns the rules of the first two changes if the later ones repeat them every year, else nil.
func twiceYearly(changes []change) []string {
	if len(changes) < 2*ruleYears {
		return nil
	}
	rules := make([]string, 2)
	for i := range 2 {
		a := changes[i].wall()
		nth, last := true, true
		for k := range ruleYears {
			c := changes[i+2*k]
			b := c.wall()
			if b.Year() != a.Year()+k || b.Month() != a.Month() || b.Weekday() != a.Weekday() || b.Sub(b.Truncate(day)) != a.Sub(a.Truncate(day)) ||
				c.from != changes[i].from || c.to != changes[i].to {
				return nil
			}
			nth = nth && (b.Day()-1)/7 == (a.Day()-1)/7
			last = last && b.Month() != b.AddDate(0, 0, 7).Month()
		}
		n := (a.Day()-1)/7 + 1
		switch {
		case last:
			n = -1
		case !nth:
			return nil
		}
		rules[i] = fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", a.Month(), n, dayNames[a.Weekday()])
	}
	return rules
}

func (w *writer) observance(c change, rule string) {
	kind := "STANDARD"
	if c.summer {
		kind = "DAYLIGHT"
	}
	w.lines("BEGIN:"+kind, "DTSTART:"+c.wall().Format(wallLayout), "TZOFFSETFROM:"+formatOffset(c.from), "TZOFFSETTO:"+formatOffset(c.to),
		"TZNAME:"+c.name)
	if rule != "" {
		w.line("RRULE:" + rule)
	}
	w.line("END:" + kind)
}

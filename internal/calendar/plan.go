package calendar

import (
	"fmt"
	"time"
)

// Plan is an appointment of ours: a local time in a zone, a length, and how often.
type Plan struct {
	// Wall is the local time of the first occurrence.
	Wall   time.Time
	Zone   *time.Location
	Length time.Duration
	// Rule is nil for one occurrence. Until is the last moment at which an occurrence may begin, zero for none.
	Rule  *Rule
	Until time.Time
}

// Slot is when one occurrence takes place.
type Slot struct{ Start, End time.Time }

// Synchronise moves the first occurrence to the first one that fits the rule, as from a Sunday to the Monday of a rule for
// weekdays. It fails for a rule that gives no occurrence within ten years, or none before Until.
func (p *Plan) Synchronise() error {
	if p.Rule == nil {
		return nil
	}
	left := ruleBudget
	for wall := range p.Rule.walls(p.Wall, p.Wall, p.Wall.AddDate(10, 0, 0), &left) {
		if !p.admits(Place(wall, p.Zone)) {
			break
		}
		p.Wall = wall
		return nil
	}
	return fmt.Errorf("%w: it gives no occurrence", errRule)
}

func (p Plan) admits(start time.Time) bool { return p.Until.IsZero() || !start.After(p.Until) }

// First is the first occurrence.
func (p Plan) First() Slot {
	start := Place(p.Wall, p.Zone)
	return Slot{start, start.Add(p.Length)}
}

// margin is more than clocks are ever changed by.
const margin = 3 * time.Hour

// Between returns the occurrences that take place at some time from from to to, at most [MaxOccurrences]. It reports whether
// there are more.
func (p Plan) Between(from, to time.Time) (slots []Slot, cut bool) {
	if p.Rule == nil {
		if s := p.First(); s.Start.Before(to) && s.End.After(from) {
			slots = append(slots, s)
		}
		return slots, false
	}
	left := ruleBudget
	begin := Wall(from.In(p.Zone)).Add(-p.Length - margin)
	for wall := range p.Rule.walls(p.Wall, begin, Wall(to.In(p.Zone)).Add(margin), &left) {
		start := Place(wall, p.Zone)
		if !p.admits(start) {
			break
		}
		s := Slot{start, start.Add(p.Length)}
		if !s.Start.Before(to) || !s.End.After(from) {
			continue
		}
		if len(slots) == MaxOccurrences {
			return slots, true
		}
		slots = append(slots, s)
	}
	return slots, left < 0
}

// nextWithin is how far ahead the next occurrence is looked for.
const nextWithin = 10 * 366 * day

// Next returns the first occurrence that ends after a moment.
func (p Plan) Next(after time.Time) (Slot, bool) {
	if p.Rule == nil {
		s := p.First()
		return s, s.End.After(after)
	}
	left := ruleBudget
	begin := Wall(after.In(p.Zone)).Add(-p.Length - margin)
	for wall := range p.Rule.walls(p.Wall, begin, later(p.Wall, begin).Add(nextWithin), &left) {
		start := Place(wall, p.Zone)
		if !p.admits(start) {
			break
		}
		if end := start.Add(p.Length); end.After(after) {
			return Slot{start, end}, true
		}
	}
	return Slot{}, false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package calendar

import (
	"fmt"
	"iter"
	"time"
)

// Plan is when an appointment takes place: a local time in a zone, a length, and a rule.
type Plan struct {
	// Wall is the local time of the first occurrence.
	Wall   time.Time
	Zone   *time.Location
	Length time.Duration
	// Rule is nil for a single occurrence. Until is the last moment at which an occurrence may begin, zero for none.
	Rule  *Rule
	Until time.Time
}

// Slot is when one occurrence takes place.
type Slot struct{ Start, End time.Time }

// Synchronise moves the first occurrence to the first time that fits the rule, as from a Sunday to the Monday of a rule for
// weekdays. It fails if the rule gives no occurrence within ten years, or none before Until.
func (p *Plan) Synchronise() error {
	if p.Rule == nil {
		return nil
	}
	left := ruleBudget
	for wall := range p.slots(p.Wall, p.Wall.AddDate(10, 0, 0), &left) {
		p.Wall = wall
		return nil
	}
	return fmt.Errorf("%w: it never occurs", errRule)
}

// First returns the first occurrence.
func (p Plan) First() Slot { return p.slot(p.Wall) }

func (p Plan) slot(wall time.Time) Slot {
	start := Place(wall, p.Zone)
	return Slot{start, start.Add(p.Length)}
}

// slots yields the occurrences whose wall times are from first to last, in order, with the wall time that the rule gives. See
// Rule.walls for left.
func (p Plan) slots(first, last time.Time, left *int) iter.Seq2[time.Time, Slot] {
	return func(yield func(time.Time, Slot) bool) {
		if p.Rule == nil {
			yield(p.Wall, p.First())
			return
		}
		for wall := range p.Rule.walls(p.Wall, first, last, left) {
			if s := p.slot(wall); !p.Until.IsZero() && s.Start.After(p.Until) || !yield(wall, s) {
				return
			}
		}
	}
}

// margin is more than clocks are ever changed by.
const margin = 3 * time.Hour

// Between returns the occurrences that overlap the time from from to to, at most [MaxOccurrences], and whether there are more.
func (p Plan) Between(from, to time.Time) (slots []Slot, cut bool) {
	left := ruleBudget
	begin := Wall(from.In(p.Zone)).Add(-p.Length - margin)
	for _, s := range p.slots(begin, Wall(to.In(p.Zone)).Add(margin), &left) {
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

// nextWithin is how far ahead Next searches.
const nextWithin = 10 * 366 * day

// Next returns the first occurrence that ends after a moment.
func (p Plan) Next(after time.Time) (Slot, bool) {
	left := ruleBudget
	begin := Wall(after.In(p.Zone)).Add(-p.Length - margin)
	for _, s := range p.slots(begin, later(p.Wall, begin).Add(nextWithin), &left) {
		if s.End.After(after) {
			return s, true
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

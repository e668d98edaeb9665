package timeline

import (
	"slices"
	"sort"
	"time"

	"greenroom/internal/app"
)

// Clamp returns the moment of the timeline closest to at.
func (t *Timeline) Clamp(at time.Time) time.Time {
	return app.Later(app.Earlier(at, t.To), t.From)
}

// Here counts the sessions inside at a moment, without bots.
func (t *Timeline) Here(at time.Time) int {
	i := sort.Search(len(t.steps), func(i int) bool { return t.steps[i].at.After(at) })
	if i == 0 {
		return 0
	}
	return t.steps[i-1].here
}

// Recorded reports whether a recording runs at a moment.
func (t *Timeline) Recorded(at time.Time) bool {
	return slices.ContainsFunc(t.Recordings, func(s Span) bool { return s.Covers(at) })
}

// Peak returns the first moment with the most people inside, the start if there were none.
func (t *Timeline) Peak() time.Time {
	best, most := t.From, 0
	for _, s := range t.steps {
		if s.here > most {
			best, most = s.at, s.here
		}
	}
	return best
}

// Next returns the moment of the first event after at.
func (t *Timeline) Next(at time.Time) (time.Time, bool) {
	for _, e := range t.Events {
		if e.At.After(at) {
			return e.At, true
		}
	}
	return at, false
}

// Previous returns the moment of the last event before at.
func (t *Timeline) Previous(at time.Time) (time.Time, bool) {
	for i := len(t.Events) - 1; i >= 0; i-- {
		if t.Events[i].At.Before(at) {
			return t.Events[i].At, true
		}
	}
	return at, false
}

// EventsAt returns the events at a moment.
func (t *Timeline) EventsAt(at time.Time) (out []Event) {
	for _, e := range t.Events {
		if e.At.Equal(at) {
			out = append(out, e)
		}
	}
	return out
}

// Rewind is a moment that a reader moves through a timeline. The zero value follows the end while the meeting lasts.
type Rewind struct {
	at    time.Time
	fixed bool
}

// At returns the moment.
func (r Rewind) At(t *Timeline) time.Time {
	if !r.fixed {
		return t.To
	}
	return t.Clamp(r.at)
}

// Go moves to a moment, within the timeline.
func (r *Rewind) Go(t *Timeline, to time.Time) {
	r.at, r.fixed = t.Clamp(to), to.Before(t.To)
}

// Move moves by a duration.
func (r *Rewind) Move(t *Timeline, d time.Duration) { r.Go(t, r.At(t).Add(d)) }

// Step moves to the next event, or to the previous one if dir is negative. It stays if there is none.
func (r *Rewind) Step(t *Timeline, dir int) {
	next := t.Next
	if dir < 0 {
		next = t.Previous
	}
	if at, ok := next(r.At(t)); ok {
		r.Go(t, at)
	}
}

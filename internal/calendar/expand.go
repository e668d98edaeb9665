package calendar

import (
	"cmp"
	"time"

	"greenroom/internal/stable"
)

// Occurrence is one event at one time.
type Occurrence struct {
	UID, Title string
	Start, End time.Time
	AllDay     bool
	// Free means that the event doesn't occupy its time.
	Free bool
	// Link is the link to the conference, or empty.
	Link      string
	Attendees []Person
}

// Between returns the occurrences that overlap the time from from to to, in order. Times without a zone, and whole days, are in
// local. cut reports that some are missing: those of a rule beyond [MaxOccurrences], or those beyond the limits of a calendar.
func (f *Feed) Between(from, to time.Time, local *time.Location) (out []Occurrence, cut bool) {
	w := &window{from: from, to: to, local: location{local}, left: feedBudget}
	for _, uid := range f.order {
		w.series(uid, f.series[uid])
		if w.left < 0 || len(w.out) >= maxListed {
			w.cut = true
			break
		}
	}
	stable.Sort(w.out, func(a, b Occurrence) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.Title, b.Title))
	})
	return w.out, w.cut
}

type window struct {
	from, to time.Time
	local    zone
	left     int
	out      []Occurrence
	cut      bool
}

// key names an occurrence of a series: its start in seconds or, for whole days, the date.
func (w *window) key(m moment, master *event) int64 {
	if master.start.date || m.date {
		return m.wall.Truncate(day).Unix()
	}
	return w.moment(m, master).Unix()
}

// moment places m in its own zone, or else in that of its series.
func (w *window) moment(m moment, master *event) time.Time {
	if m.zone == nil {
		return master.start.at(m.wall, w.local)
	}
	return m.in(w.local)
}

func (w *window) series(uid string, s *series) {
	if s.master == nil {
		for _, e := range s.overrides {
			w.emit(uid, e, e.start.wall)
		}
		return
	}
	e := s.master
	if e.cancelled {
		return
	}
	// An exclusion by date covers the whole day.
	moments, dates := map[int64]bool{}, map[int64]bool{}
	skip := func(m moment) {
		if k := w.key(m, e); m.date || e.start.date {
			dates[k] = true
		} else {
			moments[k] = true
		}
	}
	for _, m := range e.excluded {
		skip(m)
	}
	var shift *event
	latest := map[int64]*event{}
	for _, o := range s.overrides {
		w.left--
		skip(*o.recurrence)
		latest[w.key(*o.recurrence, e)] = o
		if o.following {
			shift = o
		}
	}
	for _, o := range s.overrides {
		if latest[w.key(*o.recurrence, e)] == o && !o.cancelled {
			w.emit(uid, o, o.start.wall)
		}
	}
	shown := 0
	visit := func(wall time.Time) bool {
		at := e.start.at(wall, w.local)
		if r := e.rule; r != nil && !r.Until.IsZero() {
			if r.wallUntil && wall.After(r.Until) || !r.wallUntil && at.After(r.Until) {
				return false
			}
		}
		if moments[at.Unix()] || dates[wall.Truncate(day).Unix()] {
			return true
		}
		moments[at.Unix()] = true // an added date may repeat one of the rule
		like := e
		if shift != nil && at.Unix() >= w.moment(*shift.recurrence, e).Unix() {
			if shift.cancelled {
				return true
			}
			like, wall = shift, wall.Add(shift.start.wall.Sub(shift.recurrence.wall))
		}
		if !w.emit(uid, like, wall) {
			return true
		}
		if shown++; shown < MaxOccurrences {
			return true
		}
		w.cut = true
		return false
	}
	w.each(e, shift != nil, visit)
}

// each visits the wall times at which a series takes place: its start, those of its rule, and those that were added.
func (w *window) each(e *event, moved bool, visit func(time.Time) bool) {
	length := time.Duration(e.days)*day + e.length
	if e.hasEnd && !e.start.date {
		length = w.length(e)
	}
	// Changes of clocks are covered by a few hours more. A series that was moved may be looked for elsewhere.
	z, margin := e.start.zone, margin
	if z == nil {
		z = w.local
	}
	if moved {
		margin = 7 * day
	}
	wall := func(t time.Time) time.Time { return Wall(t.UTC()).Add(seconds(z.offset(t))) }
	first, last := wall(w.from).Add(-length-margin), wall(w.to).Add(margin)
	w.left--
	if start := e.start.wall; !start.Before(first) && !start.After(last) && !visit(start) {
		return
	}
	if e.rule != nil {
		left := min(ruleBudget, w.left)
		before := left
		for wall := range e.rule.walls(e.start.wall, first, last, &left) {
			if !wall.Equal(e.start.wall) && !visit(wall) {
				break
			}
		}
		if w.left -= before - left; left < 0 {
			w.cut = true
		}
	}
	for _, m := range e.added {
		w.left--
		wall := m.wall
		if m.zone != nil && e.start.zone != nil { // in the zone of the series
			at := m.in(w.local)
			wall = at.UTC().Add(seconds(e.start.zone.offset(at)))
		}
		if wall = Wall(wall); e.start.date {
			wall = wall.Truncate(day)
		}
		if !wall.Before(first) && !wall.After(last) && !visit(wall) {
			return
		}
	}
}

// length returns the length of an event with an end.
func (w *window) length(e *event) time.Duration {
	return min(max(e.end.in(w.local).Sub(e.start.in(w.local)), 0), maxLength)
}

// emit adds the event at a wall time, unless that is outside the window, and reports whether it did.
func (w *window) emit(uid string, e *event, wall time.Time) bool {
	if e.cancelled || len(w.out) >= maxListed {
		return false
	}
	w.left--
	start := e.start.at(wall, w.local)
	end := start.Add(e.length)
	switch {
	case e.start.date:
		end = place(wall.AddDate(0, 0, e.days), w.local)
	case e.hasEnd:
		end = start.Add(w.length(e))
	case e.days > 0:
		end = e.start.at(wall.AddDate(0, 0, e.days), w.local).Add(e.length)
	}
	if !start.Before(w.to) || end.Before(w.from) || end.Equal(w.from) && !start.Equal(end) {
		return false
	}
	w.out = append(w.out, Occurrence{
		UID: uid, Title: e.title, Start: start.UTC(), End: end.UTC(), AllDay: e.allDay, Free: e.free, Link: e.link, Attendees: e.attendees,
	})
	return true
}

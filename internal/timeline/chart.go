package timeline

import (
	"sort"
	"time"
)

// Cell is the content of a column of a bar.
type Cell uint8

// The cells. Inside outranks Lobby if both are in a column.
const (
	Away Cell = iota
	Lobby
	Inside
)

// length returns the time that the columns of a chart share.
func (t *Timeline) length() time.Duration { return max(t.To.Sub(t.From), time.Second) }

// Moment returns the start of column i of w.
func (t *Timeline) Moment(i, w int) time.Time {
	if w <= 0 {
		return t.From
	}
	d, n := t.length(), time.Duration(w)
	// Rounded up, so that the moment is in its column. Quotient and remainder are separate, so that nothing overflows.
	at := d/n*time.Duration(i) + (d%n*time.Duration(i)+n-1)/n
	return t.From.Add(at)
}

// Column returns the column of w that a moment is in.
func (t *Timeline) Column(at time.Time, w int) int {
	off := min(max(at.Sub(t.From), 0), t.length())
	// A column is off*w/d, found by a search, since the product may overflow.
	return max(sort.Search(w, func(i int) bool { return t.Moment(i, w).Sub(t.From) > off })-1, 0)
}

// columns returns the first and the last column of w that a span is in. They can be the same.
func (t *Timeline) columns(s Span, w int) (from, to int) {
	from, to = t.Column(s.From, w), t.Column(s.To, w)
	if to > from && t.Moment(to, w).Equal(s.To) && !s.Running {
		to-- // it ends where the column begins
	}
	return from, to
}

// Bar returns the cells of a person's bar in w columns. A visit of any length has a cell.
func (t *Timeline) Bar(p Person, w int) []Cell {
	bar := make([]Cell, max(w, 0))
	for _, v := range p.Visits {
		kind := Inside
		if v.Waiting {
			kind = Lobby
		}
		t.fill(v.Span, w, func(i int) { bar[i] = max(bar[i], kind) })
	}
	return bar
}

// RecordingBar returns the columns of w in which a recording ran.
func (t *Timeline) RecordingBar(w int) []bool {
	bar := make([]bool, max(w, 0))
	for _, r := range t.Recordings {
		t.fill(r, w, func(i int) { bar[i] = true })
	}
	return bar
}

func (t *Timeline) fill(s Span, w int, f func(i int)) {
	if w <= 0 {
		return
	}
	from, to := t.columns(s, w)
	for i := from; i <= to; i++ {
		f(i)
	}
}

// Counts returns the highest head count in each column of w.
func (t *Timeline) Counts(w int) []int {
	counts := make([]int, max(w, 0))
	for i := range counts {
		counts[i] = t.Here(t.Moment(i, w))
	}
	for _, s := range t.steps {
		if w > 0 {
			i := t.Column(s.at, w)
			counts[i] = max(counts[i], s.here)
		}
	}
	return counts
}

package pane

import (
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/stable"
	"greenroom/provider"
)

// maxActivity bounds the activities that are kept.
const maxActivity = 200

// Failure is the kind of activities that report errors of this screen.
const Failure provider.EventKind = "screen.error"

// Activity lists events of the meetings and errors of this screen, newest first.
type Activity struct {
	Rows    []app.Activity
	removed []app.Activity // removals whose echo has not arrived yet
	now     func() time.Time
}

// Add puts activities, in order of arrival, on top.
func (l *Activity) Add(rows []app.Activity) {
	rows = l.once(rows)
	out := make([]app.Activity, 0, min(len(rows)+len(l.Rows), maxActivity))
	for i := len(rows) - 1; i >= 0 && len(out) < maxActivity; i-- {
		out = append(out, rows[i])
	}
	l.Rows = append(out, l.Rows[:min(len(l.Rows), maxActivity-len(out))]...)
}

// Replace replaces everything but the errors of this screen by rows, newest first.
func (l *Activity) Replace(rows []app.Activity) {
	out := slices.Clone(rows)
	for _, a := range l.Rows {
		if a.Kind == Failure {
			out = append(out, a)
		}
	}
	stable.Sort(out, func(a, b app.Activity) int { return b.At.Compare(a.At.Time) })
	l.Rows = out[:min(len(out), maxActivity)]
}

// Empty reports whether there is nothing but errors of this screen.
func (l *Activity) Empty() bool {
	return !slices.ContainsFunc(l.Rows, func(a app.Activity) bool { return a.Kind != Failure })
}

// echoTime is how long after a removal made here a 'left' event of that person counts as its echo.
const echoTime = time.Minute

// once drops the 'left' event that echoes a removal made here, in either order. Only one event per removal is dropped.
func (l *Activity) once(rows []app.Activity) []app.Activity {
	now := l.now()
	l.removed = slices.DeleteFunc(l.removed, func(r app.Activity) bool { return now.Sub(r.At.Time) > echoTime })
	out := make([]app.Activity, 0, len(rows))
	for _, a := range rows {
		if a.Kind == provider.KindParticipantLeft && a.Source == app.FromHere {
			about := func(b app.Activity) bool { return b.Meeting == a.Meeting && b.Who == a.Who }
			last := len(out) - 1
			for last >= 0 && !about(out[last]) {
				last--
			}
			shown := slices.IndexFunc(l.Rows, about)
			switch {
			case last >= 0 && echoes(a, out[last]):
				out = slices.Delete(out, last, last+1)
			case last < 0 && shown >= 0 && echoes(a, l.Rows[shown]):
				l.Rows = slices.Delete(slices.Clone(l.Rows), shown, shown+1)
			default:
				l.removed = append(l.removed, a)
			}
		} else if i := slices.IndexFunc(l.removed, func(r app.Activity) bool { return echoes(r, a) }); i >= 0 {
			l.removed = slices.Delete(l.removed, i, i+1)
			continue
		}
		out = append(out, a)
	}
	return out
}

// echoes reports whether a is the platform's event for a removal made here.
func echoes(removal, a app.Activity) bool {
	gone := a.Kind == provider.KindParticipantLeft || a.Kind == provider.KindParticipantWaitingLeft
	return gone && a.Source != app.FromHere && a.Meeting == removal.Meeting && a.Who == removal.Who &&
		a.At.Sub(removal.At.Time).Abs() <= echoTime
}

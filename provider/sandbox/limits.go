package sandbox

import (
	"slices"
	"time"
)

// within counts a call in a sliding window and reports whether it is within the limit. Refused calls do not count.
func (w *World) within(class string, n int, span time.Duration, at time.Time) bool {
	if w.opt.NoRateLimits {
		return true
	}
	calls := slices.DeleteFunc(w.windows[class], func(t time.Time) bool { return at.Sub(t) >= span })
	fits := len(calls) < n
	if fits {
		calls = append(calls, at)
	}
	w.windows[class] = calls
	return fits
}

// pointBucket is Whereby's allowance of points in the current minute (B1).
type pointBucket struct {
	until time.Time
	spent int
}

// spend uses points and returns the rest and the end of the minute; ok is false if there are too few.
func (w *World) spend(points int, at time.Time) (left int, until time.Time, ok bool) {
	b := &w.points
	if !at.Before(b.until) {
		*b = pointBucket{until: at.Add(time.Minute)}
	}
	ok = w.opt.NoRateLimits || b.spent+points <= w.opt.WherebyPoints
	if ok {
		b.spent += points
	}
	return max(0, w.opt.WherebyPoints-b.spent), b.until, ok
}

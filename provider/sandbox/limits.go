package sandbox

import "time"

// within counts a call in a sliding window and reports whether it is within the limit. Refused calls do not count.
func (w *World) within(class string, n int, span time.Duration, at time.Time) bool {
	if w.opt.NoRateLimits {
		return true
	}
	kept := w.windows[class][:0]
	for _, t := range w.windows[class] {
		if at.Sub(t) < span {
			kept = append(kept, t)
		}
	}
	if len(kept) >= n {
		w.windows[class] = kept
		return false
	}
	w.windows[class] = append(kept, at)
	return true
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

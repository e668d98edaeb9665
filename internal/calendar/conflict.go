package calendar

import (
	"time"

	"greenroom/internal/stable"
)

// Busy is an occupied time.
type Busy struct{ Start, End time.Time }

// maxConflicts is how many conflicts of one time are listed.
const maxConflicts = 50

// Conflicts returns, for each time, the indices of those that overlap it, at most 50, ordered by start. A time that begins when
// another ends doesn't overlap it, and one without a length overlaps none.
func Conflicts(all []Busy) [][]int {
	out := make([][]int, len(all))
	order := make([]int, 0, len(all))
	for i, b := range all {
		if b.Start.Before(b.End) {
			order = append(order, i)
		}
	}
	stable.Sort(order, func(a, b int) int { return all[a].Start.Compare(all[b].Start) })
	for n, i := range order {
		for _, j := range order[n+1:] {
			if !all[j].Start.Before(all[i].End) || len(out[i]) >= maxConflicts {
				break
			}
			out[i] = append(out[i], j)
			if len(out[j]) < maxConflicts {
				out[j] = append(out[j], i)
			}
		}
	}
	return out
}

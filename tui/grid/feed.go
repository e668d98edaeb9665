package grid

import (
	"slices"
	"sort"

	"greenroom/internal/stable"
)

// Feed is a list of rows with rising keys, the newest on top, of which only a window is held. While Follow is set the
// newest row is selected. Otherwise the selected row keeps its place on the screen, and new rows for which the window has
// no room are only counted.
type Feed[T any] struct {
	List
	// Follow selects the newest row.
	Follow bool
	// Unseen counts the rows that arrived since Follow was unset.
	Unseen int
	// AtNewest and AtOldest report that the window includes that end of the list.
	AtNewest, AtOldest bool

	key  func(T) uint64
	hold int
	rows []T // by rising key
}

// NewFeed makes an empty feed that follows and holds at most hold rows. The key of a row must never change.
func NewFeed[T any](hold int, key func(T) uint64) *Feed[T] {
	return &Feed[T]{key: key, hold: max(hold, 2), Follow: true}
}

// Row returns the i-th row, counted from the newest.
func (f *Feed[T]) Row(i int) T { return f.rows[len(f.rows)-1-i] }

// Chosen returns the row under the cursor; ok is false if there is none.
func (f *Feed[T]) Chosen() (row T, ok bool) {
	if len(f.rows) == 0 {
		return row, false
	}
	return f.Row(f.Cursor), true
}

// Size sets the number of visible rows.
func (f *Feed[T]) Size(height int) { f.Resize(len(f.rows), height) }

// Reset replaces everything by the newest page, newest first. more reports that older rows exist.
func (f *Feed[T]) Reset(page []T, more bool) {
	f.rows = f.rising(page)
	f.AtNewest, f.AtOldest, f.Unseen = true, !more, 0
	f.Cursor, f.Top = 0, 0
	f.Resize(len(f.rows), f.Height)
}

// ResetOldest replaces everything by the oldest page and selects its last row.
func (f *Feed[T]) ResetOldest(page []T, more bool) {
	f.rows = f.rising(page)
	f.AtNewest, f.AtOldest, f.Follow = !more, false, false
	f.Resize(len(f.rows), f.Height)
	f.Last()
}

// Older appends a page at the old end, and drops rows at the new end if there are too many.
func (f *Feed[T]) Older(page []T, more bool) {
	page = f.rising(page)
	if len(f.rows) > 0 {
		first := f.key(f.rows[0])
		page = slices.DeleteFunc(page, func(r T) bool { return f.key(r) >= first })
	}
	f.rows = append(page, f.rows...)
	f.AtOldest = !more
	if over := len(f.rows) - f.hold; over > 0 && f.Top >= over {
		f.rows = f.rows[:f.hold]
		f.Cursor, f.Top = f.Cursor-over, f.Top-over
		f.AtNewest = false
	}
	f.Resize(len(f.rows), f.Height)
}

// Newer adds a page at the new end. more reports that even newer rows exist. The selected row stays.
func (f *Feed[T]) Newer(page []T, more bool) {
	f.AtNewest = !more
	added := f.add(f.rising(page))
	if f.Follow {
		f.Cursor, f.Top = 0, 0
	} else {
		f.Cursor, f.Top = f.Cursor+added, f.Top+added
	}
	f.trimOld()
	f.Resize(len(f.rows), f.Height)
}

// Arrived adds new rows, in any order. total is their number: of a burst the older part may be missing.
func (f *Feed[T]) Arrived(rows []T, total int) {
	if f.Follow {
		if total > len(rows) && len(f.rows) > 0 {
			// Rows are missing between these and the held ones.
			f.rows, f.AtOldest = nil, false
		}
		f.AtNewest = true
		f.add(f.rising(rows))
		f.Cursor, f.Top, f.Unseen = 0, 0, 0
		f.trimOld()
		f.Resize(len(f.rows), f.Height)
		return
	}
	f.Unseen += total
	if !f.AtNewest {
		return
	}
	// Rows far below the view can be dropped. If that is not enough, the new rows are read later.
	if keep := f.Top + 2*f.Height + len(rows); total > len(rows) || keep > f.hold {
		f.AtNewest = false
		return
	}
	added := f.add(f.rising(rows))
	f.Cursor, f.Top = f.Cursor+added, f.Top+added
	f.trimOld()
	f.Resize(len(f.rows), f.Height)
}

// Want returns the page that the view needs next: the rows before a key (older), or after one (newer).
func (f *Feed[T]) Want() (before, after uint64) {
	if len(f.rows) == 0 {
		return 0, 0
	}
	margin := 2*f.Height + 1
	if !f.AtOldest && f.Top+f.Height+margin >= len(f.rows) {
		return f.key(f.rows[0]), 0
	}
	if !f.AtNewest && f.Top <= margin {
		return 0, f.key(f.rows[len(f.rows)-1])
	}
	return 0, 0
}

// Newest returns the highest key, 0 if the feed is empty.
func (f *Feed[T]) Newest() uint64 {
	if len(f.rows) == 0 {
		return 0
	}
	return f.key(f.rows[len(f.rows)-1])
}

// Held returns the number of rows in memory.
func (f *Feed[T]) Held() int { return len(f.rows) }

// add merges rows with rising keys and returns how many were new. Its cost is that of the new rows if all are newer.
func (f *Feed[T]) add(rows []T) int {
	n := len(f.rows)
	for _, r := range rows {
		k := f.key(r)
		if len(f.rows) == 0 || k > f.key(f.rows[len(f.rows)-1]) {
			f.rows = append(f.rows, r)
			continue
		}
		i := sort.Search(len(f.rows), func(i int) bool { return f.key(f.rows[i]) >= k })
		if f.key(f.rows[i]) != k {
			f.rows = slices.Insert(f.rows, i, r)
		}
	}
	return len(f.rows) - n
}

// trimOld drops the oldest rows if there are too many.
func (f *Feed[T]) trimOld() {
	over := len(f.rows) - f.hold
	if over <= 0 {
		return
	}
	n := copy(f.rows, f.rows[over:])
	clear(f.rows[n:])
	f.rows = f.rows[:n]
	f.AtOldest = false
}

// rising returns a copy of a page in the order of the keys.
func (f *Feed[T]) rising(page []T) []T {
	out := slices.Clone(page)
	stable.Sort(out, func(a, b T) int {
		switch ka, kb := f.key(a), f.key(b); {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	return slices.CompactFunc(out, func(a, b T) bool { return f.key(a) == f.key(b) })
}

// Package grid has the lists of the screen, whose cost depends on the visible rows alone.
//
// [List] is a cursor in a window over n rows. [Feed] adds rows that are read in pages and arrive at any time, and holds a
// bounded number of them. Neither draws, does I/O, or is safe for concurrent use.
package grid

import (
	"strconv"
	"strings"
)

// List is a cursor in a window of Height rows over Len rows. The zero value is an empty list.
type List struct {
	Len, Height int
	// Cursor is the selected row, Top the first visible one.
	Cursor, Top int
}

// Resize sets the sizes and keeps the cursor visible.
func (l *List) Resize(n, height int) {
	l.Len, l.Height = max(n, 0), max(height, 0)
	l.settle()
}

// Move moves the cursor by d rows, as far as there are rows.
func (l *List) Move(d int) {
	l.Cursor += d
	l.settle()
}

// Half moves by half a window, down if dir is 1, up if it is -1.
func (l *List) Half(dir int) { l.Move(dir * max(l.Height/2, 1)) }

// First goes to the first row.
func (l *List) First() { l.Move(-l.Len) }

// Last goes to the last row.
func (l *List) Last() { l.Move(l.Len) }

// Scroll moves the window by d rows, and the cursor only if it would leave the window.
func (l *List) Scroll(d int) {
	l.Top = min(max(l.Top+d, 0), max(l.Len-l.Height, 0))
	l.Cursor = min(max(l.Cursor, l.Top), max(l.Top+l.Height-1, 0))
	l.settle()
}

// Over moves the cursor with f, and then off a heading in the same direction, or in the other one at an end. The first
// heading stays in view.
func (l *List) Over(f func(*List), heading func(i int) bool) {
	before := l.Cursor
	f(l)
	step := 1
	if l.Cursor < before {
		step = -1
	}
	for range 2 {
		if i := l.Cursor; i < l.Len && heading(i) {
			if i == 0 {
				step, l.Top = 1, 0
			}
			top := l.Top
			l.Move(step)
			if i == 0 && l.Height > 1 {
				l.Top = top
			}
		}
	}
}

// Above returns the row of the heading that the cursor's row is under, if it is above the window: -1 if not.
func (l *List) Above(heading func(i int) bool) int {
	for i := min(l.Cursor, l.Len-1); i >= 0; i-- {
		if heading(i) {
			if i < l.Top {
				return i
			}
			break
		}
	}
	return -1
}

// Range returns the visible rows: from inclusive, to exclusive.
func (l *List) Range() (from, to int) { return l.Top, min(l.Top+l.Height, l.Len) }

// More returns how many rows are hidden above and below, as "↑3 ↓12"; empty if none is.
func (l *List) More() string {
	from, to := l.Range()
	var out []string
	if from > 0 {
		out = append(out, "↑"+strconv.Itoa(from))
	}
	if to < l.Len && l.Height > 0 {
		out = append(out, "↓"+strconv.Itoa(l.Len-to))
	}
	return strings.Join(out, " ")
}

func (l *List) settle() {
	l.Cursor = max(min(l.Cursor, l.Len-1), 0)
	if l.Cursor < l.Top {
		l.Top = l.Cursor
	}
	if l.Height > 0 && l.Cursor >= l.Top+l.Height {
		l.Top = l.Cursor - l.Height + 1
	}
	l.Top = max(min(l.Top, l.Len-l.Height), 0)
}

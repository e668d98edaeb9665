// Package cell does the arithmetic of terminal cells: measuring, cutting, padding and framing text that may hold wide
// characters and styling.
//
// Text from outside must have gone through internal/plain before it comes here. What a [Ruler] fits is exactly as wide
// as asked by the method that the ruler was made with, which must be the one by which the screen is drawn: otherwise
// borders behind a family emoji shift.
package cell

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ruler measures as the terminal does: by code point, the zero value, or by grapheme where the terminal agreed to that
// (mode 2027).
type Ruler struct{ Method ansi.Method }

// Width is how many cells s takes; styling takes none.
func (r Ruler) Width(s string) int {
	if n, ok := ascii(s); ok {
		return n
	}
	return r.Method.StringWidth(s)
}

// Clip cuts s to at most w cells, with … in the last one when something was cut.
func (r Ruler) Clip(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if n, ok := ascii(s); ok {
		if n <= w {
			return s
		}
		return s[:w-1] + "…"
	}
	if len(s) <= w && !strings.Contains(s, "\x1b") {
		return s // no character is wider than its bytes
	}
	if r.Width(s) <= w {
		return s
	}
	return r.part(s, 0, w-1, "…")
}

// Fit cuts or pads s on the right to exactly w cells.
func (r Ruler) Fit(s string, w int) string {
	s = r.Clip(s, w)
	if pad := w - r.Width(s); pad > 0 {
		return s + spaces(pad)
	}
	return s
}

// FitRight cuts or pads s on the left to exactly w cells.
func (r Ruler) FitRight(s string, w int) string {
	s = r.Clip(s, w)
	if pad := w - r.Width(s); pad > 0 {
		return spaces(pad) + s
	}
	return s
}

// Center cuts or pads s on both sides to exactly w cells.
func (r Ruler) Center(s string, w int) string {
	s = r.Clip(s, w)
	pad := w - r.Width(s)
	if pad <= 0 {
		return s
	}
	return spaces(pad/2) + s + spaces(pad-pad/2)
}

// Spread puts left and right at the two ends of w cells. The right one gives way first.
func (r Ruler) Spread(left, right string, w int) string {
	lw, rw := r.Width(left), r.Width(right)
	if lw+1+rw > w {
		right = r.Clip(right, w-lw-1)
		rw = r.Width(right)
	}
	if right == "" {
		return r.Fit(left, w)
	}
	return left + spaces(w-lw-rw) + right
}

// Wrap breaks s into lines of at most w cells, at words where it can.
func (r Ruler) Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	return strings.Split(r.Method.Wrap(s, w, ""), "\n")
}

// Break breaks s into lines of at most w cells wherever the edge falls, keeping every space.
func (r Ruler) Break(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	if n, ok := ascii(s); ok && n <= w {
		return []string{s}
	}
	return strings.Split(r.Method.Hardwrap(s, w, true), "\n")
}

// Splice lays over onto line from column x on; both keep their styling. A wide character that the edge would cut is
// replaced by spaces.
func (r Ruler) Splice(line, over string, x int) string {
	total, ow := r.Width(line), r.Width(over)
	left := r.part(line, 0, x, "")
	left += spaces(x - r.Width(left))
	if x+ow >= total {
		return left + over
	}
	return left + over + r.part(line, x+ow, total, "")
}

// part is the cells of s from one column to another, with tail where it was cut at the right. Of a wide character that
// an edge cuts, spaces are left. Escape sequences before and behind stay, so that styling goes on and ends as it did.
func (r Ruler) part(s string, from, to int, tail string) string {
	var b strings.Builder
	var state byte
	x := 0
	for len(s) > 0 {
		seq, w, n, next := r.Method.DecodeSequenceInString(s, state, nil)
		s, state = s[n:], next
		if w == 0 {
			if !(seq[0] >= 0x20 && x >= to) { // a mark of its own has gone with what it belongs to
				b.WriteString(seq)
			}
			continue
		}
		switch end := x + w; {
		case x >= from && end <= to:
			b.WriteString(seq)
		case x < to && end > from:
			b.WriteString(spaces(min(end, to) - max(x, from)))
		}
		x += w
		if x >= to && tail != "" {
			b.WriteString(tail)
			tail = ""
		}
	}
	return b.String()
}

// ascii says whether s is printable ASCII alone, whose width is its length.
func ascii(s string) (int, bool) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7e {
			return 0, false
		}
	}
	return len(s), true
}

const blank = "                                                                                                "

func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	if n <= len(blank) {
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// Spaces is n spaces, none when n is negative.
func Spaces(n int) string { return spaces(n) }

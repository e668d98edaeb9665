// Package cell measures, cuts, pads and frames text in terminal cells. The text may have wide characters and styles.
//
// Outside text must have passed internal/plain. Widths are right if the method of the [Ruler] is that of the renderer:
// otherwise borders after a family emoji shift.
package cell

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ruler measures as the terminal does: by code point (the zero value), or by grapheme if the terminal supports mode 2027.
type Ruler struct{ Method ansi.Method }

// Width returns the width of s in cells. Styles have no width.
func (r Ruler) Width(s string) int {
	if n, ok := ascii(s); ok {
		return n
	}
	return r.Method.StringWidth(s)
}

// Clip shortens s to at most w cells, with … in the last one if something was cut.
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

// Spread puts left and right at the two ends of w cells. If they are too long, right is cut first.
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

// Wrap breaks s into lines of at most w cells, at spaces if possible.
func (r Ruler) Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	return strings.Split(r.Method.Wrap(s, w, ""), "\n")
}

// Break breaks s into lines of exactly w cells at most, inside words too, and keeps every space.
func (r Ruler) Break(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	if n, ok := ascii(s); ok && n <= w {
		return []string{s}
	}
	return strings.Split(r.Method.Hardwrap(s, w, true), "\n")
}

// Splice replaces the cells of line from column x on by over. Both keep their styles. A wide character that would be cut
// is replaced by spaces.
func (r Ruler) Splice(line, over string, x int) string {
	total, ow := r.Width(line), r.Width(over)
	left := r.part(line, 0, x, "")
	left += spaces(x - r.Width(left))
	if x+ow >= total {
		return left + over
	}
	return left + over + r.part(line, x+ow, total, "")
}

// part returns the cells of s between two columns, with tail if the right part was cut. A wide character that would be
// cut is replaced by spaces. Escape sequences outside are kept, so that styles begin and end as before.
func (r Ruler) part(s string, from, to int, tail string) string {
	var b strings.Builder
	var state byte
	x := 0
	for len(s) > 0 {
		seq, w, n, next := r.Method.DecodeSequenceInString(s, state, nil)
		s, state = s[n:], next
		if w == 0 {
			if !(seq[0] >= 0x20 && x >= to) { // a mark is dropped together with its character
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

// ascii reports whether s is printable ASCII, and its width, which is its length then.
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

// Spaces returns n spaces, none if n is negative.
func Spaces(n int) string { return spaces(n) }

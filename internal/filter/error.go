package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"greenroom/internal/plain"
)

// Error is the error of a text that isn't a filter.
type Error struct {
	// Text is the whole text, At the byte index of the mistake.
	Text string
	At   int
	// Problem names the mistake. Hint is what to write instead, and may be empty.
	Problem, Hint string
}

// Error names the character, counted from 1.
func (e *Error) Error() string {
	s := fmt.Sprintf("the filter can't be read at character %d: %s", e.Column(), e.Problem)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// Column returns the number of the character with the mistake, counted from 1.
func (e *Error) Column() int { return utf8.RuneCountInString(e.Text[:min(e.At, len(e.Text))]) + 1 }

// Point returns the text with a mark under the character, as two lines that are safe for a terminal. At most w cells around the
// character are shown; characters that take two cells count as one.
func (e *Error) Point(w int) string {
	text, at := []rune(plain.Text(e.Text)), e.Column()-1
	at = min(at, len(text))
	from := 0
	if w = max(w, 10); at >= w {
		from = at - w/2
	}
	to := min(from+w, len(text))
	return string(text[from:to]) + "\n" + strings.Repeat(" ", at-from) + "^"
}

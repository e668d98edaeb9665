// Package words turns values into the words that the screen shows: outside text without anything that steers a terminal,
// times, ages, sizes, counts and links. It draws nothing and holds no state.
package words

import (
	"strings"
	"unicode/utf8"

	"greenroom/internal/plain"
)

// longest is the number of bytes of an outside text that are used: no line of a screen shows more.
const longest = 4096

// Safe returns one line of an outside text, ready to be measured and drawn: nothing in it steers the terminal, and all
// terminals agree on its width. Emoji with joiners, skin tones or variation selectors are two cells here and eight there,
// which would break borders; they are shown as the emoji that they consist of. Scripts that need joiners keep them.
func Safe(s string) string {
	if len(s) > longest {
		cut := longest
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	s = plain.Text(s)
	if !strings.ContainsFunc(s, unsteady) {
		return s
	}
	var b strings.Builder
	var before rune
	for _, r := range s {
		if unsteady(r) && (r != 0x200d || before >= 0x2000) {
			continue
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// unsteady reports whether terminals disagree on the number of cells that r adds to the emoji before it.
func unsteady(r rune) bool {
	return r == 0x200d || r == 0xfe0e || r == 0xfe0f || r == 0x20e3 || r >= 0x1f3fb && r <= 0x1f3ff
}

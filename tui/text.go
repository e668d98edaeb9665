package tui

import (
	"strings"
	"unicode/utf8"

	"greenroom/internal/plain"
)

// longest is how many bytes of one text from outside are looked at: no line of a screen shows more.
const longest = 4096

// safe makes one line of a text from outside ready to be measured and drawn: nothing in it steers the terminal, and
// nothing in it is measured differently by different terminals. Emoji that are joined into one, coloured, or asked for by
// a variation selector take two cells here and eight there, which would push borders out of line; they are shown as the
// emoji that they are made of. Scripts that need joiners keep them.
func safe(s string) string {
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

// unsteady says of r that terminals disagree on how many cells it adds to the emoji before it.
func unsteady(r rune) bool {
	return r == 0x200d || r == 0xfe0e || r == 0xfe0f || r == 0x20e3 || r >= 0x1f3fb && r <= 0x1f3ff
}

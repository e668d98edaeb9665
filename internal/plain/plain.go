// Package plain makes untrusted text safe for a terminal.
//
// C0 and C1 controls, DEL, bidirectional controls, line separators and invalid UTF-8 are replaced by visible characters, so that no text is
// hidden or interpreted. [Text] returns one line; [Lines] keeps line feeds.
package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns s as one safe line. Controls below U+0020 become their control pictures (␛ for ESC, ␊ for a line feed),
// DEL becomes ␡, other characters that a terminal could interpret become U+FFFD.
func Text(s string) string { return clean(s, false) }

// Lines is Text for text of several lines: line feeds stay, a carriage return before one is dropped, and tabs become
// four spaces.
func Lines(s string) string { return clean(strings.ReplaceAll(s, "\r\n", "\n"), true) }

func clean(s string, lines bool) string {
	i := strings.IndexFunc(s, steers)
	if i < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for _, r := range s {
		switch {
		case lines && r == '\n':
			b.WriteByte('\n')
		case lines && r == '\t':
			b.WriteString("    ")
		case r < 0x20:
			b.WriteRune(0x2400 + r)
		case r == 0x7f:
			b.WriteRune(0x2421)
		case steers(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Word returns s as one word of a POSIX shell, in quotes if necessary, for suggested commands.
func Word(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./@", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !safe(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(Text(s), "'", `'\''`) + "'"
}

// Cut returns at most n bytes of s, without cutting a character.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// steers reports whether a terminal might interpret r instead of showing it, or reorder text because of it.
func steers(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f:
		return false
	case r < 0x20, r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true // bidirectional marks, embeddings, overrides and isolates
	case r == 0x2028, r == 0x2029, r == 0xfeff, r == 0x00ad, r == 0x200b, r >= 0x2060 && r <= 0x2064, r >= 0x206a && r <= 0x206f:
		return true // separators and characters without width that hide or split words
	case r >= 0xe0000 && r <= 0xe0fff, r >= 0xfff9 && r <= 0xfffb:
		return true // tags and interlinear annotations
	case r == utf8.RuneError:
		return false // already the replacement
	}
	return unicode.Is(unicode.Cs, r) || unicode.Is(unicode.Co, r)
}

// JSON escapes in a JSON text, as \uXXXX, the characters that Text would replace. The text stays the same JSON value.
func JSON(b []byte) []byte {
	if !strings.ContainsFunc(string(b), escapes) {
		return b
	}
	out := make([]byte, 0, len(b)+32)
	for _, r := range string(b) {
		if !escapes(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, u)
		}
	}
	return out
}

// escapes is steers, without the white space between JSON tokens.
func escapes(r rune) bool { return r >= 0x20 && steers(r) }

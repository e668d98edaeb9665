package latin

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns a name in lower case and without accents, for searches: jose finds José, and zoe finds Zoë. Letters of other scripts only lose
// their accents. Bytes that aren't UTF-8 stay as they are.
func Fold(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return strings.ToLower(s)
	}
	return string(appendFolded(make([]byte, 0, len(s)), norm.NFC.String(s)))
}

// Same reports whether two names are equal after [Fold], without space around them.
func Same(a, b string) bool { return Fold(strings.TrimSpace(a)) == Fold(strings.TrimSpace(b)) }

// HasPrefix reports whether a name begins with the typed text after [Fold].
func HasPrefix(name, typed string) bool { return strings.HasPrefix(Fold(name), Fold(typed)) }

// appendFolded folds a text whose letters are composed with their accents where possible.
func appendFolded(b []byte, s string) []byte {
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			b = append(b, byte(r))
		case r == utf8.RuneError:
			_, w := utf8.DecodeRuneInString(s[i:])
			b = append(b, s[i:i+w]...)
		case accent(r):
		case unicode.Is(unicode.Latin, r):
			if letters := strings.TrimSpace(Of(string(r))); letters != "" {
				b = append(b, strings.ToLower(letters)...)
			} else {
				b = utf8.AppendRune(b, unicode.ToLower(r))
			}
		default:
			base := norm.NFD.PropertiesString(s[i:]).Decomposition()
			if first, w := utf8.DecodeRune(base); w > 0 && w < len(base) && len(bytes.TrimFunc(base[w:], accent)) == 0 {
				r = first
			}
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
	}
	return b
}

// accent reports whether a character is a combining accent.
func accent(r rune) bool { return r >= 0x300 && r <= 0x36f }

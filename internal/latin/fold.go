package latin

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which names are compared when people look for them: in lower case and without accents, so that jose finds José
// and zoe finds Zoë. Letters of other scripts lose their accents only. Bytes that aren't UTF-8 stay as they are.
func Fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	return string(appendFolded(make([]byte, 0, len(s)), norm.NFC.String(s)))
}

// Same reports whether two names are the same for someone who looks for one of them: [Fold] without the space around.
func Same(a, b string) bool { return Fold(strings.TrimSpace(a)) == Fold(strings.TrimSpace(b)) }

// HasPrefix reports whether a name begins with what was typed; see [Fold].
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
			if first, w := utf8.DecodeRune(base); w > 0 && w < len(base) && accents(base[w:]) {
				r = first
			}
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
	}
	return b
}

// accent reports whether a character is an accent that is written after its letter.
func accent(r rune) bool { return r >= 0x300 && r <= 0x36f }

func accents(b []byte) bool {
	for _, r := range string(b) {
		if !accent(r) {
			return false
		}
	}
	return true
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

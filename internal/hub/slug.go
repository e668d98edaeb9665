package hub

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"greenroom/internal/latin"
)

// maxSlug is how long a slug is at most.
const maxSlug = 64

// Slug makes a room's name legal on every platform, and keeps it readable: letters of other alphabets and with marks are
// written in Latin ones, everything else is a hyphen. What is left are letters, digits, hyphens and underscores, at most 64.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(name) {
		if unicode.Is(unicode.Mn, r) {
			continue // a mark on the letter before
		}
		letters := strings.TrimSpace(latin.Of(string(r)))
		if r > 0x2e80 && letters != "" { // each of these characters is a syllable or a word
			hyphen(&b)
		}
		for _, c := range letters {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
				b.WriteRune(c)
			case c == '\'':
			default:
				hyphen(&b)
			}
		}
		if letters == "" {
			hyphen(&b)
		}
	}
	s := b.String()
	if s = strings.Trim(s[:min(len(s), maxSlug)], "-"); s != "" {
		return s
	}
	return "room"
}

func hyphen(b *strings.Builder) {
	if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
		b.WriteByte('-')
	}
}

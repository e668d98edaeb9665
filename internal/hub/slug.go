package hub

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"greenroom/internal/latin"
)

// maxSlug is the longest slug.
const maxSlug = 64

// Slug returns a room's name in a readable form that is legal on every platform: at most 64 Latin letters, digits, hyphens and
// underscores. Other letters are transliterated, everything else becomes a hyphen.
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

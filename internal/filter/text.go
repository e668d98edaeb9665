package filter

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"greenroom/internal/latin"
)

// text is one value that texts are compared with: a pattern, a regular expression, or a range of numbers.
type text struct {
	// parts are folded (see [latin.Fold]); between two of them anything may stand. whole says that nothing may stand before the first and
	// after the last.
	parts []string
	whole bool
	regex *regexp.Regexp
	span  *span
}

type span struct{ lo, hi float64 }

func (s span) holds(n float64) bool { return n >= s.lo && n <= s.hi }

// pattern makes a pattern of a whole value, in which * stands for anything if globs is set.
func pattern(s string, globs bool) text {
	if !globs {
		return text{parts: []string{latin.Fold(s)}, whole: true}
	}
	parts := strings.Split(s, "*")
	for i, part := range parts {
		parts[i] = latin.Fold(part)
	}
	return text{parts: parts, whole: true}
}

// exact returns the only text that matches, folded.
func (t *text) exact() (string, bool) {
	if t.whole && len(t.parts) == 1 && t.regex == nil && t.span == nil {
		return t.parts[0], true
	}
	return "", false
}

func (t *text) match(s string) bool {
	switch {
	case t.regex != nil:
		return t.regex.MatchString(s)
	case t.span != nil:
		n, ok := decimal(strings.TrimSpace(s))
		return ok && t.span.holds(n)
	}
	return t.parted(latin.Fold(s))
}

func (t *text) matchBytes(b []byte) bool {
	switch {
	case t.regex != nil:
		return t.regex.Match(b)
	case !t.whole && len(t.parts) == 1 && ascii(t.parts[0]):
		return ContainsFold(b, t.parts[0])
	}
	return t.parted(latin.Fold(string(b)))
}

// parted compares a folded text with the parts.
func (t *text) parted(s string) bool {
	last := len(t.parts) - 1
	if t.whole {
		if last == 0 {
			return s == t.parts[0]
		}
		if !strings.HasPrefix(s, t.parts[0]) {
			return false
		}
		s = s[len(t.parts[0]):]
		if !strings.HasSuffix(s, t.parts[last]) {
			return false
		}
		s = s[:len(s)-len(t.parts[last])]
	}
	for i, part := range t.parts {
		if t.whole && (i == 0 || i == last) {
			continue
		}
		at := strings.Index(s, part)
		if at < 0 {
			return false
		}
		s = s[at+len(part):]
	}
	return true
}

func ascii(s string) bool { return nonASCII([]byte(s)) == len(s) }

// nonASCII returns the index of the first byte beyond ASCII, the length if there is none.
func nonASCII(s []byte) (at int) {
	for ; at+32 <= len(s); at += 32 {
		b := s[at : at+32]
		if (binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:])|binary.LittleEndian.Uint64(b[16:])|binary.LittleEndian.Uint64(b[24:]))&0x8080808080808080 != 0 {
			break
		}
	}
	for at+8 <= len(s) && binary.LittleEndian.Uint64(s[at:])&0x8080808080808080 == 0 {
		at += 8
	}
	for at < len(s) && s[at] < utf8.RuneSelf {
		at++
	}
	return at
}

// plainWord returns the longest part that JSON doesn't escape; see plainParts.
func (t *text) plainWord() string {
	if t.regex != nil {
		return longest(literals(t.regex.String()))
	}
	var all []string
	for _, part := range t.parts {
		all = append(all, plainParts(part)...)
	}
	return longest(all)
}

// plainParts returns the parts of ASCII without characters that JSON escapes. Some encoders escape others too, as in \u0041.
func plainParts(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r >= unicode.MaxASCII || strings.ContainsRune(`"\/<>&`, r) })
}

func longest(all []string) (out string) {
	for _, s := range all {
		if len(s) > len(out) {
			out = s
		}
	}
	return out
}

// literals returns texts in lower case that every match of a regular expression has, in plainParts.
func literals(expr string) []string {
	r, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return literalsOf(r)
}

func literalsOf(r *syntax.Regexp) (out []string) {
	switch r.Op {
	case syntax.OpLiteral:
		return plainParts(strings.ToLower(string(r.Rune)))
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		for _, sub := range r.Sub {
			out = append(out, literalsOf(sub)...)
		}
	}
	return out
}

// ContainsFold reports whether b contains the word in any case, with any accents. The word is ASCII in lower case.
func ContainsFold(b []byte, word string) bool {
	if ContainsCase(b, word) {
		return true
	}
	// Any other match has a letter beyond ASCII: only what is around these is folded, which takes long.
	for from := 0; ; {
		at := from + nonASCII(b[from:])
		if at == len(b) {
			return false
		}
		end := at // of letters beyond ASCII with less than a word between them
		for next := at; next < len(b) && next < end+len(word); next = end + nonASCII(b[end:]) {
			for end = next; end < len(b) && b[end] >= utf8.RuneSelf; {
				end++
			}
		}
		if strings.Contains(latin.Fold(string(b[max(at-len(word), from):min(end+len(word), len(b))])), word) {
			return true
		}
		from = end
	}
}

// ContainsCase reports whether b contains the word in any case of ASCII. The word has no capitals.
func ContainsCase(b []byte, word string) bool {
	if word == "" {
		return true
	}
	at := rarest(word)
	lower, upper := word[at], word[at]
	if lower >= 'a' && lower <= 'z' {
		upper -= 'a' - 'A'
	}
	// i is where the rarest letter of a match may be.
	last := len(b) - len(word) + at
	for i := at; i <= last; i++ {
		next := indexEither(b[i:last+1], lower, upper)
		if next < 0 {
			return false
		}
		if i += next; equalFold(b[i-at:i-at+len(word)], word) {
			return true
		}
	}
	return false
}

// common are the letters, digits and signs of JSON, the most frequent ones first. All other characters count as rare.
const common = `":,e-a_tonirsdl.u01c2m3p4v58967fygbh wkxjqz`

// rarest returns the index of the byte of a word that is the rarest in JSON.
func rarest(word string) (at int) {
	best := -1
	for i := range len(word) {
		rank := strings.IndexByte(common, word[i])
		if rank < 0 {
			return i
		}
		if rank > best {
			at, best = i, rank
		}
	}
	return at
}

// indexEither returns the first index of either byte.
func indexEither(b []byte, lower, upper byte) int {
	at := bytes.IndexByte(b, lower)
	if lower == upper {
		return at
	}
	if at >= 0 {
		b = b[:at]
	}
	if other := bytes.IndexByte(b, upper); other >= 0 {
		return other
	}
	return at
}

func equalFold(b []byte, word string) bool {
	for i := range len(word) {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

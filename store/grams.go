package store

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"greenroom/internal/filter"
	"greenroom/internal/latin"
)

// The grams of a text are all its sequences of three and of four bytes, folded as searches fold them. Ids and numbers consist of few
// different bytes: their sequences of three occur in every block, so those are left out. A sequence of three, which may be all that a
// search has, sets three bits, and one of four sets one: most of these are of ids, many in each of which exclude a block together.
const (
	gramSize  = 4
	shortSize = 3
	shortBits = 3
)

// dense are the bytes of ids and numbers, and those around them in JSON.
var dense = func() (t [256]bool) {
	for _, c := range []byte(`0123456789abcdef-.:",`) {
		t[c] = true
	}
	return t
}()

// gramBit is a bit of a filter: the part of 1<<32 of the filter's size at which it is.
type gramBit uint32

// salt makes the grams of a segment share other bits than those of the next segment: each text is slow to find in some segments, and none
// in all.
type salt uint64

func saltOf(segment []byte) salt { return salt(mixed(un64(segment))) }

// short returns the bits of the last three bytes.
func (s salt) short(last uint32) [shortBits]gramBit {
	h := mixed(uint64(s) ^ uint64(last&0xffffff))
	first, step := uint32(h>>32), uint32(h)|1
	return [...]gramBit{gramBit(first), gramBit(first + step), gramBit(first + 2*step)}
}

// long returns the bit of the last four bytes.
func (s salt) long(last uint32) gramBit { return gramBit(mixed(uint64(s)^uint64(last)^1<<32) >> 32) }

// mixed spreads what differs in any bit over all bits.
func mixed(n uint64) uint64 {
	n *= 0x9E3779B97F4A7C15
	n = (n ^ n>>32) * 0xD6E8FEB86659FD93
	return n ^ n>>32
}

// grams visits the bits of a folded text, until visit returns false.
func (s salt) grams(text string, visit func(gramBit) bool) {
	var last uint32
	run := 0 // how many of the last bytes are dense
	for i := range len(text) {
		last = last<<8 | uint32(text[i])
		if run++; !dense[text[i]] {
			run = 0
		}
		if i+1 >= shortSize && run < shortSize {
			for _, bit := range s.short(last) {
				if !visit(bit) {
					return
				}
			}
		}
		if i+1 >= gramSize && !visit(s.long(last)) {
			return
		}
	}
}

// grams adds texts to the filter of a block.
type grams struct {
	textShape
	filter []byte
	last   uint32
	run, n int
	// seen has some of the sequences of four bytes whose bits are set: most texts of an event are also in the one before.
	seen [1 << seenBits]uint32
}

const seenBits = 14

func (x *textIndex) grams() *grams {
	return &grams{textShape: x.textShape, filter: make([]byte, (x.rows+7)/8)}
}

// lower are the bytes of ASCII in lower case.
var lower = func() (t [256]byte) {
	for i := range t {
		if t[i] = byte(i); 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

func (g *grams) set(b gramBit) {
	row := g.row(b)
	g.filter[row/8] |= 1 << (row % 8)
}

// folded adds the bytes of a text; see [salt.grams]. ASCII letters may be in upper case.
func (g *grams) folded(text string) {
	last, run, n := g.last, g.run, g.n
	for i := range len(text) {
		c := lower[text[i]]
		last = last<<8 | uint32(c)
		if run++; !dense[c] {
			run = 0
		}
		n++
		if seen := &g.seen[last*0x9E3779B1>>(32-seenBits)]; n >= gramSize && last != 0 {
			if *seen == last {
				continue
			}
			*seen = last
		}
		if n >= shortSize && run < shortSize {
			for _, bit := range g.salt.short(last) {
				g.set(bit)
			}
		}
		if n >= gramSize {
			g.set(g.salt.long(last))
		}
	}
	g.last, g.run, g.n = last, run, n
}

// add adds a text. Only what is beyond ASCII needs [latin.Fold]: an accent after a letter doesn't change what the letter is folded to.
func (g *grams) add(text string) {
	g.run, g.n = 0, 0
	for at := 0; at < len(text); {
		end := at
		for end < len(text) && text[end] < utf8.RuneSelf {
			end++
		}
		g.folded(text[at:end])
		for at = end; end < len(text) && text[end] >= utf8.RuneSelf; {
			end++
		}
		g.folded(latin.Fold(text[at:end]))
		at = end
	}
}

// event adds all that searches read of an event: its row and its blob, as they are and with their escapes resolved.
func (g *grams) event(e *rawEvent) error {
	for _, part := range [...][]byte{e.row, e.whole()} {
		g.add(string(part))
		if bytes.IndexByte(part, '\\') >= 0 {
			g.add(unescaped(part))
		}
	}
	if e.get("target_base64").Exists() {
		g.add(e.Text(filter.Target))
	}
	raw, _ := splitBlob(e.whole())
	if e.err == nil && raw == nil {
		_, _, e.err = decodeBlob(e.whole())
	}
	if bytes.IndexByte(raw, '\\') >= 0 { // there may be bytes that aren't text
		for _, values := range e.Header() {
			for _, v := range values {
				g.add(v)
			}
		}
	}
	return e.err
}

// unescaped resolves the escapes in JSON, within strings and without. What isn't an escape stays.
func unescaped(b []byte) string {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		at := bytes.IndexByte(b, '\\')
		if at < 0 || at+1 == len(b) {
			break
		}
		out = append(out, b[:at]...)
		escape := b[at+1]
		b = b[at+2:]
		if i := bytes.IndexByte([]byte("bfnrt"), escape); i >= 0 {
			escape = "\b\f\n\r\t"[i]
		}
		r, ok := hexRune(b)
		if escape != 'u' || !ok {
			out = append(out, escape)
			continue
		}
		b = b[4:]
		if utf16.IsSurrogate(r) && len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
			if low, ok := hexRune(b[2:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				r, b = utf16.DecodeRune(r, low), b[6:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(append(out, b...))
}

// hexRune reads four hexadecimal digits.
func hexRune(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}

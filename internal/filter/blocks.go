package filter

import (
	"strings"

	"greenroom/internal/latin"
)

// Set is a set of blocks of events, a bit each: the lowest bit of the first byte is the first block.
type Set []byte

// Has reports whether a block is in the set. A nil set has all blocks.
func (s Set) Has(block uint64) bool {
	return s == nil || block/8 < uint64(len(s)) && s[block/8]>>(block%8)&1 != 0
}

// Blocks returns the blocks that may have a match, nil for all. holds returns the blocks in which a text may occur, nil for all. The text is
// folded, and a part of a name, a header or a body, or of a body's unescaped JSON. The names of headers are in quotes there. Every match must
// have the further texts as well.
func (f *Filter) Blocks(holds func(text string) Set, texts ...string) Set {
	out := every(texts, holds)
	if f.Empty() {
		return out
	}
	return intersect(out, blocks(f.root, holds))
}

func blocks(n node, holds func(string) Set) (out Set) {
	switch n := n.(type) {
	case allOf:
		for _, part := range n {
			out = intersect(out, blocks(part, holds))
		}
	case anyOf:
		return either(len(n), func(i int) Set { return blocks(n[i], holds) })
	case *wordTerm:
		return every(n.needs(), holds)
	case *textTerm:
		some := either(len(n.texts), func(i int) Set { return every(n.texts[i].needs(), holds) })
		return intersect(some, every(n.needs(), holds))
	}
	return out
}

// needs returns texts that everything with a match has: the name of the header, and the keys on the path of the body.
func (t *textTerm) needs() (out []string) {
	switch {
	case t.Field == Header && ascii(t.name):
		return []string{`"` + latin.Fold(t.name) + `"`}
	case t.Field == Body && simplePath.MatchString(t.name):
		for _, key := range strings.Split(t.name, ".") {
			if strings.Trim(key, "0123456789") != "" { // a number may also be a place in an array
				out = append(out, `"`+latin.Fold(key)+`"`)
			}
		}
	}
	return out
}

// needs returns folded texts that every match has.
func (t *text) needs() []string {
	if t.regex != nil {
		return literals(t.regex.String())
	}
	return t.parts
}

func every(texts []string, holds func(string) Set) (out Set) {
	for _, text := range texts {
		out = intersect(out, holds(text))
	}
	return out
}

// either returns the union of n sets.
func either(n int, set func(int) Set) (out Set) {
	for i := range n {
		one := set(i)
		switch {
		case one == nil:
			return nil
		case i == 0:
			out = append(Set{}, one...)
			continue
		}
		for j := range out {
			out[j] |= one[j]
		}
	}
	return out
}

// intersect returns the blocks of both sets.
func intersect(a, b Set) Set {
	if a == nil || b == nil {
		return append(a, b...)
	}
	out := make(Set, len(a))
	for i := range out {
		out[i] = a[i] & b[i]
	}
	return out
}

package filter

import (
	"strings"

	"greenroom/provider"
)

// AsksVerdict reports whether a term that isn't negated selects a verdict by its name.
func (f *Filter) AsksVerdict(v provider.Verdict) bool {
	return f.asks(func(n node) bool {
		t, ok := n.(*verdictTerm)
		return ok && int(VerdictIndex(v)) < len(verdicts) && t.verdicts&(1<<VerdictIndex(v)) != 0
	})
}

// AsksKind reports whether a term that isn't negated selects a kind by its name.
func (f *Filter) AsksKind(k provider.EventKind) bool {
	return f.asks(func(n node) bool {
		t, ok := n.(*kindTerm)
		return ok && t.kinds&(1<<KindIndex(k)) != 0
	})
}

// Asks reports whether a term that isn't negated selects a property.
func (f *Filter) Asks(flag Flag) bool {
	return f.asks(func(n node) bool {
		t, ok := n.(*flagTerm)
		return ok && t.flags&flag != 0
	})
}

// Whole returns a sentence about the first term that compares whole names, and how to write one that finds parts of them. It is empty if
// there is no such term.
func (f *Filter) Whole() (hint string) {
	f.asks(func(n node) bool {
		t, ok := n.(*textTerm)
		if !ok || len(t.texts) != 1 || t.Field != Room && t.Field != Group && t.Field != Participant {
			return false
		}
		if value, exact := t.texts[0].exact(); !exact || value == "" {
			return false
		}
		name, written, _ := strings.Cut(t.source, ":")
		part := name + ":*" + written + "*"
		if strings.HasPrefix(written, `"`) {
			part = written
		}
		hint = t.source + " compares whole names. To find part of one: " + part
		return true
	})
	return hint
}

func (f *Filter) asks(of func(node) bool) bool { return !f.Empty() && anyTerm(f.root, of) }

// anyTerm reports whether of accepts a term that isn't negated.
func anyTerm(n node, of func(node) bool) bool {
	var parts []node
	switch n := n.(type) {
	case allOf:
		parts = n
	case anyOf:
		parts = n
	case negation:
		return false
	default:
		return of(n)
	}
	for _, part := range parts {
		if anyTerm(part, of) {
			return true
		}
	}
	return false
}

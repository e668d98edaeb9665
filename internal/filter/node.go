package filter

import (
	"cmp"

	"greenroom/internal/stable"
)

// node is a part of a filter.
type node interface {
	match(Event) bool
	// may judges an event by its columns alone.
	may(*Columns) truth
	// cost orders the parts of a conjunction: cheap ones first.
	cost() int
	print([]byte) []byte
}

// truth is the result of a judgement with part of the values.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// The costs.
const (
	ofRow = iota
	ofHeader
	ofBody
	ofWords
)

type allOf []node

func (all allOf) sorted() allOf {
	stable.Sort(all, func(a, b node) int { return cmp.Compare(a.cost(), b.cost()) })
	return all
}

func (all allOf) match(e Event) bool {
	for _, n := range all {
		if !n.match(e) {
			return false
		}
	}
	return true
}

func (all allOf) may(c *Columns) truth {
	least := yes
	for _, n := range all {
		if least = min(least, n.may(c)); least == no {
			return no
		}
	}
	return least
}

func (all allOf) cost() int { return cost(all) }

func (all allOf) print(b []byte) []byte {
	for i, n := range all {
		if i > 0 {
			b = append(b, ' ')
		}
		if _, nested := n.(anyOf); nested {
			b = append(n.print(append(b, '(')), ')')
			continue
		}
		b = n.print(b)
	}
	return b
}

type anyOf []node

func (some anyOf) match(e Event) bool {
	for _, n := range some {
		if n.match(e) {
			return true
		}
	}
	return false
}

func (some anyOf) may(c *Columns) truth {
	most := no
	for _, n := range some {
		if most = max(most, n.may(c)); most == yes {
			return yes
		}
	}
	return most
}

func (some anyOf) cost() int { return cost(some) }

func cost(nodes []node) (most int) {
	for _, n := range nodes {
		most = max(most, n.cost())
	}
	return most
}

func (some anyOf) print(b []byte) []byte {
	for i, n := range some {
		if i > 0 {
			b = append(b, " or "...)
		}
		b = n.print(b)
	}
	return b
}

type negation struct{ node }

func (n negation) match(e Event) bool { return !n.node.match(e) }

func (n negation) may(c *Columns) truth { return yes - n.node.may(c) }

func (n negation) print(b []byte) []byte {
	b = append(b, '-')
	switch n.node.(type) {
	case allOf, anyOf:
		return append(n.node.print(append(b, '(')), ')')
	}
	return n.node.print(b)
}

package main

import (
	"bytes"
	"fmt"
	"strings"
)

// swaps are the operators that each kind of mutant exchanges, the longer before those that they begin with.
var swaps = map[string][][2]string{
	"ARITHMETIC_BASE":       {{"+", "-"}, {"-", "+"}, {"*", "/"}, {"/", "*"}, {"%", "*"}},
	"CONDITIONALS_BOUNDARY": {{"<=", "<"}, {">=", ">"}, {"<", "<="}, {">", ">="}},
	"CONDITIONALS_NEGATION": {{"==", "!="}, {"!=", "=="}, {"<=", ">"}, {">=", "<"}, {"<", ">="}, {">", "<="}},
	"INCREMENT_DECREMENT":   {{"++", "--"}, {"--", "++"}},
	"INVERT_NEGATIVES":      {{"-", "+"}},
}

// apply returns the source with the operator at the mutant's place exchanged.
func (m mutant) apply(source []byte) ([]byte, error) {
	at := 0
	for range m.line - 1 {
		end := bytes.IndexByte(source[at:], '\n')
		if end < 0 {
			return nil, fmt.Errorf("%s has no line %d", m.file, m.line)
		}
		at += end + 1
	}
	at += m.column - 1
	if at > len(source) {
		return nil, fmt.Errorf("%s:%d has no column %d", m.file, m.line, m.column)
	}
	for _, swap := range swaps[m.kind] {
		if strings.HasPrefix(string(source[at:min(len(source), at+2)]), swap[0]) {
			return bytes.Join([][]byte{source[:at], []byte(swap[1]), source[at+len(swap[0]):]}, nil), nil
		}
	}
	return nil, fmt.Errorf("%s:%d:%d has no operator of %s", m.file, m.line, m.column, m.kind)
}

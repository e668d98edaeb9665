package main

import "testing"

func TestApplyExchangesTheOperatorAtItsPlace(t *testing.T) {
	source := "package p\nfunc f(a, b int) bool { a++; return a-1 <= b*-2 }\n"
	for _, c := range []struct {
		kind   string
		column int
		want   string
	}{
		{"INCREMENT_DECREMENT", 26, "func f(a, b int) bool { a--; return a-1 <= b*-2 }"},
		{"ARITHMETIC_BASE", 38, "func f(a, b int) bool { a++; return a+1 <= b*-2 }"},
		{"CONDITIONALS_BOUNDARY", 41, "func f(a, b int) bool { a++; return a-1 < b*-2 }"},
		{"CONDITIONALS_NEGATION", 41, "func f(a, b int) bool { a++; return a-1 > b*-2 }"},
		{"INVERT_NEGATIVES", 46, "func f(a, b int) bool { a++; return a-1 <= b*+2 }"},
	} {
		got, err := mutant{c.kind, "p.go", 2, c.column}.apply([]byte(source))
		if err != nil || string(got) != "package p\n"+c.want+"\n" {
			t.Errorf("%s at column %d: %q, %v; want %q", c.kind, c.column, got, err, c.want)
		}
	}
	for _, m := range []mutant{
		{"ARITHMETIC_BASE", "p.go", 2, 1}, {"ARITHMETIC_BASE", "p.go", 9, 1}, {"INCREMENT_DECREMENT", "p.go", 2, 900}, {"OTHER", "p.go", 2, 26},
	} {
		if got, err := m.apply([]byte(source)); err == nil {
			t.Errorf("%+v: %q, want an error", m, got)
		}
	}
}

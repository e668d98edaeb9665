package cases

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// draws returns what one check draws.
func draws(t *testing.T) (out []int) {
	rapid.Check(t, func(t *rapid.T) { out = append(out, rapid.Int().Draw(t, "n")) })
	return out
}

func TestCasesAreTheSameUntilTheyAreVaried(t *testing.T) {
	if !fixed {
		t.Skip("cases are explored")
	}
	first := draws(t)
	if !slices.Equal(first, draws(t)) {
		t.Error("a second check has other cases")
	}
	Vary(0)
	if !slices.Equal(first, draws(t)) {
		t.Error("the first set of cases is not the default")
	}
	Vary(1)
	if slices.Equal(first, draws(t)) {
		t.Error("the second set is the first")
	}
}

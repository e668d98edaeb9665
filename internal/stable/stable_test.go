package stable_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"greenroom/internal/stable"
)

func TestSortIsStable(t *testing.T) {
	type pair struct{ Key, At int }
	byKey := func(a, b pair) int { return cmp.Compare(a.Key, b.Key) }
	rapid.Check(t, func(t *rapid.T) {
		var list []pair
		for at, key := range rapid.SliceOf(rapid.IntRange(0, 5)).Draw(t, "keys") {
			list = append(list, pair{key, at})
		}
		want := slices.Clone(list)
		slices.SortStableFunc(want, byKey)
		if stable.Sort(list, byKey); !slices.Equal(list, want) {
			t.Fatalf("%v instead of %v", list, want)
		}
	})
}

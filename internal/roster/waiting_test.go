package roster

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestASessionThatKnocksAgainWaitsAgain(t *testing.T) {
	p := provider.Participant{Session: "k", Name: "K"}
	knock := func(s int) report {
		return report{fmt.Sprint("knock ", s), func(w *world) { w.stay("k").Knocked(p, at(s)) }}
	}
	gaveUp := func(s int) report {
		return report{fmt.Sprint("stopped waiting ", s), func(w *world) { w.stay("k").GaveUp(p, at(s)) }}
	}
	empty := report{"empty 15", func(w *world) { w.m.Over(at(15), true) }}
	visit := func(joined, left int, why string) Visit {
		return Visit{Joined: at(joined), Left: at(left), Reason: why}
	}
	for _, c := range []struct {
		name    string
		events  []report
		waiting int // since when; -1 for not at all
		here    int
		earlier []Visit
	}{
		{"after they stopped waiting", []report{knock(0), gaveUp(5), knock(10)}, 10, 0, nil},
		{"repeatedly", []report{knock(0), gaveUp(5), knock(10), knock(12)}, 10, 0, nil},
		{"and stops waiting again", []report{knock(0), gaveUp(5), knock(10), gaveUp(12)}, -1, 0, nil},
		{"after a visit", []report{joined("k", 0), left("k", 0, 10), knock(20)}, 20, 0, []Visit{visit(0, 10, "")}},
		{"after being let in", []report{knock(0), joined("k", 5), left("k", 5, 10), knock(20)}, 20, 0, []Visit{visit(5, 10, "")}},
		{"and is let in again", []report{joined("k", 0), left("k", 0, 10), knock(20), joined("k", 30)}, -1, 1, []Visit{visit(0, 10, "")}},
		{"while inside", []report{joined("k", 0), knock(5), knock(6)}, -1, 1, nil},
		{"after the meeting was empty", []report{joined("k", 0), empty, knock(20)}, 20, 0, []Visit{visit(0, 15, provider.ReasonEnded)}},
		{"before the meeting was empty", []report{joined("k", 0), left("k", 0, 5), knock(10), empty}, -1, 0, nil},
	} {
		var first *Stay
		for _, order := range orders(len(c.events)) {
			w := newWorld()
			for _, i := range append(slices.Clone(order), order[0]) {
				c.events[i].tell(w)
				w.settle()
			}
			s := w.stays["k"]
			waits := c.waiting >= 0
			if s.Waiting != waits || waits && (!s.WaitingSince.Equal(at(c.waiting)) || !s.LeftAt.IsZero()) || w.m.Here != c.here ||
				w.m.Waiting != map[bool]int{true: 1}[waits] || !cmp.Equal(s.Earlier, c.earlier) {
				t.Errorf("%s, in the order %v: waiting %v since %v, %d here, %d waiting, before %v", c.name, order, s.Waiting, s.WaitingSince, w.m.Here, w.m.Waiting, s.Earlier)
			}
			if w.m.Status == app.Live != (c.here > 0) {
				t.Errorf("%s: %s", c.name, w.m.Status)
			}
			if seen := s.Stay; first == nil {
				first = s
			} else if d := cmp.Diff(first.Stay, seen); d != "" {
				t.Errorf("%s, in the order %v:\n%s", c.name, order, d)
			}
		}
	}
}

// orders lists the orders of n things.
func orders(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range orders(n - 1) {
		for i := 0; i <= len(p); i++ {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

func TestTheLastKnockCountsHoweverManyThereWere(t *testing.T) {
	w := newWorld()
	p := provider.Participant{Session: "k"}
	for i := range 3 * maxTimes {
		w.stay("k").Knocked(p, at(20*i))
		w.stay("k").GaveUp(p, at(20*i+10))
	}
	w.stay("k").Knocked(p, at(20*3*maxTimes))
	w.settle()
	if s := w.stays["k"]; !s.Waiting || len(s.Knocks) > maxTimes {
		t.Errorf("waiting %v, %d knocks are kept", s.Waiting, len(s.Knocks))
	}
}

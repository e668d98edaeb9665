package catalog

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

func TestFailuresOfAnInstance(t *testing.T) {
	rec := func(id string, minutes int, status app.RecordingStatus, why string) app.Recording {
		return app.Recording{ID: id, Instance: "i", StartedAt: app.At(at(minutes)), Status: status, Error: why}
	}
	ready := rec("1", 5, app.RecordingReady, "")
	ready.DurationS = 360
	failure := func(minutes int) Failure { return Failure{At: at(minutes), Why: fmt.Sprint("broken at ", minutes)} }
	for name, c := range map[string]struct {
		recordings []app.Recording
		failures   []Failure
		changed    []string
		none       []Failure
	}{
		"it failed":        {[]app.Recording{rec("1", 5, app.RecordingRunning, "")}, []Failure{failure(10)}, []string{"1 failed broken at 10"}, nil},
		"it never began":   {nil, []Failure{failure(10), failure(12)}, nil, []Failure{failure(10), failure(12)}},
		"before it began":  {[]app.Recording{rec("1", 5, app.RecordingRunning, "")}, []Failure{failure(4)}, nil, []Failure{failure(4)}},
		"known already":    {[]app.Recording{rec("1", 5, app.RecordingFailed, "broken at 10")}, []Failure{failure(10)}, nil, nil},
		"another instance": {[]app.Recording{{ID: "2", Instance: "j", StartedAt: app.At(at(5))}}, []Failure{failure(10)}, nil, []Failure{failure(10)}},
		"its own display":  {[]app.Recording{rec("instance-i", 5, app.RecordingFailed, "x")}, []Failure{failure(10)}, nil, []Failure{failure(10)}},
		"the later one failed": {[]app.Recording{rec("2", 20, app.RecordingRunning, ""), rec("1", 5, app.RecordingFailed, "broken at 25")}, []Failure{failure(25)},
			[]string{"1 processing ", "2 failed broken at 25"}, nil},
		"the earlier one is over": {[]app.Recording{rec("1", 5, app.RecordingRunning, ""), rec("2", 20, app.RecordingRunning, "")}, []Failure{failure(25)},
			[]string{"1 processing ", "2 failed broken at 25"}, nil},
		"a reason of its own stays":      {[]app.Recording{rec("1", 5, app.RecordingFailed, "a better reason")}, []Failure{failure(10)}, nil, nil},
		"it is ready all the same":       {[]app.Recording{ready}, []Failure{failure(11)}, nil, nil},
		"the next start failed":          {[]app.Recording{ready}, []Failure{failure(12)}, nil, []Failure{failure(12)}},
		"the smallest of several counts": {[]app.Recording{rec("1", 5, app.RecordingRunning, "")}, []Failure{{At: at(8), Why: "z"}, {At: at(9), Why: "a"}}, []string{"1 failed a"}, nil},
	} {
		was := slices.Clone(c.recordings)
		changed, none := SettleFailures(c.recordings, "i", c.failures)
		var got []string
		for _, r := range changed {
			got = append(got, fmt.Sprintf("%s %s %s", r.ID, r.Status, r.Error))
		}
		slices.Sort(got)
		if !slices.Equal(got, c.changed) || !cmp.Equal(none, c.none) || !cmp.Equal(c.recordings, was) {
			t.Errorf("%s: %q, %v; then %+v", name, got, none, c.recordings)
		}
		for _, r := range changed { // what was settled stays so
			for i := range c.recordings {
				if c.recordings[i].ID == r.ID {
					c.recordings[i] = r
				}
			}
		}
		if again, _ := SettleFailures(c.recordings, "i", c.failures); again != nil {
			t.Errorf("%s: again %+v", name, again)
		}
	}
}

func TestFailuresInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Failure {
			return Failure{At: at(rapid.IntRange(0, 3).Draw(t, "at")), Why: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "why")}
		}), 1, 9).Draw(t, "failures")
		add := func(order []Failure) (out []Failure) {
			for _, f := range order {
				out = AddFailure(out, f)
			}
			return out
		}
		want := add(all)
		if got := add(append(rapid.Permutation(all).Draw(t, "order"), all[0])); !cmp.Equal(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
		if !slices.IsSortedFunc(want, func(a, b Failure) int { return a.At.Compare(b.At) }) {
			t.Error(want)
		}
	})
}

func TestAFailureKeepsItsMeetingAndTheirNumberIsBounded(t *testing.T) {
	all := AddFailure(nil, Failure{At: at(1), Why: "x", Meeting: "m"})
	all = AddFailure(all, Failure{At: at(1).In(time.FixedZone("there", 3600)), Why: "x"})
	if len(all) != 1 || all[0].Meeting != "m" || all[0].At.Location() != time.UTC {
		t.Errorf("%+v", all)
	}
	for i := range maxFailures - 1 {
		all = AddFailure(all, Failure{At: at(i + 2)})
	}
	if len(all) != maxFailures || AddFailure(all, Failure{At: at(99)}) != nil {
		t.Errorf("%d failures, and room for more", len(all))
	}
}

func TestAFailureOfNoKnownRecordingIsShown(t *testing.T) {
	m := &roster.Meeting{Meeting: app.Meeting{ID: "m", Room: "design", Account: "daily", Platform: provider.Daily}}
	var r app.Recording
	ShowFailure(&r, m, "i", Failure{At: at(1), Why: "x"})
	want := app.Recording{ID: "instance-i", Instance: "i", Account: "daily", Platform: provider.Daily, Files: []provider.RecordingFile{},
		Status: app.RecordingFailed, Error: "x", StartedAt: app.At(at(1)), Meeting: "m", Room: "design"}
	if !cmp.Equal(r, want) {
		t.Error(cmp.Diff(want, r))
	}
	r.Download = &app.Download{}
	if ShowFailure(&r, m, "i", Failure{At: at(2), Why: "y"}); r.Error != "y" || r.Download == nil {
		t.Errorf("%+v", r)
	}
	row := func(minutes int) Evidence { return Evidence{Recording: provider.Recording{StartedAt: at(minutes)}} }
	other := app.Recording{ID: "2", Instance: "i", Status: app.RecordingFailed, StartedAt: app.At(at(5))}
	if got, ok := SameFailure([]app.Recording{other, r}, row(1)); !ok || got.ID != "instance-i" {
		t.Errorf("%+v, %t", got, ok)
	}
	if got, ok := SameFailure([]app.Recording{other, r}, row(3)); ok {
		t.Errorf("one that began later: %+v", got)
	}
}

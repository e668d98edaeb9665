package roster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "greenroom/internal/cases"

	"greenroom/internal/app"
	"greenroom/provider"
)

// truth holds the reports about one session: all times of joining and leaving.
type truth struct{ joins, lefts []int }

// first returns the first number of an ordered list that is at least from, or -1.
func first(list []int, from int) int {
	for _, n := range list {
		if n >= from {
			return n
		}
	}
	return -1
}

// intervals computes the visits of a session, in seconds; an end of -1 is a participant who stays.
func (h truth) intervals(marks []int) (out [][2]int) {
	from := first(h.joins, 0)
	for from >= 0 {
		to := first(h.lefts, from)
		if to < 0 {
			to = first(marks, from)
		}
		out = append(out, [2]int{from, to})
		if to < 0 {
			break
		}
		from = first(h.joins, to+1)
	}
	return out
}

// Whatever order evidence comes in, with repeats and settled in between, all visits, the counts and the peak are those
// that a model computes from all of it at once.
func TestVisitsAndCountsAreThoseOfTheModel(t *testing.T) {
	times := rapid.SliceOfNDistinct(rapid.IntRange(1, 40), 0, 3, rapid.ID[int])
	rapid.Check(t, func(t *rapid.T) {
		marks := times.Draw(t, "marks")
		truths := map[string]truth{}
		var reports []report
		for _, m := range marks {
			reports = append(reports, over(m))
		}
		for i := range rapid.IntRange(1, 4).Draw(t, "people") {
			id := fmt.Sprintf("p%d", i)
			h := truth{joins: times.Draw(t, "joins"), lefts: times.Draw(t, "lefts")}
			if len(h.joins) == 0 {
				h.joins = []int{1}
			}
			truths[id] = h
			for _, s := range h.joins {
				reports = append(reports, joined(id, s))
			}
			for _, s := range h.lefts {
				reports = append(reports, report{"left", func(w *world) {
					w.stay(id).Left(provider.Participant{Session: id, LeftAt: at(s)}, at(s), app.FromWebhook)
				}})
			}
		}
		reports = append(reports, reports[:rapid.IntRange(0, len(reports)).Draw(t, "repeated")]...)
		w := newWorld()
		for _, one := range rapid.Permutation(reports).Draw(t, "order") {
			one.tell(w)
			if rapid.Bool().Draw(t, "settled") {
				w.settle()
			}
		}
		w.settle()
		slices.Sort(marks)
		var all [][2]int
		here := 0
		for id, h := range truths {
			slices.Sort(h.joins)
			slices.Sort(h.lefts)
			want := h.intervals(marks)
			all = append(all, want...)
			if want[len(want)-1][1] < 0 {
				here++
			}
			if d := cmp.Diff(want, w.stay(id).intervals()); d != "" {
				t.Errorf("%s joined at %v and left at %v, empty at %v: %s", id, h.joins, h.lefts, marks, d)
			}
		}
		peak := 0
		for s := range 42 {
			n := 0
			for _, v := range all {
				if v[0] <= s && (v[1] < 0 || v[1] > s) {
					n++
				}
			}
			peak = max(peak, n)
		}
		// A participant who leaves in the very second in which they came counts for that second.
		if w.m.Here != here || w.m.Peak < peak || w.m.Peak > len(all) {
			t.Errorf("here %d, peak %d; really %d and %d: %v", w.m.Here, w.m.Peak, here, peak, all)
		}
		if live := w.m.Status == app.Live; live != (here > 0) {
			t.Errorf("%s with %d here", w.m.Status, here)
		}
	})
}

func (s *Stay) intervals() (out [][2]int) {
	in := func(t time.Time) int {
		if t.IsZero() {
			return -1
		}
		return int(t.Sub(t0) / time.Second)
	}
	for _, v := range s.Earlier {
		out = append(out, [2]int{in(v.Joined), in(v.Left)})
	}
	return append(out, [2]int{in(s.JoinedAt.Time), in(s.LeftAt.Time)})
}

func TestReadingsCloseAStay(t *testing.T) {
	const lag = 25 * time.Second
	for _, c := range []struct {
		name     string
		readings []int // seconds at which a reading lacks them; negative ones list them
		want     int   // when they left, -1 for not at all
	}{
		{"none", nil, -1},
		{"one", []int{100}, -1},
		{"two", []int{100, 101}, 100},
		{"two within the lag", []int{24, 25}, -1},
		{"one within the lag, one after", []int{25, 26}, -1},
		{"two after the lag", []int{26, 27}, 26},
		{"the same one twice", []int{26, 26}, -1},
		{"one that is older than the first", []int{100, 90}, -1},
		{"one that lists them in between", []int{100, -101, 127, 128}, 127},
		{"one after one that lists them", []int{100, -101, 110, 127}, -1},
		{"more of them", []int{100, 101, 102, 103}, 100},
		{"back after it was closed", []int{100, 101, -110}, -1},
		{"gone again", []int{100, 101, -110, 140, 141}, 140},
	} {
		w := newWorld()
		joined("ada", 0).tell(w)
		w.settle()
		for _, s := range c.readings {
			if s < 0 {
				w.stay("ada").Seen(provider.Participant{Session: "ada", JoinedAt: at(0)}, at(-s))
			} else {
				w.stay("ada").Lacked(at(s), lag)
			}
			w.settle()
		}
		got := w.stay("ada")
		if (c.want < 0) != got.LeftAt.IsZero() || c.want >= 0 && !got.LeftAt.Equal(at(c.want)) {
			t.Errorf("%s: left at %v", c.name, got.LeftAt)
		}
	}
}

func TestLackedReportsWhatItLearned(t *testing.T) {
	var s Stay
	s.Joined(provider.Participant{Session: "a", JoinedAt: at(0)}, at(0), app.FromWebhook)
	for i, c := range []struct {
		begun   int
		learned bool
	}{{10, false}, {25, false}, {26, true}, {26, false}, {27, true}, {28, false}} {
		if got := s.Lacked(at(c.begun), 25*time.Second); got != c.learned {
			t.Errorf("%d: %v", i, got)
		}
	}
	if s.Source != app.FromPresence || !s.Closed.Equal(at(26)) {
		t.Errorf("%+v", s)
	}
}

// What a clock noted that was ahead is from the next reading at the latest; what is a little later than a reading is left.
func TestSignsFromTheFutureRecede(t *testing.T) {
	year := 365 * 24 * 3600
	for name, tell := range map[string]func(*Stay){
		"joined": func(s *Stay) {
			s.Joined(provider.Participant{Session: "a", JoinedAt: at(year)}, at(0), app.FromWebhook)
		},
		"received": func(s *Stay) {
			s.Joined(provider.Participant{Session: "a", JoinedAt: at(0)}, at(year), app.FromWebhook)
		},
		"seen": func(s *Stay) { s.Seen(provider.Participant{Session: "a"}, at(year)) },
		"lacked": func(s *Stay) {
			s.Joined(provider.Participant{Session: "a", JoinedAt: at(0)}, at(0), app.FromWebhook)
			s.Lacked(at(year), 0)
		},
	} {
		var s Stay
		tell(&s)
		for n := range 3 {
			if !s.Lacked(at(100+30*n), 25*time.Second) {
				t.Errorf("%s: the %dth reading teaches nothing: %+v", name, n+1, s)
			}
		}
		m := Meeting{Lag: 25 * time.Second}
		if s.settle(&m); !s.LeftAt.Equal(at(130)) || s.JoinedAt.After(at(100)) || s.SeenAt.After(at(100)) || len(s.Joins) != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	var s Stay
	s.Joined(provider.Participant{Session: "a", JoinedAt: at(60)}, at(60), app.FromWebhook)
	if s.Lacked(at(0), 0) {
		t.Error("a reading that began a minute before the evidence changes it")
	}
	if !s.Lacked(at(-1), 0) {
		t.Error("one that began earlier does not")
	}
}

func TestEmptyReadingsTakeBackABeginning(t *testing.T) {
	for _, c := range []struct {
		name     string
		readings []int // negative ones list a participant
		started  []int // beginnings reported before the reading of that place
		live     bool
	}{
		{"none", nil, []int{0}, true},
		{"one", []int{30}, []int{0}, true},
		{"two", []int{30, 31}, []int{0}, false},
		{"two within the lag", []int{24, 25}, []int{0}, true},
		{"one at the lag", []int{25, 26}, []int{0}, true},
		{"two at once", []int{30, 30}, []int{0}, true},
		{"a participant in between", []int{30, -31, 32}, []int{0}, true},
		{"a beginning in between", []int{30, 60}, []int{0, 34}, true},
		{"two after that", []int{30, 60, 61}, []int{0, 34}, false},
		{"a clock that was ahead", []int{1000, 1030, 1060}, []int{5000}, false},
		{"one that was not", []int{0, 30}, []int{50}, true},
	} {
		m := Meeting{Meeting: app.Meeting{Status: app.Open}, Lag: 25 * time.Second}
		for i, s := range c.readings {
			if i < len(c.started) {
				m.Started(at(c.started[i]))
			}
			if s < 0 {
				m.Inhabited()
			} else {
				m.EmptyReading(at(s))
			}
		}
		if len(c.readings) == 0 {
			m.Started(at(0))
		}
		if NewTally(nil).Settle(&m); (m.Status == app.Live) != c.live {
			t.Errorf("%s: %s", c.name, m.Status)
		}
	}
	m := Meeting{Lag: 25 * time.Second}
	if m.Started(at(0)); m.EmptyReading(at(25)) || !m.EmptyReading(at(26)) || m.EmptyReading(at(26)) || !m.EmptyReading(at(27)) || m.EmptyReading(at(28)) {
		t.Error("a reading reports that it taught something when it did not, or the other way round")
	}
}

func TestEvidenceIsOfTheMeetingOfItsTime(t *testing.T) {
	former := Meeting{Meeting: app.Meeting{ID: "1", Adopted: true, Status: app.Ended, EndReason: ReasonEndedHere, EndedAt: app.At(at(100))}}
	for s, later := range map[int]bool{0: false, 100: false, 160: false, 161: true} {
		if got := former.IsBefore(at(s)); got != later {
			t.Errorf("%d is later: %v", s, got)
		}
	}
	for name, m := range map[string]Meeting{
		"made here": {Meeting: app.Meeting{Status: app.Ended, EndReason: ReasonEndedHere, EndedAt: app.At(at(100))}},
		"expired":   {Meeting: app.Meeting{Adopted: true, Status: app.Ended, EndReason: ReasonExpired, EndedAt: app.At(at(100))}},
		"open":      {Meeting: app.Meeting{Adopted: true, Status: app.Open, EndReason: ReasonEndedHere}},
	} {
		if m.IsBefore(at(1000)) {
			t.Errorf("%s: begins another", name)
		}
	}
	former.Marks, former.EndedMark = []time.Time{at(50), at(160), at(161), at(300)}, at(300)
	next := Meeting{Meeting: app.Meeting{Adopted: true}}
	next.Follow(former, at(200))
	if next.Former != "1" || !next.Since.Equal(at(160)) || next.Holds(at(160)) || !next.Holds(at(161)) || len(next.Marks) != 2 || !next.EndedMark.Equal(at(300)) {
		t.Errorf("%+v", next)
	}
	soon := Meeting{Meeting: app.Meeting{Adopted: true}, EndedMark: at(400)}
	if soon.Follow(former, at(120)); !soon.Holds(at(120)) || soon.Holds(at(119)) || !soon.EndedMark.Equal(at(400)) {
		t.Errorf("%+v", soon)
	}
	former.Status, former.EndedMark = app.Open, at(10)
	open := Meeting{}
	if open.Follow(former, at(500)); !open.Since.Equal(at(500).Add(-1)) || !open.EndedMark.IsZero() {
		t.Errorf("%+v", open)
	}
	if (&Meeting{}).Holds(at(0)) == false {
		t.Error("a meeting that follows none does not hold everything")
	}
}

func TestTheEarliestEvidenceBeginsAnAdoptedMeeting(t *testing.T) {
	m := Meeting{Meeting: app.Meeting{Adopted: true}, Former: "x", Since: at(10)}
	for _, c := range []struct{ tell, want int }{{50, 50}, {60, 50}, {20, 20}, {10, 20}, {11, 11}} {
		if m.Began(at(c.tell)); !m.StartsAt.Equal(at(c.want)) {
			t.Errorf("after %d: %v", c.tell, m.StartsAt)
		}
	}
	if m.Began(time.Time{}); !m.StartsAt.Equal(at(11)) {
		t.Error("no time is a time")
	}
	own := Meeting{Meeting: app.Meeting{StartsAt: app.At(at(50))}}
	if own.Began(at(20)); !own.StartsAt.Equal(at(50)) {
		t.Error("a meeting of our own begins when it was opened")
	}
}

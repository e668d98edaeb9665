package roster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
)

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

// world is a meeting, its stays and their tally.
type world struct {
	m     Meeting
	stays map[string]*Stay
	tally *Tally // of every commit so far
	// stored are the stays as the last commit left them.
	stored  map[string]*Stay
	commits int
}

func newWorld() *world {
	return &world{
		m:     Meeting{Meeting: app.Meeting{ID: "m", Status: app.Open}, Lag: 25 * time.Second},
		stays: map[string]*Stay{},
	}
}

func (w *world) stay(id string) *Stay {
	if w.stays[id] == nil {
		w.stays[id] = &Stay{}
	}
	return w.stays[id]
}

// settle is a commit: the stays with new evidence are settled into the tally of all commits so far, which forgets those who left
// after every other commit. It must come to the same as a new tally of everything.
func (w *world) settle() {
	var wrote []*Stay
	var all []*Stay
	for _, s := range w.stays {
		current := *s
		all = append(all, &current)
		if stored := w.stored[s.Session]; stored == nil || !cmp.Equal(*stored, *s) {
			wrote = append(wrote, s.Clone())
		}
	}
	if w.tally == nil {
		w.tally, w.stored = NewTally(nil), make(map[string]*Stay)
	}
	m := w.m
	NewTally(all).Settle(&m)
	changed, ok := w.tally.Settle(&w.m, wrote...)
	if !ok {
		var stored []*Stay
		for _, s := range w.stored {
			stored = append(stored, s.Clone())
		}
		w.tally = NewTally(stored)
		changed, _ = w.tally.Settle(&w.m, wrote...)
	}
	if d := cmp.Diff(m, w.m); d != "" {
		panic("a new tally comes to something else:\n" + d)
	}
	for _, s := range slices.Concat(changed, wrote) {
		w.stored[s.Session] = s.Clone()
	}
	for _, s := range all {
		if stored := w.stored[s.Session]; !cmp.Equal(*stored, *s) {
			panic("a stay looks different: " + cmp.Diff(s, stored))
		}
		if held, known := w.tally.Stay(s.Session); known && !cmp.Equal(*held, *s) {
			panic("a stay looks different in the tally: " + cmp.Diff(s, held))
		}
		*w.stays[s.Session] = *s
	}
	if w.commits++; w.commits%2 == 0 {
		w.tally.Forget()
	}
}

// report is one thing that the platform says.
type report struct {
	name string
	tell func(*world)
}

func joined(id string, s int) report {
	return report{fmt.Sprintf("%s joined at %d", id, s), func(w *world) {
		w.stay(id).Joined(provider.Participant{Session: id, Name: "N" + id, JoinedAt: at(s)}, at(s), app.FromWebhook)
	}}
}

func left(id string, joined, s int) report {
	return report{fmt.Sprintf("%s left at %d", id, s), func(w *world) {
		w.stay(id).Left(provider.Participant{Session: id, JoinedAt: at(joined), LeftAt: at(s)}, at(s), app.FromWebhook)
	}}
}

func over(s int) report {
	return report{fmt.Sprintf("over at %d", s), func(w *world) { w.m.Over(at(s), true) }}
}

func started(s int) report {
	return report{fmt.Sprintf("started at %d", s), func(w *world) { w.m.Started(at(s)) }}
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	story := []report{
		started(0), joined("ada", 0), joined("grace", 10), left("ada", 0, 20), joined("lost", 22), // lost's left never comes
		left("grace", 10, 30), over(50), started(100), joined("ada-2", 100), joined("zoe", 110),
		left("zoe", 110, 120), joined("bob", 120),
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var want *world
	for round := range 500 {
		order := append([]report(nil), story...)
		if round > 0 {
			rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for range rng.IntN(6) { // retries
				order = append(order, order[rng.IntN(len(order))])
			}
		}
		w := newWorld()
		for _, o := range order {
			o.tell(w)
			w.settle() // every commit settles
		}
		if want == nil {
			want = w
			continue
		}
		if d := cmp.Diff(want.m, w.m) + cmp.Diff(want.stays, w.stays); d != "" {
			t.Fatalf("another order gives another state:\n%s", d)
		}
	}
	if want.m.Here != 2 || want.m.Peak != 2 || want.m.Status != app.Live || !want.m.StartedAt.Equal(t0) {
		t.Errorf("here %d, peak %d, %s since %v", want.m.Here, want.m.Peak, want.m.Status, want.m.StartedAt)
	}
	if s := want.stays["lost"]; !s.LeftAt.Equal(at(50)) || s.Reason != provider.ReasonEnded {
		t.Errorf("the one whose leaving was lost left at %v, %q", s.LeftAt, s.Reason)
	}
}

func TestPeakGoesByTheTimesOfTheEvents(t *testing.T) {
	w := newWorld()
	// Reported in an order in which three seem to be there at a time.
	for _, o := range []report{joined("c", 20), joined("b", 10), joined("a", 0), left("a", 0, 10), left("b", 10, 20)} {
		o.tell(w)
	}
	w.settle()
	if w.m.Peak != 1 || w.m.Here != 1 {
		t.Errorf("peak %d, here %d; one left whenever another came", w.m.Peak, w.m.Here)
	}
	short := newWorld() // one who leaves at the instant of joining was there
	for _, o := range []report{joined("a", 0), left("a", 0, 0), joined("b", 10)} {
		o.tell(short)
		if short.settle(); short.m.Peak != 1 {
			t.Errorf("%s: peak %d", o.name, short.m.Peak)
		}
	}
}

func TestBotsAreListedAndNeverCounted(t *testing.T) {
	w := newWorld()
	w.stay("rec").Joined(provider.Participant{Session: "rec", Role: provider.RoleBot, JoinedAt: at(1)}, at(1), app.FromWebhook)
	w.settle()
	if w.m.Here != 0 || w.m.Peak != 0 || w.m.Status != app.Open || !w.stays["rec"].Bot {
		t.Errorf("here %d, peak %d, %s", w.m.Here, w.m.Peak, w.m.Status)
	}
}

func TestPresenceClosesAStayOnlyAfterTwoLateReadings(t *testing.T) {
	lag := 25 * time.Second
	for _, c := range []struct {
		name     string
		readings []int // seconds at which readings begin that lack the stay
		closed   bool
	}{
		{"none", nil, false},
		{"within the lag, however many", []int{1, 10, 20, 25}, false},
		{"one after the lag", []int{10, 26}, false},
		{"the same one twice", []int{30, 30}, false},
		{"two after the lag", []int{26, 36}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			joined("a", 0).tell(w)
			for _, s := range c.readings {
				w.stay("a").Lacked(at(s), lag)
			}
			w.settle()
			if got := !w.stays["a"].LeftAt.IsZero(); got != c.closed {
				t.Errorf("closed: %v", got)
			}
		})
	}
}

func TestAReadingThatListsThemRestartsTheCount(t *testing.T) {
	w := newWorld()
	joined("a", 0).tell(w)
	p := provider.Participant{Session: "a", JoinedAt: at(0)}
	s := w.stay("a")
	s.Lacked(at(30), w.m.Lag)
	s.Seen(p, at(40))
	s.Lacked(at(70), w.m.Lag)
	w.settle()
	if !s.LeftAt.IsZero() {
		t.Error("closed by readings that were not in a row")
	}
	s.Lacked(at(80), w.m.Lag)
	w.settle()
	if s.LeftAt.IsZero() || s.Reason != "" {
		t.Fatal("not closed by two in a row")
	}
	s.Seen(p, at(90))
	w.settle()
	if !s.LeftAt.IsZero() {
		t.Error("seen again, and still closed")
	}
}

func TestAGhostInPresenceDoesNotReopenAMeetingThatEnded(t *testing.T) {
	w := newWorld()
	joined("a", 0).tell(w)
	over(60).tell(w)
	w.stay("a").Seen(provider.Participant{Session: "a", JoinedAt: at(0)}, at(70)) // 10 s later: within the lag
	w.settle()
	if w.m.Here != 0 {
		t.Error("a ghost is counted")
	}
	w.stay("a").Seen(provider.Participant{Session: "a", JoinedAt: at(0)}, at(90))
	w.settle()
	if w.m.Here != 1 {
		t.Error("a participant seen 30 s after the end is not a ghost")
	}
}

func TestAMeetingEndedHereStaysEnded(t *testing.T) {
	w := newWorld()
	joined("a", 0).tell(w)
	w.settle()
	w.m.End(at(50), ReasonEndedHere, app.FromHere)
	joined("late", 51).tell(w)
	w.m.Revive(at(51), at(100_000))
	over(60).tell(w)
	w.settle()
	if w.m.Status != app.Ended || w.m.Here != 0 || w.m.EndReason != ReasonEndedHere {
		t.Errorf("%s, here %d, %q", w.m.Status, w.m.Here, w.m.EndReason)
	}
	left("a", 0, 49).tell(w)
	w.settle()
	if got := w.stays["a"].LeftAt; !got.Equal(at(49)) {
		t.Errorf("left at %v; the platform's own time counts", got)
	}
}

func TestAnExpiredMeetingRevivesWhenAParticipantComes(t *testing.T) {
	w := newWorld()
	w.m.End(at(50), ReasonExpired, app.FromClock)
	w.m.Revive(at(40), at(100_000))
	if w.m.Status != app.Ended {
		t.Error("revived by something older than its end")
	}
	w.m.Revive(at(60), at(100_000))
	joined("a", 60).tell(w)
	w.settle()
	if w.m.Status != app.Live || !w.m.EndedAt.IsZero() {
		t.Errorf("%s, ended at %v", w.m.Status, w.m.EndedAt)
	}
}

func TestKnockingIsWaitingUntilLetInOrGone(t *testing.T) {
	w := newWorld()
	p := provider.Participant{Session: "k", Name: "K"}
	w.stay("k").Knocked(p, at(0))
	w.settle()
	if w.m.Waiting != 1 || w.m.Here != 0 || w.m.Status != app.Open {
		t.Errorf("waiting %d, here %d, %s", w.m.Waiting, w.m.Here, w.m.Status)
	}
	w.stay("g").Knocked(provider.Participant{Session: "g"}, at(1))
	w.stay("g").GaveUp(provider.Participant{Session: "g"}, at(5))
	joined("k", 10).tell(w)
	w.settle()
	if w.m.Waiting != 0 || w.m.Here != 1 || w.stays["k"].Waiting {
		t.Errorf("waiting %d, here %d", w.m.Waiting, w.m.Here)
	}
}

func TestStartedWithoutAnyoneKnownIsLiveUntilReadingsSayOtherwise(t *testing.T) {
	w := newWorld()
	started(0).tell(w)
	w.settle()
	if w.m.Status != app.Live {
		t.Fatalf("%s", w.m.Status)
	}
	for _, s := range []int{10, 30} {
		w.m.EmptyReading(at(s))
		w.settle()
		if w.m.Status != app.Live {
			t.Fatalf("%s after the reading at %d", w.m.Status, s)
		}
	}
	w.m.EmptyReading(at(40))
	w.settle()
	if w.m.Status != app.Open {
		t.Errorf("%s after two empty readings", w.m.Status)
	}
}

func TestAStayKeepsTheTimeThatClosedItWhenMarksAreForgotten(t *testing.T) {
	w := newWorld()
	joined("first", 0).tell(w)
	for day := range 3 * maxMarks {
		over(100 + day*86400).tell(w)
		w.settle()
	}
	if got := w.stays["first"].LeftAt; !got.Equal(at(100)) {
		t.Errorf("left at %v", got)
	}
}

func TestAMarkThatComesLateAmongManyCounts(t *testing.T) {
	w := newWorld()
	for day := range maxMarks {
		over(1000 + day*1000).tell(w)
	}
	joined("a", 5100).tell(w)
	w.settle()
	over(5200).tell(w) // one older mark is forgotten for it: neither their number nor the latest changes
	w.settle()
	if got := w.stays["a"].LeftAt; !got.Equal(at(5200)) {
		t.Errorf("left at %v", got)
	}
}

func TestWhoLeftAMeetingThatExpiredHasLeftWhenItLivesAgain(t *testing.T) {
	w := newWorld()
	joined("yesterday", 0).tell(w)
	w.settle()
	w.m.End(at(50), ReasonExpired, app.FromClock)
	w.settle()
	w.m.Revive(at(90000), at(100_000))
	joined("today", 90000).tell(w)
	w.settle()
	if w.m.Here != 1 || w.m.Status != app.Live {
		t.Errorf("here %d, %s", w.m.Here, w.m.Status)
	}
}

func TestGivingUpIsKnownWithoutTheKnock(t *testing.T) {
	for _, knock := range []bool{false, true} {
		w := newWorld()
		p := provider.Participant{Session: "k"}
		if knock {
			w.stay("k").Knocked(p, at(5))
		}
		w.stay("k").GaveUp(p, at(5))
		w.settle()
		if s := w.stays["k"]; s.Present() || s.Waiting || w.m.Waiting != 0 {
			t.Errorf("knocked %v: present %v, waiting %v", knock, s.Present(), s.Waiting)
		}
	}
}

// A history's leaving is inexact: one that seems to be before a joining ends that visit, once.
func TestAHistoryThatEndsBeforeAJoining(t *testing.T) {
	for _, left := range []int{21, 29, 30, 31} {
		var s Stay
		for _, joined := range []int{10, 30, 50} {
			s.Joined(provider.Participant{Session: "s", JoinedAt: at(joined)}, at(joined), app.FromWebhook)
		}
		s.Left(provider.Participant{Session: "s", LeftAt: at(20)}, at(20), app.FromWebhook)
		s.Recalled(provider.Participant{Session: "s", LeftAt: at(left)}, maxGrain)
		s.settle(&Meeting{})
		want := []Visit{{Joined: at(10), Left: at(20)}, {Joined: at(30), Left: at(max(left, 30))}}
		if !slices.Equal(s.Earlier, want) || !s.JoinedAt.Equal(at(50)) || !s.Present() {
			t.Errorf("a history until %d: %v, then since %v, present: %v", left, s.Earlier, s.JoinedAt, s.Present())
		}
	}
}

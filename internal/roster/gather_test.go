package roster

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
)

func recalled(id string, joined, left int, grain time.Duration) report {
	return report{"history of " + id, func(w *world) {
		p := provider.Participant{Session: id, Name: "N" + id, JoinedAt: at(joined)}
		if left >= 0 {
			p.LeftAt = at(left)
		}
		w.stay(id).Recalled(p, grain)
	}}
}

// Rough history fills in what is missing, gives way to what events tell whenever they come, and goes before what was
// only inferred.
func TestHistoryCountsWhereNothingBetterIsKnown(t *testing.T) {
	const rough = 15 * time.Second
	reports := []report{
		joined("a", 10), left("a", 10, 100), recalled("a", 9, 98, rough), recalled("a", 9, 97, rough),
		joined("b", 20), recalled("b", 19, 59, rough), over(300),
		recalled("c", 30, 90, rough), recalled("d", 31, 91, 0), joined("e", 40), recalled("e", 39, -1, rough),
	}
	want := map[string][2]int{"a": {10, 100}, "b": {20, 59}, "c": {30, 90}, "d": {31, 91}, "e": {40, 300}}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		w := newWorld()
		for _, i := range rng.Perm(len(reports)) {
			reports[i].tell(w)
			if rng.IntN(2) == 0 {
				reports[i].tell(w)
			}
		}
		w.settle()
		got := map[string][2]int{}
		for id, s := range w.stays {
			got[id] = [2]int{int(s.JoinedAt.Sub(t0).Seconds()), int(s.LeftAt.Sub(t0).Seconds())}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if w.m.Here != 0 || w.m.Peak != 5 {
			t.Fatalf("here %d, peak %d", w.m.Here, w.m.Peak)
		}
	}
}

func TestPresenceThatIsYoungerOutranksHistory(t *testing.T) {
	w := newWorld()
	joined("a", 0).tell(w)
	recalled("a", 0, 60, 15*time.Second).tell(w)
	w.stay("a").Seen(provider.Participant{Session: "a", JoinedAt: at(0)}, at(110))
	w.settle()
	if w.m.Here != 1 {
		t.Error("seen 50 s after history says they left, and not there")
	}
	recalled("a", 0, 130, 15*time.Second).tell(w)
	w.settle()
	if got := w.stays["a"].LeftAt; !got.Equal(at(130)) {
		t.Errorf("left at %v", got)
	}
}

// What two readings lacked closes a stay although the meeting was empty only much later.
func TestAStayThatPresenceClosedIsNotProlongedByTheEndOfTheMeeting(t *testing.T) {
	w := newWorld()
	joined("a", 0).tell(w)
	joined("b", 0).tell(w)
	for _, s := range []int{100, 110} {
		w.stay("a").Lacked(at(s), w.m.Lag)
	}
	left("b", 0, 900).tell(w)
	over(900).tell(w)
	w.settle()
	if s := w.stays["a"]; !s.LeftAt.Equal(at(100)) || s.Reason != "" {
		t.Errorf("left at %v: %s", s.LeftAt, s.Reason)
	}
}

func TestGather(t *testing.T) {
	stay := func(joined, left int) *Stay {
		s := &Stay{Stay: app.Stay{JoinedAt: app.At(at(joined))}}
		if left >= 0 {
			s.LeftAt = app.At(at(left))
		}
		return s
	}
	host := stay(50, -1)
	bot, knocker := stay(0, -1), &Stay{Stay: app.Stay{Waiting: true}}
	bot.Bot = true
	for name, c := range map[string]struct {
		stays  []*Stay
		since  int
		people int
	}{
		"no one":         {[]*Stay{stay(0, 10), bot, knocker}, -1, 0},
		"one":            {[]*Stay{stay(20, -1), bot}, 20, 1},
		"a break before": {[]*Stay{stay(0, 10), stay(20, -1)}, 20, 1},
		"a chain":        {[]*Stay{stay(40, 60), stay(0, 15), stay(10, 45), host}, 0, 1},
		"two":            {[]*Stay{stay(30, -1), host}, 30, 2},
		"at the instant": {[]*Stay{stay(0, 30), stay(30, -1)}, 0, 1},
	} {
		since, people := Gather(c.stays)
		if want := at(c.since); c.since < 0 && !since.IsZero() || c.since >= 0 && !since.Equal(want) || people != c.people {
			t.Errorf("%s: since %v, %d people", name, since, people)
		}
	}
}

func TestARecorderInTheMeetingShowsThatItIsRecorded(t *testing.T) {
	w := newWorld()
	joined("a", 0).tell(w)
	bot := provider.Participant{Session: "r", Role: provider.RoleBot, PlatformRole: "recorder", JoinedAt: at(5)}
	w.stay("r").Joined(bot, at(5), app.FromWebhook)
	w.settle()
	if w.m.Recording != app.IsRecording || !w.m.RecordingSince.Equal(at(5)) || w.m.Here != 1 {
		t.Errorf("%s since %v, here %d", w.m.Recording, w.m.RecordingSince, w.m.Here)
	}
	bot.LeftAt = at(60)
	w.stay("r").Left(bot, at(60), app.FromWebhook)
	w.settle()
	if w.m.Recording != app.NotRecording || !w.m.RecordingSince.IsZero() {
		t.Errorf("%s since %v", w.m.Recording, w.m.RecordingSince)
	}
	w.m.Recording = app.IsRecording // reported by an event: no recorder in the room does not deny it
	w.settle()
	if w.m.Recording != app.IsRecording {
		t.Error("taken back")
	}
}

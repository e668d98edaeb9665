package roster

import (
	"slices"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// present makes a stay of a participant who joined and is there.
func present(id string, s int) *Stay {
	var stay Stay
	stay.Joined(provider.Participant{Session: id, JoinedAt: at(s)}, at(s), app.FromWebhook)
	return &stay
}

// sessions are the ids of stays, in order.
func sessions(list []*Stay) []string {
	var ids []string
	for _, s := range list {
		ids = append(ids, s.Session)
	}
	slices.Sort(ids)
	return ids
}

// Settling returns the stays that look different now, and no others: each one is stored and shown again.
func TestSettlingReturnsTheStaysThatItChanged(t *testing.T) {
	m := Meeting{Meeting: app.Meeting{Status: app.Open}}
	tally := NewTally([]*Stay{present("ada", 0), present("bob", 1)})
	emptied := *present("cyd", 2)
	knocking, again := Stay{}, *present("ada", 0)
	knocking.Knocked(provider.Participant{Session: "dan"}, at(3))
	again.Left(provider.Participant{Session: "ada", LeftAt: at(5)}, at(5), app.FromWebhook)
	renamed := *present("bob", 1)
	renamed.Name = "Bob"
	for _, c := range []struct {
		name  string
		tell  func()
		wrote []Stay
		want  []string
	}{
		{"all are as they were", func() {}, nil, nil},
		{"one comes, who looks as reported", func() {}, []Stay{emptied}, nil},
		{"one waits", func() {}, []Stay{knocking}, []string{"dan"}},
		{"the same again", func() {}, []Stay{knocking}, []string{"dan"}},
		{"one left", func() {}, []Stay{again}, []string{"ada"}},
		{"another name, which is not computed", func() {}, []Stay{renamed}, nil},
		{"the meeting was empty", func() { m.Over(at(10), true) }, nil, []string{"ada", "bob", "cyd", "dan"}}, // ada's keeps that it was
		{"it was empty again", func() { m.Over(at(20), true) }, nil, nil},
	} {
		c.tell()
		var wrote []*Stay
		for _, s := range c.wrote {
			wrote = append(wrote, s.Clone())
		}
		changed, _ := tally.Settle(&m, wrote...)
		if got := sessions(changed); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// One more stay costs the same in a large meeting as in a small one: no other stay is read, until the evidence about the
// meeting changes.
func TestAStayIsSettledAlone(t *testing.T) {
	m := Meeting{Meeting: app.Meeting{Status: app.Open}}
	other := present("other", 0)
	tally := NewTally([]*Stay{other})
	tally.Settle(&m)
	other.LeftReported = at(50) // visible only if a settling reads it
	for _, s := range []*Stay{present("ada", 1), present("bob", 2)} {
		if tally.Settle(&m, s); !other.LeftAt.IsZero() {
			t.Fatalf("%s joined, and another is settled as well", s.Session)
		}
	}
	if m.Here != 3 || m.Peak != 3 {
		t.Errorf("here %d, peak %d", m.Here, m.Peak)
	}
	m.Started(at(60))
	if tally.Settle(&m); !other.LeftAt.IsZero() {
		t.Error("a beginning closes no stays")
	}
	m.Over(at(70), true)
	if tally.Settle(&m); !other.LeftAt.Equal(at(50)) || m.Here != 0 {
		t.Errorf("the meeting was empty: %+v, here %d", other, m.Here)
	}
}

// Those who have left can be forgotten: what comes later is settled without them, unless it concerns them.
func TestThoseWhoLeftAreForgotten(t *testing.T) {
	m := Meeting{Meeting: app.Meeting{Status: app.Open}}
	gone := present("gone", 0)
	gone.Left(provider.Participant{Session: "gone", LeftAt: at(5)}, at(5), app.FromWebhook)
	tally := NewTally([]*Stay{gone, present("ada", 1)})
	tally.Settle(&m)
	tally.Forget()
	if tally.Whole() || tally.Len() != 2 {
		t.Fatalf("whole: %v, %d stays", tally.Whole(), tally.Len())
	}
	for _, c := range []struct {
		session     string
		stay, known bool
	}{{"gone", false, false}, {"ada", true, true}, {"bob", false, true}} {
		if s, known := tally.Stay(c.session); (s != nil) != c.stay || known != c.known {
			t.Errorf("%s: %v, known: %v", c.session, s, known)
		}
	}
	if _, ok := tally.Settle(&m, present("bob", 2)); !ok || m.Here != 2 || m.Peak != 3 {
		t.Errorf("settled: %v, here %d, peak %d", ok, m.Here, m.Peak)
	}
	was := m
	m.Over(at(10), true)
	if _, ok := tally.Settle(&m); ok || m.Here != was.Here {
		t.Errorf("the meeting was empty: settled without all stays: %v, here %d", ok, m.Here)
	}
	m = was
	again := gone.Clone()
	again.Joined(provider.Participant{Session: "gone", JoinedAt: at(8)}, at(8), app.FromWebhook)
	if _, ok := tally.Settle(&m, again); !ok || !tally.Whole() {
		t.Errorf("one came again, and no other was forgotten: settled: %v, whole: %v", ok, tally.Whole())
	}
	if tally.Forget(); !tally.Whole() {
		t.Error("one of a meeting with earlier visits is forgotten")
	}
}

// An end that moves also moves the leaving of all whom it closed.
func TestAnEndThatMovesIsSettled(t *testing.T) {
	m := Meeting{Meeting: app.Meeting{Status: app.Open}}
	ada := present("ada", 0)
	tally := NewTally([]*Stay{ada})
	for _, s := range []int{50, 90, 70} {
		m.Revive(at(1000), at(0)) // an end that is later than now doesn't hold
		m.End(at(s), ReasonExpired, app.FromClock)
		if tally.Settle(&m); !ada.LeftAt.Equal(at(s)) || ada.Reason != provider.ReasonEnded {
			t.Errorf("ended at %d: left at %v, %s", s, ada.LeftAt, ada.Reason)
		}
	}
}

// A session that joins and leaves without end is remembered up to a bound, and as present or gone all the same.
func TestTheTimesOfAStayAreBounded(t *testing.T) {
	var s Stay
	for n := range 2 * maxTimes {
		s.Joined(provider.Participant{Session: "s", JoinedAt: at(10 * n)}, at(10*n), app.FromWebhook)
		s.Left(provider.Participant{Session: "s", LeftAt: at(10*n + 5)}, at(10*n+5), app.FromWebhook)
	}
	if len(s.Joins) != maxTimes || len(s.Lefts) != maxTimes || len(s.Earlier) != maxTimes-1 {
		t.Errorf("%d joinings, %d leavings, %d earlier visits", len(s.Joins), len(s.Lefts), len(s.Earlier))
	}
	if s.settle(&Meeting{}); s.Present() {
		t.Errorf("present: %+v", s.Stay)
	}
}

// A copy of a meeting keeps its times when the meeting gets more evidence.
func TestACopyKeepsItsMarks(t *testing.T) {
	m := Meeting{}
	for _, s := range []int{10, 20, 30} {
		m.Over(at(s), true)
	}
	m.Marks = slices.Grow(m.Marks, 5)
	was := m
	for _, s := range []int{5, 40} {
		m.Over(at(s), true)
	}
	if len(was.Marks) != 3 || !was.Marks[0].Equal(at(10)) || !was.Marks[2].Equal(at(30)) || len(m.Marks) != 5 {
		t.Errorf("the copy has %v, the meeting %v", was.Marks, m.Marks)
	}
}

package roster

import (
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Names, ids, roles and reasons are the same in whatever order they are reported.
func TestIdentityDoesNotDependOnOrder(t *testing.T) {
	reports := []provider.Participant{
		{Session: "s", Name: "Early", UserID: "u-2", PlatformRole: "visitor", JoinedAt: at(0)},
		{Session: "s", Name: "Late", UserID: "u-1", PlatformRole: "owner", Role: provider.RoleHost, JoinedAt: at(10)},
		{Session: "s", Name: "Also", PlatformRole: "member", JoinedAt: at(10)},
		{Session: "s"},
	}
	left := []provider.Participant{
		{Session: "s", LeftAt: at(20), Reason: "network"}, {Session: "s", LeftAt: at(21), Reason: "closed"}, {Session: "s", LeftAt: at(22)},
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {1, 2, 0, 3}} {
		var s Stay
		for _, i := range order {
			s.Joined(reports[i], at(5), app.FromWebhook)
			s.Left(left[i%len(left)], at(30), app.FromWebhook)
		}
		if s.Name != "Late" || s.UserID != "u-1" || s.Role != "owner" || !s.Owner || s.Bot || s.LeftWhy != "closed" || !s.LeftReported.Equal(at(20)) {
			t.Errorf("in the order %v: %+v", order, s)
		}
	}
}

// A participant whom the platform called a host or a program once stays one, and no other is.
func TestHostsAndProgramsAreThoseReportedAsSuch(t *testing.T) {
	for _, c := range []struct {
		roles      []provider.Role
		owner, bot bool
	}{
		{nil, false, false},
		{[]provider.Role{""}, false, false},
		{[]provider.Role{provider.RoleGuest}, false, false},
		{[]provider.Role{provider.RoleHost, provider.RoleGuest}, true, false},
		{[]provider.Role{"", provider.RoleHost}, true, false},
		{[]provider.Role{provider.RoleBot, ""}, false, true},
	} {
		var s Stay
		for i, role := range c.roles {
			s.Joined(provider.Participant{Session: "s", Role: role, JoinedAt: at(i)}, at(i), app.FromWebhook)
		}
		if s.Owner != c.owner || s.Bot != c.bot {
			t.Errorf("%q: owner %v, program %v", c.roles, s.Owner, s.Bot)
		}
	}
}

func TestTheFirstReportOfAParticipant(t *testing.T) {
	var s Stay
	s.Recalled(provider.Participant{Session: "s", JoinedAt: at(3)}, time.Second)
	if s.Source != app.FromPlatform || !s.Coarse {
		t.Errorf("%+v", s)
	}
	s.Seen(provider.Participant{Session: "s", JoinedAt: at(5)}, at(6))
	if s.Source != app.FromPlatform || s.Coarse || !s.JoinedAt.Equal(at(5)) {
		t.Errorf("%+v", s)
	}
	s.Recalled(provider.Participant{Session: "s", JoinedAt: at(1), LeftAt: at(9)}, time.Second)
	if !s.JoinedAt.Equal(at(5)) || !s.LeftRead.Equal(at(9)) {
		t.Errorf("a rough time replaced an exact one: %+v", s)
	}
}

// A leaving in the platform's history counts unless presence saw them later, or they joined later.
func TestHistoryClosesAStay(t *testing.T) {
	const grain = 15
	for _, c := range []struct {
		name               string
		joined, seen, read int
		closed             bool
	}{
		{"left", 0, 0, 100, true},
		{"seen just before", 0, 100, 100, true},
		{"seen within lag and grain", 0, 100 + 25 + grain, 100, true},
		{"seen later than both", 0, 100 + 25 + grain + 1, 100, false},
		{"joined within the grain after it", 100 + grain, 0, 100, true},
		{"joined later", 100 + grain + 1, 0, 100, false},
	} {
		var s Stay
		s.Joined(provider.Participant{Session: "s", JoinedAt: at(c.joined)}, at(c.joined), app.FromWebhook)
		if c.seen != 0 {
			s.Seen(provider.Participant{Session: "s", JoinedAt: at(c.joined)}, at(c.seen))
		}
		s.Recalled(provider.Participant{Session: "s", LeftAt: at(c.read)}, grain*time.Second)
		s.settle(&Meeting{Lag: 25 * time.Second})
		if s.LeftAt.IsZero() == c.closed {
			t.Errorf("%s: left at %v", c.name, s.LeftAt)
		}
	}
}

func TestALeavingWithoutAJoiningCounts(t *testing.T) {
	var s Stay
	s.Recalled(provider.Participant{Session: "s", JoinedAt: at(50)}, 15*time.Second)
	s.Left(provider.Participant{Session: "s", LeftAt: at(45)}, at(45), app.FromWebhook)
	s.settle(&Meeting{})
	if !s.LeftAt.Equal(at(50)) { // history's joining is off by up to 15 s
		t.Errorf("%+v", s)
	}
}

func TestWhenAMeetingWasEmpty(t *testing.T) {
	m := Meeting{}
	if m.EmptySince(at(0)) {
		t.Error("empty without any sign of it")
	}
	m.Over(at(10), true)
	for s, empty := range map[int]bool{9: true, 10: true, 11: false} {
		if m.EmptySince(at(s)) != empty {
			t.Errorf("with a time of emptiness at 10: since %d", s)
		}
	}
	m.End(at(20), ReasonExpired, app.FromClock)
	for s, empty := range map[int]bool{20: true, 21: false} {
		if m.EmptySince(at(s)) != empty {
			t.Errorf("with an end at 20: since %d", s)
		}
	}
	if m.Over(at(30), true); !m.EmptySince(at(30)) || m.EmptySince(at(31)) {
		t.Error("an emptiness later than the end")
	}
}

func TestMarksAreBounded(t *testing.T) {
	m := Meeting{}
	for s := range maxMarks + 3 {
		m.Over(at(s), true)
		m.Over(at(s), true)
	}
	if len(m.Marks) != maxMarks || !m.Marks[0].Equal(at(3)) {
		t.Errorf("%d from %v", len(m.Marks), m.Marks[0])
	}
}

func TestTheFirstEndCountsUnlessTheHostAskedForAnother(t *testing.T) {
	type end struct {
		at  int
		why string
	}
	for _, c := range []struct {
		ends []end
		want end
	}{
		{[]end{{10, ReasonExpired}, {20, ReasonGone}}, end{10, ReasonExpired}},
		{[]end{{10, ReasonExpired}, {20, ReasonEndedHere}}, end{20, ReasonEndedHere}},
		{[]end{{10, ReasonEndedHere}, {20, ReasonExpired}}, end{10, ReasonEndedHere}},
		{[]end{{10, ReasonEndedHere}, {20, ReasonEndedHere}}, end{10, ReasonEndedHere}},
	} {
		m := Meeting{}
		for _, e := range c.ends {
			m.End(at(e.at), e.why, app.FromHere)
		}
		if !m.EndedAt.Equal(at(c.want.at)) || m.EndReason != c.want.why {
			t.Errorf("%v: %v, %s", c.ends, m.EndedAt, m.EndReason)
		}
	}
}

func TestTheNewestEvidenceIsShown(t *testing.T) {
	m := Meeting{Meeting: app.Meeting{Status: app.Open}}
	for _, c := range []struct {
		at   int
		from app.Source
		want app.Source
	}{{10, app.FromWebhook, app.FromWebhook}, {9, app.FromPresence, app.FromWebhook}, {10, app.FromPresence, app.FromPresence}} {
		if m.Observed(at(c.at), c.from); m.StatusSource != c.want || !m.EvidenceAt.Equal(at(10)) {
			t.Errorf("%d: %s at %v", c.at, m.StatusSource, m.EvidenceAt)
		}
	}
	m.End(at(20), ReasonExpired, app.FromClock)
	if m.Observed(at(30), app.FromPresence); m.StatusSource != app.FromClock {
		t.Error("something was heard of a meeting that has ended")
	}
}

// The recording that a recorder's presence shows is as old as the recorder that came first, and over when all have gone.
func TestRecordersShowARecording(t *testing.T) {
	w := newWorld()
	bot := func(id, role string, s int) {
		w.stay(id).Joined(provider.Participant{Session: id, Role: provider.RoleBot, PlatformRole: role, JoinedAt: at(s)}, at(s), app.FromWebhook)
	}
	bot("captions", "captioner", 1)
	if w.settle(); w.m.Recording == app.IsRecording {
		t.Error("a captioner records")
	}
	bot("b", "recorder", 20)
	bot("a", "recorder", 10)
	bot("c", "recorder", 30)
	if w.settle(); w.m.Recording != app.IsRecording || !w.m.RecordingSince.Equal(at(10)) {
		t.Errorf("%s since %v", w.m.Recording, w.m.RecordingSince)
	}
	for i, id := range []string{"a", "b", "c"} {
		w.stay(id).Left(provider.Participant{Session: id, LeftAt: at(50 + i)}, at(50+i), app.FromWebhook)
		w.settle()
		if last := id == "c"; (w.m.Recording == app.IsRecording) == last {
			t.Errorf("%s after %s left", w.m.Recording, id)
		}
	}
	if w.m.Here != 0 || w.m.Peak != 0 {
		t.Error("bots were counted")
	}
}

// A beginning of which a joining is known, up to a minute before it, says nothing beyond that.
func TestABeginningWithItsJoiningSaysNothingMore(t *testing.T) {
	for joining, live := range map[int]bool{40: false, 41: false, 39: true} {
		w := newWorld()
		joined("ada", joining).tell(w)
		left("ada", joining, joining+1).tell(w)
		started(100).tell(w)
		if w.settle(); (w.m.Status == app.Live) != live {
			t.Errorf("joined at %d, left, started at 100: %s", joining, w.m.Status)
		}
	}
}

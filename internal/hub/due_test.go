package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// An open meeting's history is read when it can add to what is known: at the pace of the platform, and not more often.
func TestWhenTheHistoryOfAMeetingIsDue(t *testing.T) {
	b := newBench(t)
	now := t0.Add(24 * time.Hour)
	ago := func(d time.Duration) app.Time { return app.At(now.Add(-d)) }
	left := func(since time.Duration, reported bool) roster.Stay {
		s := roster.Stay{Stay: app.Stay{Session: "s", JoinedAt: ago(since + time.Minute), LeftAt: ago(since)}}
		if reported {
			s.LeftReported = s.LeftAt.Time
		}
		return s
	}
	there := roster.Stay{Stay: app.Stay{Session: "s", JoinedAt: ago(time.Hour)}}
	for i, c := range []struct {
		name string
		read time.Duration // how long ago it was read
		ends time.Duration // how long ago it ended; 0 for no end
		here int
		stay *roster.Stay
		want bool
	}{
		{"just read", historyLag - 1, 0, 0, ptr(left(historyLag, false)), false},
		{"empty, and read a while ago", historyIdle, 0, 0, nil, false},
		{"empty, and read long ago", historyIdle + 1, 0, 0, nil, true},
		{"with people, and read long ago", 2 * historyIdle, 0, 1, nil, false},
		{"past its end", historyEvery + 1, time.Minute, 1, nil, true},
		{"past its end, and read lately", historyEvery, time.Minute, 1, nil, false},
		{"before its end", historyEvery + 1, -time.Minute, 1, nil, false},
		{"the last one left as reported", historyLag, 0, 0, ptr(left(historyLag, true)), true},
		{"the last one left too lately to be known", historyLag, 0, 0, ptr(left(historyLag-1, true)), false},
		{"read since the last one left", historyLag, 0, 0, ptr(left(3*historyLag, true)), false},
		{"read when the last one had left just long enough", historyLag, 0, 0, ptr(left(2*historyLag, true)), true},
		{"one whose leaving was inferred", historyEvery + 1, 0, 1, ptr(left(historyEvery, false)), true},
		{"one whose leaving was inferred, and read lately", historyEvery, 0, 1, ptr(left(historyEvery, false)), false},
		{"one whose leaving was reported", historyEvery + 1, 0, 1, ptr(left(historyEvery, true)), false},
		{"one who is there", historyEvery + 1, 0, 1, &there, false},
	} {
		m := roster.Meeting{Meeting: app.Meeting{ID: fmt.Sprint("m", i), Here: c.here}, HistoryRead: now.Add(-c.read)}
		if c.ends != 0 {
			m.EndsAt = ago(c.ends)
		}
		if err := b.store.Update(t.Context(), func(tx *store.Tx) error {
			if c.stay != nil {
				if err := errors.Join(tx.PutMeeting(m), tx.PutStay(m.ID, *c.stay)); err != nil {
					return err
				}
			}
			got, err := recallDue(tx, m, now)
			if got != c.want {
				t.Errorf("%s: %t", c.name, got)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// reciter is a platform whose history the test sets.
type reciter struct {
	*platform
	fails error
	asked int
}

func (r *reciter) History(context.Context, provider.Meeting, time.Time) ([]provider.Participant, error) {
	r.asked++
	return nil, r.fails
}

func reciting(t *testing.T) (*bench, *reciter, *historian) {
	b := newBench(t)
	b.close()
	p := &reciter{platform: b.platform}
	b.accounts[0].Provider = p
	b.open()
	r, _ := newHistorian(b.Hub, b.order[0])
	return b, p, r
}

// After a time without a listener everything that is open is read again, and what ended meanwhile.
func TestAHistorianNoticesGaps(t *testing.T) {
	b, p, r := reciting(t)
	b.room("r")
	b.room("other")
	m, over := b.start("r"), b.start("other")
	turn := func(after time.Duration, r *historian) int {
		t.Helper()
		b.clock.Advance(after)
		before := p.asked
		r.turn(t.Context())
		return p.asked - before
	}
	if n := turn(0, r); n != 1 {
		t.Errorf("the first turn reads %d", n)
	}
	if n := turn(historySpacing, r); n != 1 { // the other one
		t.Errorf("the second turn reads %d", n)
	}
	for range 5 {
		if n := turn(gap, r); n != 0 || !r.gapEnd.Equal(t0) {
			t.Fatalf("after just %s it reads %d; the last gap ended at %v", gap, n, r.gapEnd)
		}
	}
	b.end(over.ID)
	if n := turn(gap+1, r); n != 1 || !r.gapEnd.Equal(b.clock.Now()) || !r.ended[over.ID] {
		t.Errorf("after a gap it reads %d; what ended is %v", n, r.ended)
	}
	// Another process knows when this one listened last.
	r.turn(t.Context())
	next, _ := newHistorian(b.Hub, b.order[0])
	if n := turn(gap/2, next); n != 0 || !next.asleep.IsZero() {
		t.Errorf("the next process reads %d after a moment", n)
	}
	third, _ := newHistorian(b.Hub, b.order[0])
	if n := turn(2*gap, third); n != 1 || third.asleep.Before(t0) {
		t.Errorf("a process reads %d after a while; it slept since %v", n, third.asleep)
	}
	// A tunnel that was away is a gap, too.
	b.readAgain()
	if n := turn(historySpacing, third); n != 1 || !third.gapEnd.Equal(b.clock.Now()) {
		t.Errorf("after the tunnel was away it reads %d", n)
	}
	_ = m
}

// A history that can't be read is tried again soon, unless the account has none.
func TestWhenAHistoryThatFailsIsReadAgain(t *testing.T) {
	for kind, want := range map[provider.Kind]time.Duration{
		provider.Unavailable: 30 * time.Second, provider.Forbidden: historyIdle, provider.Unsupported: historyIdle, provider.NotFound: historyIdle,
	} {
		b, p, r := reciting(t)
		b.room("r")
		b.start("r")
		p.fails = &provider.Error{Kind: kind, Platform: provider.Daily, Op: "read the history"}
		r.turn(t.Context())
		if got := r.next.Sub(b.clock.Now()); got != want || p.asked != 1 {
			t.Errorf("%v: again in %s", kind, got)
		}
		if s, err := b.Status(t.Context(), app.StatusQuery{}); err != nil || len(s.Pollers) != 1 || s.Pollers[0].Error == "" {
			t.Errorf("%v: %+v, %v", kind, s.Pollers, err)
		}
	}
}

// Recordings are listed often while one is expected, and seldom otherwise.
func TestWhenRecordingsAreListed(t *testing.T) {
	b := newBench(t)
	b.close()
	a := &archive{platform: b.platform, size: 10}
	b.accounts[0].Provider = a
	b.open()
	p, ok := newRecordingPoller(b.Hub, b.order[0])
	if !ok {
		t.Fatal("it lists nothing")
	}
	p.older = time.Time{}
	lists := func(after time.Duration) int {
		t.Helper()
		b.clock.Advance(after)
		p.older = time.Time{}
		before := a.calls
		p.turn(t.Context())
		return a.calls - before
	}
	for i, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {listEvery - 1, 0}, {1, 1}, {listSoon, 0}} {
		if got := lists(c.after); got != c.want {
			t.Errorf("%d: after %s it lists %d times", i, c.after, got)
		}
	}
	b.listed("daily", provider.Recording{ID: "r", Status: "processing", Kind: "cloud", StartedAt: b.clock.Now()})
	for i, c := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {listSoon - 1, 0}, {1, 1}} {
		if got := lists(c.after); got != c.want {
			t.Errorf("%d, one is expected: after %s it lists %d times", i, c.after, got)
		}
	}
}

// A recording is expected while one starts or changes, shortly after one stopped, and in meetings whose webhooks are missing.
func TestWhichRecordingsAreExpected(t *testing.T) {
	cloud := func(m *roster.Meeting) { m.Record = provider.RecordingCloud }
	is := func(s app.RecordingState) func(*roster.Meeting) { return func(m *roster.Meeting) { m.Recording = s } }
	all := func(fs ...func(*roster.Meeting)) func(*roster.Meeting) {
		return func(m *roster.Meeting) {
			for _, f := range fs {
				f(m)
			}
		}
	}
	adopted := func(m *roster.Meeting) { m.Adopted = true }
	for _, c := range []struct {
		name   string
		live   bool
		change func(*roster.Meeting)
		hooks  bool // webhooks arrive
		want   bool
	}{
		{"open", false, cloud, false, false}, {"live", true, all(), false, false}, {"live, to the cloud", true, cloud, false, true}, {"live, adopted", true, adopted, false, true},
		{"live, to the cloud, with webhooks", true, cloud, true, false}, {"starting", false, is(app.StartingRecording), true, true}, {"recording", true, is(app.IsRecording), true, false},
	} {
		b := newBench(t)
		b.close()
		a := &archive{platform: b.platform, size: 10}
		b.accounts[0].Provider = a
		b.open()
		b.room("r")
		m := b.start("r")
		if c.live {
			b.event(join(m.PlatformRoom, "ada", t0))
		}
		if err := b.changeMeeting(t.Context(), m.ID, func(_ *store.Tx, m *roster.Meeting) error { m.Record = provider.RecordingNone; c.change(m); return nil }); err != nil {
			t.Fatal(err)
		}
		of := b.order[0]
		if of.eventAt = app.At(b.clock.Now().Add(-recently)); c.hooks {
			of.eventAt = app.At(b.clock.Now().Add(1 - recently))
		}
		p, _ := newRecordingPoller(b.Hub, b.order[0])
		if got, err := p.expected(t.Context(), b.clock.Now()); err != nil || got != c.want {
			t.Errorf("%s: %t, %v", c.name, got, err)
		}
		if c.name != "recording" {
			continue
		}
		// When it stops, its recording is looked for a while.
		if err := b.changeMeeting(t.Context(), m.ID, func(_ *store.Tx, m *roster.Meeting) error { m.Recording = app.NotRecording; return nil }); err != nil {
			t.Fatal(err)
		}
		for after, want := range map[time.Duration]bool{0: true, expectFor - 1: true, expectFor: false} {
			p.recording = map[string]bool{}
			if after == 0 {
				p.recording[m.ID] = true
			} else {
				p.ended = b.clock.Now()
			}
			if got, err := p.expected(t.Context(), b.clock.Now().Add(after)); err != nil || got != want {
				t.Errorf("%s after it stopped: %t, %v", after, got, err)
			}
		}
	}
}

// shown is a platform that answers look-ups with more than an event has.
type shown struct {
	*platform
	found provider.Meeting
}

func (s *shown) Lookup(context.Context, provider.Meeting) (provider.Meeting, error) {
	return s.found, s.lookup
}

// A meeting known from events gets its link, its id and its end from the platform, once.
func TestAMeetingKnownFromEventsIsCompleted(t *testing.T) {
	b := newBench(t)
	b.close()
	p := &shown{platform: b.platform, found: provider.Meeting{ID: "id-1", Room: "office", GuestURL: "https://x.example/office", Until: t0.Add(9 * time.Hour)}}
	b.accounts[0].Provider = p
	b.open()
	b.event(join("office", "ada", t0))
	w := newEndWatcher(b.Hub, b.order[0])
	w.turn(t.Context())
	b.clock.Advance(lookAgain)
	w.turn(t.Context())
	d := b.meeting("office")
	if d.GuestURL != p.found.GuestURL || d.PlatformID != "id-1" || !d.EndsAt.Equal(p.found.Until) {
		t.Errorf("%+v", d.Meeting)
	}
	commits := b.store.Commits()
	b.clock.Advance(lookEvery)
	if w.turn(t.Context()); b.store.Commits() != commits {
		t.Error("it is written again")
	}
	// Gone twice in a row while someone is in it: it stays.
	p.lookup = &provider.Error{Kind: provider.NotFound, Platform: provider.Daily}
	for range 3 {
		b.clock.Advance(lookEvery)
		w.turn(t.Context())
	}
	if d := b.meeting("office"); d.Status != app.Live {
		t.Errorf("%s", d.Status)
	}
	b.event(leave("office", "ada", t0, b.clock.Now()))
	b.clock.Advance(lookEvery)
	if w.turn(t.Context()); b.meeting("office").Status == app.Ended {
		t.Error("one look ended it")
	}
	b.clock.Advance(lookAgain)
	if w.turn(t.Context()); b.meeting("office").Status != app.Ended {
		t.Error("two looks didn't end it")
	}
}

// The end of a meeting is moved within its last hour, and neither before that nor when it is over.
func TestWhenAnEndIsMoved(t *testing.T) {
	for left, want := range map[time.Duration]int{prolongWithin: 0, prolongWithin - 1: 1, 1: 1, 0: 0} {
		b, p, w := extendingBench(t)
		m := b.startFor("design", 2*time.Hour)
		b.event(join(m.PlatformRoom, "ada", t0))
		b.clock.Advance(m.EndsAt.Sub(b.clock.Now()) - left)
		d := b.meeting(m.ID)
		if w.prolong(t.Context(), d.Meeting, &endState{}); len(p.moved) != want {
			t.Errorf("with %s left it is moved %d times", left, len(p.moved))
		}
	}
	// An end that was moved on the platform is taken over, unless the room is ours for good.
	b := newBench(t)
	b.close()
	p := &shown{platform: b.platform, found: provider.Meeting{Until: t0.Add(5 * time.Hour)}}
	b.accounts[0].Provider = p
	b.open()
	m := b.startFor("design", time.Hour)
	p.lookup = &provider.Error{Kind: provider.Unavailable, Platform: provider.Daily}
	w := newEndWatcher(b.Hub, b.order[0])
	b.clock.Advance(time.Hour + time.Second)
	w.turn(t.Context())
	if d := b.meeting(m.ID); !d.EndsAt.Equal(m.EndsAt.Time) {
		t.Errorf("it ends at %v although the platform could not be asked", d.EndsAt)
	}
	p.lookup = nil
	b.clock.Advance(lookAgain)
	w.turn(t.Context())
	if d := b.meeting(m.ID); d.Status == app.Ended || !d.EndsAt.Equal(p.found.Until) || !d.BookedUntil.Equal(m.EndsAt.Time) {
		t.Errorf("%s, it ends at %v", d.Status, d.EndsAt)
	}
}

// What an event changes is reported as an activity, once, with a name for its person.
func TestWhatIsReportedAsActivity(t *testing.T) {
	b := newBench(t)
	b.room("r")
	m := b.start("r")
	activities := func(e provider.Event) (out []string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		changes, err := b.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.event(e)
		b.bus.publish([]app.Change{{Kind: app.RoomChange}})
		for c := range changes {
			if c.Kind == app.RoomChange {
				return out
			}
			if c.Activity != nil {
				out = append(out, string(c.Activity.Kind)+" "+c.Activity.Who)
			}
		}
		return out
	}
	nameless := join(m.PlatformRoom, "cy", t0)
	nameless.Participant.Name = ""
	again := join(m.PlatformRoom, "ada", t0)
	again.ID = "again"
	started := provider.Event{Kind: provider.KindMeetingStarted, ID: "s", At: t0, Room: m.PlatformRoom}
	ended := provider.Event{Kind: provider.KindMeetingEnded, ID: "e", At: t0.Add(time.Hour), Room: m.PlatformRoom}
	stopped := knock(m.PlatformRoom, "Bo")
	stopped.Kind, stopped.ID, stopped.At = provider.KindParticipantWaitingLeft, "left the queue", t0.Add(2*time.Second)
	for _, c := range []struct {
		event provider.Event
		want  string
	}{
		{started, "meeting.started "}, {join(m.PlatformRoom, "ada", t0), "participant.joined Name ada"}, {again, ""}, {nameless, "participant.joined cy"},
		{knock(m.PlatformRoom, "Bo"), "participant.waiting Bo"}, {stopped, "participant.waiting_left Bo"},
		{leave(m.PlatformRoom, "ada", t0, t0.Add(time.Minute)), "participant.left Name ada"}, {ended, "meeting.ended "},
	} {
		if got := strings.Join(activities(c.event), ", "); got != c.want {
			t.Errorf("%s: %q, not %q", c.event.ID, got, c.want)
		}
	}
}

// An error about a name that fits many meetings lists a few of them, and says that there are more.
func TestAnErrorListsAFewOfTheMeetingsThatFit(t *testing.T) {
	b := newBench(t)
	put := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			m := roster.Meeting{Meeting: app.Meeting{ID: id, RoomID: id, Room: "r", Account: "daily", PlatformRoom: id, Status: app.Ended}}
			if err := b.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutMeeting(m) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask := func() string {
		_, err := b.Meeting(t.Context(), app.MeetingRef{Ref: "abcd"})
		if !errors.Is(err, provider.Invalid) {
			t.Errorf("%v", err)
		}
		return err.Error()
	}
	put("abcd1", "abcd2", "abcd3")
	if got := ask(); !strings.Contains(got, "abcd3") || strings.Contains(got, "and more") {
		t.Errorf("three: %s", got)
	}
	put("abcd4", "abcd5")
	if got := ask(); !strings.Contains(got, "abcd3") || strings.Contains(got, "abcd4") || !strings.Contains(got, "and more") {
		t.Errorf("five: %s", got)
	}
}

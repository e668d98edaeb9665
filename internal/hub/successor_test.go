package hub

import (
	"context"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

func leave(room, id string, joined, at time.Time) provider.Event {
	p := person(id, joined)
	p.LeftAt = at
	return provider.Event{Kind: provider.KindParticipantLeft, ID: "l-" + id, At: at, Room: room, Participant: p}
}

// twoInOneRoom ends a first meeting in a platform room found there, and begins a second one an hour later with Bob.
func twoInOneRoom(b *bench) (first, second app.MeetingDetail) {
	b.t.Helper()
	b.event(join("office", "ada", t0))
	first = b.meeting("office")
	b.clock.Advance(time.Hour)
	b.end(first.ID)
	b.clock.Advance(time.Hour)
	b.event(join("office", "bob", b.clock.Now()))
	second = b.meeting("office")
	if second.ID == first.ID || second.Here != 1 {
		b.t.Fatalf("no second meeting: %+v", second)
	}
	return first, second
}

func (b *bench) end(ref string) app.Meeting {
	b.t.Helper()
	m, err := b.EndMeeting(context.Background(), app.MeetingRef{Ref: ref})
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bench) meetings() []app.Meeting {
	b.t.Helper()
	all, err := b.Meetings(context.Background(), app.MeetingQuery{})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func sessions(d app.MeetingDetail) (out []string) {
	for _, p := range d.Participants {
		out = append(out, p.Session)
	}
	return out
}

func TestAFormerMeetingNeverTakesThePlatformRoomBack(t *testing.T) {
	for name, touch := range map[string]func(b *bench, first app.MeetingDetail){
		"an answer about recording": func(b *bench, first app.MeetingDetail) {
			if _, err := b.Consent(t.Context(), app.ConsentAnswer{Meeting: first.ID, Given: true}); err != nil {
				t.Fatal(err)
			}
		},
		"its recording is ready": func(b *bench, _ app.MeetingDetail) {
			b.event(provider.Event{Kind: provider.KindRecordingReady, ID: "rr", At: b.clock.Now(), Room: "office",
				Recording: &provider.RecordingEvent{ID: "rec", Kind: "cloud", StartedAt: t0.Add(time.Minute), Duration: time.Minute}})
		},
		"a leaving comes late": func(b *bench, _ app.MeetingDetail) {
			b.event(leave("office", "ada", t0, t0.Add(time.Minute)))
		},
		"a joining comes late": func(b *bench, _ app.MeetingDetail) { b.event(join("office", "eve", t0.Add(time.Second))) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			first, second := twoInOneRoom(b)
			touch(b, first)
			if now := b.meeting("office"); now.ID != second.ID {
				t.Errorf("the room means the meeting that ended at %v again", now.EndedAt)
			}
			b.clock.Advance(time.Minute)
			b.event(leave("office", "bob", t0.Add(2*time.Hour), b.clock.Now()))
			b.event(join("office", "cyd", b.clock.Now()))
			d1, d2 := b.meeting(first.ID), b.meeting(second.ID)
			if d2.Here != 1 || len(d2.Participants) != 2 {
				t.Errorf("Bob left and Cyd came; in the second meeting are %+v", d2.Participants)
			}
			for _, s := range sessions(d1) {
				if s == "bob" || s == "cyd" {
					t.Errorf("%s is in the first meeting, which had ended an hour before", s)
				}
			}
			if all := b.meetings(); len(all) != 2 {
				t.Errorf("%d meetings", len(all))
			}
		})
	}
}

// Whatever order the events of two meetings in one room come in, each goes to its own.
func TestEventsGoToTheMeetingOfTheirTime(t *testing.T) {
	bobs := t0.Add(2 * time.Hour)
	for name, events := range map[string][]provider.Event{
		"the joining first": {join("office", "bob", bobs), leave("office", "bob", bobs, bobs.Add(time.Minute))},
		"the leaving first": {leave("office", "bob", bobs, bobs.Add(time.Minute)), join("office", "bob", bobs)},
		"the end first": {
			{Kind: provider.KindMeetingEnded, ID: "e", At: bobs.Add(time.Minute), Room: "office", Emptied: true},
			join("office", "bob", bobs),
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.event(join("office", "ada", t0))
			first := b.meeting("office")
			b.clock.Advance(time.Hour)
			b.end(first.ID)
			b.clock.Advance(2 * time.Hour)
			for _, e := range events {
				b.event(e)
			}
			d := b.meeting("office")
			if d.ID == first.ID || d.Here != 0 || len(d.Participants) != 1 || !d.Participants[0].LeftAt.Equal(bobs.Add(time.Minute)) {
				t.Errorf("the second meeting: %+v", d)
			}
			if !d.StartsAt.Equal(bobs) {
				t.Errorf("it starts at %v", d.StartsAt)
			}
			if got := sessions(b.meeting(first.ID)); len(got) != 1 {
				t.Errorf("in the first meeting: %v", got)
			}
		})
	}
}

// A recording belongs to the meeting in which it began, even where the next one began nearer to it.
func TestARecordingBelongsToTheMeetingOfItsBeginning(t *testing.T) {
	b := newBench(t)
	b.event(join("office", "ada", t0))
	first := b.meeting("office")
	b.clock.Advance(time.Hour)
	b.end(first.ID)
	b.event(join("office", "bob", t0.Add(70*time.Minute)))
	second := b.meeting("office")
	for id, c := range map[string]struct {
		start time.Time
		of    string
	}{
		"early": {t0.Add(50 * time.Minute), first.ID}, "late": {t0.Add(75 * time.Minute), second.ID},
	} {
		b.event(provider.Event{Kind: provider.KindRecordingReady, ID: "ready-" + id, At: t0.Add(80 * time.Minute), Room: "office",
			Recording: &provider.RecordingEvent{ID: id, Kind: "cloud", StartedAt: c.start, Duration: time.Minute}})
		if err := b.observeRecordings(t.Context(), b.order[0], []provider.Recording{
			{ID: "list-" + id, Room: "office", Status: "ready", StartedAt: c.start, Duration: time.Minute},
		}, nil); err != nil {
			t.Fatal(err)
		}
		all, err := b.Recordings(t.Context(), app.RecordingQuery{Meeting: c.of})
		if err != nil || len(all) != 2 {
			t.Errorf("%s: %d recordings of the meeting in which they began, %v", id, len(all), err)
		}
	}
}

// A recording that began after the end of the last known meeting is not that one's.
func TestARecordingOfAMeetingThatIsNotKnownWaitsForIt(t *testing.T) {
	b := newBench(t)
	b.event(join("office", "ada", t0))
	first := b.meeting("office")
	b.clock.Advance(time.Hour)
	b.end(first.ID)
	start := t0.Add(2 * time.Hour)
	b.event(provider.Event{Kind: provider.KindRecordingReady, ID: "rr", At: start.Add(time.Hour), Room: "office",
		Recording: &provider.RecordingEvent{ID: "rec", Kind: "cloud", StartedAt: start, Duration: time.Minute}})
	list := []provider.Recording{{ID: "rec", Room: "office", Status: "ready", StartedAt: start, Duration: time.Minute}}
	for _, c := range []struct {
		know func()
		want int
	}{{func() {}, 0}, {func() { b.event(join("office", "bob", start)) }, 1}} {
		c.know()
		if err := b.observeRecordings(t.Context(), b.order[0], list, nil); err != nil {
			t.Fatal(err)
		}
		all, err := b.Recordings(t.Context(), app.RecordingQuery{Meeting: "office"})
		if err != nil || len(all) != c.want {
			t.Errorf("%d recordings, %v; %d wanted", len(all), err, c.want)
		}
	}
	if all, err := b.Recordings(t.Context(), app.RecordingQuery{Meeting: first.ID}); err != nil || len(all) != 0 {
		t.Errorf("the ended meeting has %d recordings, %v", len(all), err)
	}
}

// historyOf is a platform that remembers, as Daily does: all sessions that began at or after a time.
type historyOf struct {
	*platform
	people []provider.Participant
}

func (h *historyOf) History(_ context.Context, _ provider.Meeting, since time.Time) (out []provider.Participant, _ error) {
	for _, p := range h.people {
		if !p.JoinedAt.Before(since) {
			out = append(out, p)
		}
	}
	return out, nil
}

func TestHistoryOfAFormerMeetingLeavesOthersAlone(t *testing.T) {
	b := newBench(t)
	b.close()
	past := &historyOf{platform: b.platform}
	b.accounts[0].Provider = past
	b.open()
	r, ok := newHistorian(b.Hub, b.order[0])
	if !ok {
		t.Fatal("no historian")
	}
	r.turn(t.Context())
	b.event(join("office", "ada", t0))
	first := b.meeting("office")
	r.turn(t.Context())
	b.clock.Advance(10 * time.Minute)
	b.end(first.ID)
	r.turn(t.Context())
	b.clock.Advance(70 * time.Second)
	came := b.clock.Now()
	b.event(join("office", "bob", came))
	b.event(join("office", "cyd", came))
	second := b.meeting("office")
	b.clock.Advance(5 * time.Second)
	gone := leave("office", "bob", came, b.clock.Now())
	b.event(gone)
	past.people = []provider.Participant{
		{Session: "ada", Name: "Name ada", JoinedAt: t0, LeftAt: t0.Add(10 * time.Minute)}, *gone.Participant,
		{Session: "unheard", JoinedAt: t0.Add(time.Minute), LeftAt: t0.Add(2 * time.Minute)},
	}
	for range 120 {
		b.clock.Advance(5 * time.Second)
		r.turn(t.Context())
	}
	if got := sessions(b.meeting(first.ID)); len(got) != 2 {
		t.Errorf("in the first meeting: %v; Ada and a session without a webhook were", got)
	}
	if got := sessions(b.meeting(second.ID)); len(got) != 2 {
		t.Errorf("in the second meeting: %v; Bob and Cyd were", got)
	}
	b.event(join("office", "dan", b.clock.Now()))
	if all := b.meetings(); len(all) != 2 || b.meeting(second.ID).Here != 2 {
		t.Errorf("%d meetings, %d here", len(all), b.meeting(second.ID).Here)
	}
}

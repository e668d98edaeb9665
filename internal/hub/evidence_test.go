package hub

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/provider"
)

// empty lets time pass in which presence readings list no one.
func (b *bench) empty(meeting string, every time.Duration, readings int) {
	b.t.Helper()
	for range readings {
		b.clock.Advance(every)
		if err := b.Observe(b.t.Context(), meeting, Reading{Begun: b.clock.Now()}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// A clock that is ahead keeps no participant present, whether the platform's, the relay's, or this machine's of a moment ago.
func TestNoEvidenceFromTheFutureKeepsAParticipantPresent(t *testing.T) {
	year := 365 * 24 * time.Hour
	for name, tell := range map[string]func(b *bench, room, id string){
		"the platform's": func(b *bench, room, _ string) { b.eventNow(join(room, "ada", t0.Add(year))) },
		"the relay's": func(b *bench, room, _ string) {
			raw, err := json.Marshal(join(room, "ada", t0))
			if err != nil {
				b.t.Fatal(err)
			}
			if _, err := b.Ingest(t.Context(), app.Inbound{
				Account: "daily", Method: "POST", Target: "/hooks/daily", ReceivedAt: t0.Add(30 * time.Minute), Body: raw,
				Header: http.Header{"X-Sig": {"good"}}, Position: &cursor.Position{Hook: "h", Epoch: 1, Seq: 1},
			}); err != nil {
				b.t.Fatal(err)
			}
		},
		"presence's": func(b *bench, _, id string) {
			if err := b.Observe(t.Context(), id, Reading{
				Begun: t0.Add(year), Here: []provider.Participant{*person("ada", t0.Add(year))},
			}); err != nil {
				b.t.Fatal(err)
			}
		},
		"ours, at an event": func(b *bench, room, _ string) {
			b.clock.Advance(year)
			b.eventNow(join(room, "ada", b.clock.Now()))
			b.clock.Advance(-year)
		},
		"ours, at a reading": func(b *bench, room, id string) {
			b.eventNow(join(room, "ada", t0))
			b.clock.Advance(year)
			for range 2 {
				if err := b.Observe(t.Context(), id, Reading{Begun: b.clock.Now(), Here: []provider.Participant{*person("ada", t0)}}); err != nil {
					b.t.Fatal(err)
				}
			}
			b.clock.Advance(-year)
		},
		"ours, at the meeting's beginning": func(b *bench, room, _ string) {
			b.clock.Advance(year)
			b.eventNow(provider.Event{Kind: provider.KindMeetingStarted, ID: "s", At: b.clock.Now(), Room: room})
			b.clock.Advance(-year)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.room("design")
			m := b.start("design")
			tell(b, m.PlatformRoom, m.ID)
			b.empty(m.ID, 30*time.Second, 4)
			if d := b.meeting("design"); d.Here != 0 || d.Status != app.Open {
				t.Errorf("%s, %d here after four empty readings: %+v", d.Status, d.Here, d.Participants)
			}
		})
	}
}

// Both readings that close a stay begin later than the lag after its last evidence.
func TestAReadingFromBeforeTheLastEvidenceDoesNotCount(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	b.event(join(m.PlatformRoom, "ada", t0))
	b.empty(m.ID, time.Minute, 1)
	b.clock.Advance(10 * time.Second)
	again := join(m.PlatformRoom, "ada", t0)
	again.ID = "another id for the same"
	b.event(again)
	b.empty(m.ID, 26*time.Second, 1)
	if d := b.meeting("design"); d.Here != 1 {
		t.Errorf("closed at %v by one reading after the last evidence", d.Participants[0].LeftAt)
	}
	b.empty(m.ID, 10*time.Second, 1)
	if d := b.meeting("design"); d.Here != 0 {
		t.Error("two readings close nothing")
	}
}

// The same for a meeting of which only the beginning was reported.
func TestAReadingFromBeforeTheBeginningDoesNotCount(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	started := func(id string) {
		b.event(provider.Event{Kind: provider.KindMeetingStarted, ID: id, At: b.clock.Now(), Room: m.PlatformRoom})
	}
	started("one")
	b.empty(m.ID, time.Minute, 1)
	if err := b.Observe(t.Context(), m.ID, Reading{Begun: b.clock.Now().Add(0), Here: []provider.Participant{*person("ada", t0)}}); err != nil {
		t.Fatal(err)
	}
	started("two")
	b.empty(m.ID, 26*time.Second, 1)
	if d := b.meeting("design"); d.Status != app.Live {
		t.Errorf("%s after one reading", d.Status)
	}
	b.empty(m.ID, 30*time.Second, 2)
	if d := b.meeting("design"); d.Status != app.Open {
		t.Errorf("%s after three", d.Status)
	}
}

func TestAnAdoptedMeetingDoesNotDependOnTheOrderOfEvents(t *testing.T) {
	var want string
	for i, order := range [][]provider.Event{
		{join("office", "ada", t0), leave("office", "ada", t0, t0.Add(30*time.Minute))},
		{leave("office", "ada", t0, t0.Add(30*time.Minute)), join("office", "ada", t0)},
	} {
		b := newBench(t)
		b.clock.Advance(time.Hour)
		for _, e := range order {
			b.event(e)
		}
		d := b.meeting("office")
		d.ID, d.RoomID, d.Participants[0].Source = "", "", ""
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = string(raw)
		} else if want != string(raw) {
			t.Errorf("order matters:\n%s\n%s", want, raw)
		}
		b.close()
	}
}

func TestTheReasonForNoRecordingDoesNotDependOnOrder(t *testing.T) {
	recording := func(kind provider.EventKind, id string, minutes int, why string) provider.Event {
		at := t0.Add(time.Duration(minutes) * time.Minute)
		return provider.Event{Kind: kind, ID: string(kind) + id, At: at, Recording: &provider.RecordingEvent{ID: id, Error: why, StartedAt: at}}
	}
	for _, c := range []struct {
		name   string
		events []provider.Event
		want   string
	}{
		{"one failed, another runs since", []provider.Event{
			recording(provider.KindRecordingStarted, "r1", 0, ""), recording(provider.KindRecordingFailed, "r1", 0, "broken"),
			recording(provider.KindRecordingStarted, "r2", 60, ""),
		}, ""},
		{"the last one failed", []provider.Event{
			recording(provider.KindRecordingReady, "r1", 0, ""), recording(provider.KindRecordingStarted, "r2", 60, ""),
			recording(provider.KindRecordingFailed, "r2", 60, "broken"),
		}, "broken"},
		{"it failed twice", []provider.Event{
			recording(provider.KindRecordingFailed, "r1", 0, "a"), {Kind: provider.KindRecordingFailed, ID: "again", At: t0,
				Recording: &provider.RecordingEvent{ID: "r1", Error: "b", StartedAt: t0}},
			recording(provider.KindRecordingStarted, "r1", 0, ""),
		}, "a"},
	} {
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			b := newBench(t)
			b.room("design")
			m := b.start("design")
			b.clock.Advance(2 * time.Hour)
			for _, i := range order {
				e := c.events[i]
				e.Room = m.PlatformRoom
				b.event(e)
			}
			if d := b.meeting("design"); d.RecordingError != c.want {
				t.Errorf("%s, in the order %v: %q", c.name, order, d.RecordingError)
			}
			b.close()
		}
	}
}

// The recordings that a person started before their joining was reported are all found, however they become known.
func TestAllRecordingsOfOneStarterAreFound(t *testing.T) {
	for name, know := range map[string]func(*bench, app.StartedMeeting){
		"by their joining": func(b *bench, m app.StartedMeeting) { b.event(join(m.PlatformRoom, "ada", t0)) },
		"by their leaving": func(b *bench, m app.StartedMeeting) {
			b.event(leave(m.PlatformRoom, "ada", t0, t0.Add(time.Hour)))
		},
		"by presence": func(b *bench, m app.StartedMeeting) {
			if err := b.Observe(t.Context(), m.ID, Reading{Begun: b.clock.Now(), Here: []provider.Participant{*person("ada", t0)}}); err != nil {
				t.Fatal(err)
			}
		},
		"when the meeting is over": func(b *bench, m app.StartedMeeting) {
			b.event(join(m.PlatformRoom, "ada", t0))
			b.end(m.ID)
		},
	} {
		for _, first := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				b := newBench(t)
				b.room("design")
				m := b.start("design")
				if first {
					know(b, m)
				}
				for _, id := range []string{"cloud-rec", "tracks-rec", "cloud-rec"} {
					b.event(provider.Event{Kind: provider.KindRecordingStarted, ID: "s-" + id, At: t0.Add(time.Minute),
						Recording: &provider.RecordingEvent{ID: id, StartedBy: "ada", StartedAt: t0.Add(time.Minute)}})
				}
				if !first {
					know(b, m)
				}
				all, err := b.Recordings(t.Context(), app.RecordingQuery{Meeting: m.ID})
				if err != nil || len(all) != 2 {
					t.Errorf("%d of the meeting, %v", len(all), err)
				}
			})
		}
	}
}

// A session that joins again after it has left is back, and both times are listed.
func TestASessionThatJoinsAgainIsBack(t *testing.T) {
	b := newBench(t)
	b.room("design")
	m := b.start("design")
	again := join(m.PlatformRoom, "ada", t0.Add(10*time.Minute))
	again.ID = "again"
	for _, e := range []provider.Event{again, join(m.PlatformRoom, "ada", t0), leave(m.PlatformRoom, "ada", t0, t0.Add(time.Minute))} {
		b.event(e)
	}
	d := b.meeting("design")
	if d.Here != 1 || d.Peak != 1 || len(d.Participants) != 2 || !d.Participants[0].JoinedAt.Equal(t0.Add(10*time.Minute)) ||
		!d.Participants[1].LeftAt.Equal(t0.Add(time.Minute)) || !d.Participants[1].JoinedAt.Equal(t0) {
		t.Errorf("%d here: %+v", d.Here, d.Participants)
	}
}

func TestIDsSortInTheOrderOfTheirMaking(t *testing.T) {
	b := newBench(t)
	last := ""
	for i := range 200 {
		if i == 100 {
			b.clock.Advance(-time.Hour)
		}
		id := b.newID()
		if id <= last {
			t.Fatalf("%s follows %s", id, last)
		}
		last = id
	}
}

// What a clock that is ahead claims is shown as of now at the latest.
func TestNothingIsShownFromTheFuture(t *testing.T) {
	b := newBench(t)
	soon := t0.Add(20 * time.Second) // too little to be recognised as a wrong clock later
	b.eventNow(join("office", "ada", soon))
	b.eventNow(leave("office", "ada", soon, soon.Add(time.Second)))
	b.eventNow(provider.Event{Kind: provider.KindRecordingStarted, ID: "r", At: soon, Room: "office",
		Recording: &provider.RecordingEvent{ID: "rec", StartedAt: soon}})
	d := b.meeting("office")
	p := d.Participants[0]
	for what, at := range map[string]app.Time{
		"starts_at": d.StartsAt, "started_at": d.StartedAt, "joined_at": p.JoinedAt, "left_at": p.LeftAt, "recording_since": d.RecordingSince,
		"evidence_at": d.EvidenceAt,
	} {
		if at.After(t0) || at.IsZero() {
			t.Errorf("%s is %v", what, at)
		}
	}
}

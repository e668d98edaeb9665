package hub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "greenroom/internal/cases"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// visitOf is the true visit of one participant. A zero left is a participant who stays.
type visitOf struct {
	session      string
	joined, left time.Time
}

// gatheringOf is the truth between two ends of one platform room.
type gatheringOf struct {
	visits   []visitOf
	emptied  time.Time // the platform's "meeting ended", zero for none
	recorded time.Time // a recording's beginning, zero for none
	end      time.Time // ended from here, zero for the last one
}

// story is the truth, by platform room.
type story map[string][]gatheringOf

// tell draws what happens in a room: gatherings one after the other, each with people who come and go.
func tell(t *rapid.T, rooms int) story {
	out := story{}
	for r := range rooms {
		room, now := fmt.Sprintf("room-%d", r), t0
		after := func(what string) time.Time {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, what)) * time.Second)
			return now
		}
		n := rapid.IntRange(1, 3).Draw(t, "gatherings")
		for g := range n {
			var one gatheringOf
			now = now.Add(2 * time.Minute)
			for i := range rapid.IntRange(1, 4).Draw(t, "people") {
				v := visitOf{session: fmt.Sprintf("%s-%d-%d", room, g, i), joined: after("joins")}
				if rapid.Bool().Draw(t, "leaves") {
					v.left = after("leaves after")
				}
				one.visits = append(one.visits, v)
			}
			if rapid.Bool().Draw(t, "recorded") {
				one.recorded = after("recorded from")
			}
			if rapid.IntRange(0, 3).Draw(t, "empties") == 0 {
				one.emptied = after("emptied after")
			}
			if g+1 < n {
				one.end = after("ends")
			}
			out[room] = append(out[room], one)
		}
	}
	return out
}

// seen is one meeting as people see it.
type seen struct {
	Room   string
	Status app.MeetingStatus
	Here   int
	Peak   int
	Starts time.Time
	Ended  time.Time
	Stays  []string
	Record []string
}

// model computes what must be seen of a gathering, from what really happened alone.
func (g gatheringOf) model(room string) seen {
	out := seen{Room: room, Status: app.Open, Ended: g.end, Starts: g.visits[0].joined}
	type step struct {
		at time.Time
		by int
	}
	var steps []step
	for _, v := range g.visits {
		left := v.left
		if left.IsZero() && !g.emptied.IsZero() {
			left = g.emptied
		}
		if left.IsZero() {
			left = g.end
		}
		steps = append(steps, step{v.joined, 1})
		if left.IsZero() {
			out.Here++
		} else {
			steps = append(steps, step{left, -1})
		}
		out.Stays = append(out.Stays, fmt.Sprint(v.session, " ", v.joined.Unix(), " ", left.Unix()))
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(a.at.Compare(b.at), a.by-b.by) })
	now := 0
	for _, s := range steps {
		now += s.by
		out.Peak = max(out.Peak, now)
	}
	switch {
	case !g.end.IsZero():
		out.Status = app.Ended
	case out.Here > 0:
		out.Status = app.Live
	}
	if !g.recorded.IsZero() {
		out.Record = []string{"rec-" + g.visits[0].session}
	}
	slices.Sort(out.Stays)
	return out
}

// events are the webhooks about a gathering.
func (g gatheringOf) events(room string) (out []provider.Event) {
	for _, v := range g.visits {
		out = append(out, join(room, v.session, v.joined))
		if !v.left.IsZero() {
			out = append(out, leave(room, v.session, v.joined, v.left))
		}
	}
	if !g.recorded.IsZero() {
		rec := provider.RecordingEvent{ID: "rec-" + g.visits[0].session, Kind: "cloud", StartedAt: g.recorded}
		begun := provider.Event{Kind: provider.KindRecordingStarted, ID: "s-" + rec.ID, At: g.recorded, Room: room, Recording: &rec}
		ready := begun
		ready.Kind, ready.ID, ready.At = provider.KindRecordingReady, "r-"+rec.ID, g.recorded.Add(time.Second)
		out = append(out, begun, ready)
	}
	if !g.emptied.IsZero() {
		out = append(out, provider.Event{Kind: provider.KindMeetingEnded, ID: "e-" + g.visits[0].session, At: g.emptied, Room: room, Emptied: true})
	}
	return out
}

// there are the people who really are in a room at a time.
func (g gatheringOf) there(now time.Time) (out []provider.Participant) {
	for _, v := range g.visits {
		gone := earliestOf(v.left, g.emptied, g.end)
		if !v.joined.After(now) && (gone.IsZero() || gone.After(now)) {
			out = append(out, *person(v.session, v.joined))
		}
	}
	return out
}

func earliestOf(times ...time.Time) (first time.Time) {
	for _, at := range times {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// teller lets the hub hear of a story in one of many ways.
type teller struct {
	*bench
	draw  *rapid.T
	story story
	past  *historyOf
	again int
	late  []provider.Event // reported later
}

// hear delivers an event, sometimes twice, sometimes under another id, sometimes to a program that has just started.
func (l *teller) hear(e provider.Event) {
	for range rapid.IntRange(1, 2).Draw(l.draw, "times") {
		if rapid.IntRange(0, 9).Draw(l.draw, "restart") == 0 {
			l.close()
			l.open()
		}
		if rapid.Bool().Draw(l.draw, "another id") {
			l.again++
			e.ID = fmt.Sprint(e.ID, "-", l.again)
		}
		l.happen(e)
		ahead := time.Duration(0)
		if rapid.IntRange(0, 9).Draw(l.draw, "clock") == 0 {
			ahead = 24 * 365 * time.Hour
		}
		l.clock.Advance(ahead)
		l.eventNow(e)
		l.clock.Advance(-ahead)
	}
}

// look lets presence or history be read, as they really are, or the room be adopted from the list.
func (l *teller) look(room string, g gatheringOf) {
	current := l.meeting(room)
	if current.Status == app.Ended {
		return
	}
	var err error
	switch rapid.IntRange(0, 2).Draw(l.draw, "look") {
	case 0:
		err = l.Observe(l.draw.Context(), current.ID, Reading{Begun: l.clock.Now(), Here: g.there(l.clock.Now())})
	case 1:
		l.past.people = nil
		for _, g := range l.story[room] {
			for _, v := range g.visits {
				if !v.left.IsZero() && !v.left.After(l.clock.Now()) {
					p := person(v.session, v.joined)
					p.LeftAt = v.left
					l.past.people = append(l.past.people, *p)
				}
			}
		}
		err = l.recall(l.draw.Context(), l.order[0], l.past, current.ID, time.Time{})
	case 2:
		_, err = l.AdoptRoom(l.draw.Context(), app.Adoption{Account: "daily", PlatformRoom: room})
	}
	if err != nil {
		l.draw.Fatal(err)
	}
}

// live goes through a story: each gathering becomes known by its first joining, and some of the rest comes late.
func (l *teller) live() {
	for _, room := range slices.Sorted(mapKeys(l.story)) {
		l.clock.Advance(t0.Sub(l.clock.Now()))
		for _, g := range l.story[room] {
			events := g.events(room)
			l.hear(events[0])
			rest := rapid.Permutation(events[1:]).Draw(l.draw, "order")
			now := rapid.IntRange(0, len(rest)).Draw(l.draw, "in time")
			for _, e := range rest[:now] {
				l.hear(e)
				if rapid.IntRange(0, 3).Draw(l.draw, "looks") == 0 {
					l.look(room, g)
				}
			}
			l.late = append(l.late, rest[now:]...)
			if !g.end.IsZero() {
				l.clock.Advance(max(0, g.end.Sub(l.clock.Now())))
				if d := l.meeting(room); d.Status != app.Ended {
					l.end(d.ID)
				}
			}
		}
	}
	l.clock.Advance(24 * time.Hour)
	for _, e := range rapid.Permutation(l.late).Draw(l.draw, "order of what is late") {
		l.hear(e)
	}
}

// sees returns the meetings that the hub shows.
func (l *teller) sees() (out []seen) {
	for _, m := range l.meetings() {
		d := l.meeting(m.ID)
		one := seen{Room: d.PlatformRoom, Status: d.Status, Here: d.Here, Peak: d.Peak, Starts: d.StartsAt.Time, Ended: d.EndedAt.Time}
		for _, p := range d.Participants {
			one.Stays = append(one.Stays, fmt.Sprint(p.Session, " ", p.JoinedAt.Unix(), " ", p.LeftAt.Unix()))
		}
		recs, err := l.Recordings(l.draw.Context(), app.RecordingQuery{Meeting: m.ID})
		if err != nil {
			l.draw.Fatal(err)
		}
		for _, r := range recs {
			one.Record = append(one.Record, r.ID)
		}
		slices.Sort(one.Stays)
		out = append(out, one)
	}
	return out
}

func mapKeys(s story) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range s {
			if !yield(k) {
				return
			}
		}
	}
}

func sorted(t *rapid.T, list []seen) string {
	slices.SortFunc(list, func(a, b seen) int { return cmp.Or(cmp.Compare(a.Room, b.Room), cmp.Compare(a.Stays[0], b.Stays[0])) })
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// In whatever order a story is reported, with whatever repeats, restarts, readings and clocks, the state is the one that a model
// computes from the truth. No participant stays present whom two readings lack.
func TestTheStateDoesNotDependOnHowItIsReported(t *testing.T) {
	folder := t.TempDir()
	if memory, err := os.MkdirTemp("/dev/shm", "greenroom"); err == nil { // no waiting for a disk
		folder = memory
		t.Cleanup(func() { os.RemoveAll(memory) })
	}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		s := tell(r, rapid.IntRange(1, 2).Draw(r, "rooms"))
		var want []seen
		for room, gatherings := range s {
			for _, g := range gatherings {
				want = append(want, g.model(room))
			}
		}
		for range 2 { // two ways of telling the same
			b := newBench(t)
			b.close()
			n++
			b.path = filepath.Join(folder, fmt.Sprint(n), store.FileName)
			l := &teller{bench: b, draw: r, story: s, past: &historyOf{platform: b.platform}}
			b.platform.traits.NamesRooms = true
			b.accounts[0].Provider = l.past
			b.open()
			l.live()
			if got, must := sorted(r, l.sees()), sorted(r, want); got != must {
				r.Fatalf("seen:\n%s\nreally:\n%s", got, must)
			}
			for _, m := range l.meetings() {
				if m.Status != app.Ended {
					l.empty(m.ID, 30*time.Second, 4)
				}
			}
			for _, m := range l.meetings() {
				if m.Here != 0 {
					r.Fatalf("%d still here after four empty readings", m.Here)
				}
			}
			b.close()
			os.RemoveAll(filepath.Dir(b.path))
		}
	})
}

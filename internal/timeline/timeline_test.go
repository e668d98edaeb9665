package timeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	_ "greenroom/internal/cases"
	"greenroom/provider"
)

var start = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// stamp is a minute as the roster writes it, nothing for a negative one.
func stamp(n int) app.Time {
	if n < 0 {
		return app.Time{}
	}
	return app.At(minute(n))
}

func ended(at int, stays ...app.Stay) app.MeetingDetail {
	m := app.MeetingDetail{Participants: stays}
	m.Status, m.StartsAt, m.EndedAt = app.Ended, stamp(0), stamp(at)
	return m
}

func TestALineIsAPerson(t *testing.T) {
	m := ended(60,
		app.Stay{Name: "Grace", Session: "s2", UserID: "s2", JoinedAt: stamp(5), LeftAt: stamp(10)},
		app.Stay{Name: "Ada", UserID: "u1", Session: "s1", Owner: true, JoinedAt: stamp(0), LeftAt: stamp(20), Reason: "connection lost"},
		app.Stay{Name: "Recorder", Session: "b", Bot: true, Role: "recorder", JoinedAt: stamp(0), LeftAt: stamp(50)},
		app.Stay{Name: "Ada L.", UserID: "u1", Session: "s3", JoinedAt: stamp(25), LeftAt: stamp(50)},
		app.Stay{Name: "Grace", Session: "s4", UserID: "s4", JoinedAt: stamp(40), WaitingSince: stamp(35), LeftAt: stamp(50)},
		app.Stay{Name: "Mallory", Session: "s5", WaitingSince: stamp(12), LeftAt: stamp(14), Reason: "denied"},
		app.Stay{Name: "Ken", Session: "s6", LeftAt: stamp(30)},
		app.Stay{Name: "never seen", Session: "s7"},
	)
	tl := New(m, []app.Recording{
		{StartedAt: stamp(2), DurationS: 600}, {StartedAt: stamp(11), DurationS: 120}, {StartedAt: stamp(40), DurationS: 3600}, {StartedAt: stamp(1)}, {DurationS: 5},
	}, minute(500))
	if !tl.From.Equal(minute(0)) || !tl.To.Equal(minute(50)) {
		t.Errorf("from %v to %v", tl.From, tl.To)
	}
	var names []string
	for _, p := range tl.People {
		names = append(names, fmt.Sprintf("%s:%d", p.Name, len(p.Visits)))
	}
	if want := []string{"Ada L.:2", "Grace:3", "Mallory:1", "Ken:1", "Recorder:1"}; !slices.Equal(names, want) {
		t.Errorf("lines %v, want %v", names, want)
	}
	if ada := tl.People[0]; !ada.Owner || ada.Visits[0].Reason != "connection lost" {
		t.Errorf("%+v", ada)
	}
	var said []string
	for _, e := range tl.Events {
		said = append(said, fmt.Sprintf("%d %s %s %s", int(e.At.Sub(start).Minutes()), e.Kind, e.Who, e.Reason))
	}
	want := []string{
		"0 participant.joined Ada L. ", "0 participant.joined Recorder ", "2 recording.started  ", "5 participant.joined Grace ", "10 participant.left Grace ",
		"12 participant.waiting Mallory ", "13 recording.stopped  ", "14 participant.waiting_left Mallory denied", "20 participant.left Ada L. connection lost",
		"25 participant.joined Ada L. ", "30 participant.left Ken ", "35 participant.waiting Grace ", "40 participant.joined Grace ", "40 recording.started  ",
		"50 participant.left Ada L. ", "50 participant.left Grace ", "50 participant.left Recorder ", "50 recording.stopped  ",
	}
	if !slices.Equal(said, want) {
		t.Errorf("events\n%q, want\n%q", said, want)
	}
	for at, want := range map[int]int{0: 1, 5: 2, 9: 2, 10: 1, 20: 0, 25: 1, 30: 1, 36: 1, 40: 2, 50: 0} {
		if got := tl.Here(minute(at)); got != want {
			t.Errorf("%d here at %d, want %d", got, at, want)
		}
	}
	if !tl.Peak().Equal(minute(5)) {
		t.Errorf("the peak is at %v", tl.Peak())
	}
	if v, ok := tl.People[1].At(minute(36)); !ok || !v.Waiting {
		t.Errorf("Grace at 36: %+v %v", v, ok)
	}
	if !tl.Recorded(minute(2)) || tl.Recorded(minute(13)) || !tl.Recorded(minute(49)) {
		t.Error("the recordings are at another time")
	}
	if got := tl.EventsAt(minute(40)); len(got) != 2 {
		t.Errorf("at 40: %v", got)
	}
}

func TestALiveMeetingReachesUntilNow(t *testing.T) {
	m := app.MeetingDetail{Participants: []app.Stay{
		{Name: "Ada", Session: "s1", JoinedAt: stamp(0)}, {Name: "Bob", Session: "s2", Waiting: true, WaitingSince: stamp(8)},
	}}
	m.Status, m.Recording, m.RecordingSince = app.Live, app.IsRecording, stamp(3)
	var r Rewind
	tl := New(m, []app.Recording{{Status: app.RecordingRunning, StartedAt: stamp(3)}}, minute(10))
	if !tl.To.Equal(minute(10)) || tl.Here(tl.To) != 1 || !tl.Recorded(tl.To) || len(tl.Recordings) != 1 || len(tl.Events) != 3 {
		t.Errorf("%+v", tl)
	}
	if v, ok := tl.People[1].At(minute(10)); !ok || !v.Waiting || !v.Running {
		t.Errorf("Bob: %+v", v)
	}
	later := New(m, nil, minute(20))
	if !r.At(&later).Equal(minute(20)) {
		t.Error("the end does not move along")
	}
	r.Move(&later, -time.Minute)
	latest := New(m, nil, minute(30))
	if !r.At(&latest).Equal(minute(19)) {
		t.Errorf("a moment in the past has moved to %v", r.At(&latest))
	}
	r.Move(&latest, time.Hour)
	latest.To = minute(31)
	if !r.At(&latest).Equal(minute(31)) {
		t.Error("the end does not move along again")
	}
}

func TestAMeetingWithoutPeople(t *testing.T) {
	for name, tl := range map[string]Timeline{
		"ended":    New(ended(7), nil, minute(90)),
		"nothing":  New(app.MeetingDetail{}, nil, minute(3)),
		"recorded": New(ended(7), []app.Recording{{StartedAt: stamp(1), DurationS: 60}}, minute(90)),
	} {
		if tl.To.Before(tl.From) || len(tl.Counts(10)) != 10 || tl.Here(tl.From) != 0 || !tl.Peak().Equal(tl.From) {
			t.Errorf("%s: %+v", name, tl)
		}
		var r Rewind
		r.Step(&tl, -1)
		r.Step(&tl, 1)
		r.Move(&tl, -time.Hour)
		if name != "nothing" && !r.At(&tl).Equal(tl.From) {
			t.Errorf("%s: an hour back is %v", name, r.At(&tl))
		}
	}
	empty := New(ended(7), nil, minute(90))
	if empty.Bar(Person{}, 0) == nil || len(empty.Counts(-1)) != 0 || empty.Column(minute(3), 0) != 0 || !empty.Moment(3, 0).Equal(empty.From) {
		t.Error("a chart without columns")
	}
}

// The model is a grid: who is inside, waits or is away in each minute.
const length = 240

type model struct {
	state    [5][length]Cell
	sessions [length]int
	events   []int
}

// A timeline, the moments of a reader and the columns of a chart of one minute each are those of the grid.
func TestTheTimelineIsTheModels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m model
		var stays []app.Stay
		event := map[int]bool{}
		first, last := length, 0
		for i := range rapid.IntRange(1, 9).Draw(t, "stays") {
			who := rapid.IntRange(0, 4).Draw(t, "who")
			from := rapid.IntRange(0, length-2).Draw(t, "from")
			to := rapid.IntRange(from+1, length-1).Draw(t, "to")
			wait := rapid.SampledFrom([]int{0, 0, 1, 7}).Draw(t, "wait")
			wait = min(wait, from)
			bot := who == 4
			s := app.Stay{Name: fmt.Sprint("p", who), Session: fmt.Sprint("s", i), JoinedAt: stamp(from), LeftAt: stamp(to), Bot: bot}
			if wait > 0 {
				s.WaitingSince = stamp(from - wait)
			}
			stays = append(stays, s)
			event[from], event[to] = true, true
			if wait > 0 {
				event[from-wait] = true
			}
			first, last = min(first, from-wait), max(last, to)
			for k := from - wait; k < to; k++ {
				kind := Inside
				if k < from {
					kind = Lobby
				} else if !bot {
					m.sessions[k]++
				}
				m.state[who][k] = max(m.state[who][k], kind)
			}
		}
		for k := range event {
			m.events = append(m.events, k)
		}
		slices.Sort(m.events)
		tl := New(ended(length, rapid.Permutation(stays).Draw(t, "order")...), nil, minute(10*length))
		if !tl.From.Equal(minute(first)) || !tl.To.Equal(minute(last)) {
			t.Fatalf("from %v to %v, want %d to %d", tl.From, tl.To, first, last)
		}
		w := last - first
		counts := tl.Counts(w)
		for k := first; k < last; k++ {
			if got := tl.Here(minute(k)); got != m.sessions[k] || counts[k-first] != got {
				t.Fatalf("minute %d: %d here, %d in the chart, want %d", k, got, counts[k-first], m.sessions[k])
			}
			if c := tl.Column(minute(k), w); c != k-first || !tl.Moment(c, w).Equal(minute(k)) {
				t.Fatalf("minute %d is in column %d", k, c)
			}
		}
		for _, p := range tl.People {
			var who int
			if _, err := fmt.Sscanf(p.Name, "p%d", &who); err != nil {
				t.Fatal(err)
			}
			bar := tl.Bar(p, w)
			for k := first; k < last; k++ {
				want := m.state[who][k]
				v, ok := p.At(minute(k))
				if got := map[bool]Cell{true: Lobby, false: Inside}[v.Waiting]; bar[k-first] != want || ok != (want != Away) || ok && got != want {
					t.Fatalf("%s at %d: the bar has %d, the moment %+v %v, want %d", p.Name, k, bar[k-first], v, ok, want)
				}
			}
		}
		// A reader who moves as in the model is where the model is.
		var r Rewind
		at := last
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			switch rapid.IntRange(0, 4).Draw(t, "move") {
			case 0, 1:
				d := rapid.SampledFrom([]int{-10, -1, 1, 10}).Draw(t, "minutes")
				r.Move(&tl, time.Duration(d)*time.Minute)
				at = min(max(at+d, first), last)
			case 2:
				r.Step(&tl, 1)
				if i := slices.IndexFunc(m.events, func(e int) bool { return e > at }); i >= 0 {
					at = m.events[i]
				}
			case 3:
				r.Step(&tl, -1)
				for _, e := range slices.Backward(m.events) {
					if e < at {
						at = e
						break
					}
				}
			default:
				at = rapid.SampledFrom([]int{first, last}).Draw(t, "end")
				r.Go(&tl, minute(at))
			}
			if !r.At(&tl).Equal(minute(at)) {
				t.Fatalf("the reader is at %v, want minute %d", r.At(&tl), at)
			}
		}
	})
}

// Whatever the width, a column's moment is in the column, columns follow each other, and every visit has a cell.
func TestEveryColumnHasItsMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Int64Range(0, int64(90*24*time.Hour))
		from, to := start.Add(time.Duration(at.Draw(t, "from"))), start.Add(time.Duration(at.Draw(t, "to")))
		if to.Before(from) {
			from, to = to, from
		}
		join := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))).Draw(t, "join")))
		tl := New(ended(0, app.Stay{Name: "long", Session: "1", JoinedAt: app.At(from), LeftAt: app.At(to)},
			app.Stay{Name: "short", Session: "2", JoinedAt: app.At(join), LeftAt: app.At(join)}), nil, to)
		w := rapid.IntRange(1, 300).Draw(t, "columns")
		before := -1
		for i := range w {
			c := tl.Column(tl.Moment(i, w), w)
			if to.Sub(from) >= time.Second && c != i || c < before {
				t.Fatalf("the moment of column %d is in %d", i, c)
			}
			before = c
		}
		for _, p := range tl.People {
			if bar := tl.Bar(p, w); !slices.Contains(bar, Inside) {
				t.Fatalf("%s has no cell in %d columns", p.Name, w)
			} else if p.Name == "long" && to.Sub(from) >= time.Second && slices.Contains(bar, Away) {
				t.Fatalf("a gap in %v", bar)
			}
		}
		if tl.Counts(w)[tl.Column(from, w)] == 0 && to.After(from) {
			t.Fatal("no one is counted")
		}
	})
}

func TestKindsAreThoseOfThePlatforms(t *testing.T) {
	if slices.Contains(provider.EventKinds(), RecordingStopped) {
		t.Error("the platforms have an event of that kind: use it")
	}
}

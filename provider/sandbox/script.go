package sandbox

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"greenroom/provider"
)

// Action is the event in a step of a script.
type Action string

// The actions.
const (
	// ActJoin lets Person in. In a locked room anyone but an owner knocks and is admitted 3 s later.
	ActJoin Action = "join"
	// ActLeave, ActDrop: Who leaves, or loses the connection.
	ActLeave Action = "leave"
	ActDrop  Action = "drop"
	// ActRecord starts a recording, ActStopRecord ends it.
	ActRecord     Action = "record"
	ActStopRecord Action = "stop-record"
	// ActEmpty removes everyone.
	ActEmpty Action = "empty"
)

// Step is one event in a room.
type Step struct {
	// After is the time since the script's beginning. JSON: nanoseconds.
	After time.Duration `json:"after"`
	Do    Action        `json:"do"`
	// Who names the person within the script; a second join of the same name is a rejoin.
	Who string `json:"who,omitempty"`
	// Person is the person who joins; optional for a rejoin.
	Person *Person `json:"person,omitempty"`
}

// Script is a sequence of events in one room. Steps that the room refuses (it is full, the person has been ejected) are skipped.
// When the room is deleted or past its end, everyone in the script leaves and it ends.
type Script struct {
	Steps []Step `json:"steps"`
}

// Length returns the time of the last step.
func (s Script) Length() time.Duration {
	var last time.Duration
	for _, step := range s.Steps {
		last = max(last, step.After)
	}
	return last
}

func (s Script) check() error {
	known := map[string]bool{}
	for i, step := range s.Steps {
		switch step.Do {
		case ActJoin:
			if step.Person == nil && !known[step.Who] {
				return fmt.Errorf("sandbox: step %d: %q joins without a person", i+1, step.Who)
			}
			known[step.Who] = true
		case ActLeave, ActDrop:
			if !known[step.Who] {
				return fmt.Errorf("sandbox: step %d: %q has not joined", i+1, step.Who)
			}
		case ActRecord, ActStopRecord, ActEmpty:
		default:
			return fmt.Errorf("sandbox: step %d: no action %q", i+1, step.Do)
		}
		if step.After < 0 {
			return fmt.Errorf("sandbox: step %d: before the beginning", i+1)
		}
	}
	return nil
}

// Play plays a script in a room, from now on.
func (w *World) Play(p provider.Platform, name string, s Script) error {
	if err := s.check(); err != nil {
		return err
	}
	_, err := inRoom(w, p, name, func(r *room, at time.Time) (any, error) {
		w.play(r, s, 1, at)
		return nil, nil
	})
	return err
}

// stage is a playing script.
type stage struct {
	w       *World
	r       *room
	cast    map[string]*Person
	stays   map[string]*stay
	knocks  map[string]*stay
	leaving bool
}

func (w *World) play(r *room, s Script, speed float64, at time.Time) {
	st := &stage{w: w, r: r, cast: map[string]*Person{}, stays: map[string]*stay{}, knocks: map[string]*stay{}}
	r.staged = true
	for _, step := range s.Steps {
		w.at(at.Add(time.Duration(float64(step.After)/speed)), func(at time.Time) { st.do(step, at) })
	}
}

func (st *stage) do(step Step, at time.Time) {
	w, r := st.w, st.r
	if r.deleted || r.expired(at) {
		if !st.leaving {
			st.leaving = true
			w.empty(r, "room closed", at)
		}
		return
	}
	switch step.Do {
	case ActJoin:
		st.join(step, at)
	case ActLeave:
		if s := st.stays[step.Who]; s != nil {
			w.leave(s, "left", at)
		}
		if k := st.knocks[step.Who]; k != nil {
			delete(st.knocks, step.Who)
			w.deny(k, at)
		}
	case ActDrop:
		if s := st.stays[step.Who]; s != nil {
			w.drop(s, at)
		}
	case ActRecord:
		// A recording that is already running, or an empty room, is ignored.
		_, _ = w.startRecording(r, "cloud", w.uuid(), "", at)
	case ActStopRecord:
		w.finishRecordings(r, at)
	case ActEmpty:
		w.empty(r, "left", at)
	}
}

func (st *stage) join(step Step, at time.Time) {
	w, r := st.w, st.r
	if step.Person != nil {
		st.cast[step.Who] = step.Person
	}
	who := *st.cast[step.Who]
	if r.locked && !who.mayEnter() {
		k, err := w.knock(r, who, at)
		if err != nil {
			return
		}
		st.knocks[step.Who] = k
		w.at(at.Add(3*time.Second), func(at time.Time) {
			if st.knocks[step.Who] != k || r.deleted {
				return
			}
			delete(st.knocks, step.Who)
			if w.admit(k, at) != nil {
				w.deny(k, at)
				return
			}
			st.stays[step.Who], _ = w.present(k.id)
		})
		return
	}
	if s, err := w.join(r, who, at); err == nil {
		st.stays[step.Who] = s
	}
}

// PlayOptions configure [World.AutoPlay].
type PlayOptions struct {
	// Speed divides the scripts' times; the default is 1.
	Speed float64
	// Hostile adds a person whose name tries to control a terminal.
	Hostile bool
	// Length is roughly how long people stay; 0 is three minutes.
	Length time.Duration
	// Record starts a recording in rooms that are to be recorded but have no trigger.
	Record bool
}

// AutoPlay plays a generated script in every room that is created from now on.
func (w *World) AutoPlay(o PlayOptions) {
	o.Speed = cmp.Or(max(o.Speed, 0), 1)
	w.lock()
	defer w.unlock()
	w.autoplay = &o
}

func (w *World) scriptNew(r *room, at time.Time) {
	if w.autoplay == nil {
		return
	}
	s := Generate(w.rng, *w.autoplay, min(r.size, 7))
	if !w.autoplay.Record || !r.records() {
		s.Steps = slices.DeleteFunc(s.Steps, func(step Step) bool { return step.Do == ActRecord })
	}
	w.play(r, s, w.autoplay.Speed, at)
}

// records reports whether a room is meant to be recorded in the cloud.
func (r *room) records() bool {
	mode := text(r.daily.properties, "enable_recording")
	return mode != "" && mode != "local" || r.whereby.recording.kind == "cloud"
}

// names are from several writing systems.
var names = []string{
	"Ada Lovelace", "Zoë Müller", "渡辺 直美", "ليلى حداد", "Łukasz Żółć", "김민준", "Søren 🎸", "Nguyễn Thị Hương", "עדי כהן",
	"Ольга Петрова", "Grace Hopper", "प्रिया शर्मा", "José Núñez", "👩🏽‍🚀 Mae",
}

// hostileName tries to set the terminal's title, to reorder the line, and to break it.
const hostileName = "Mallory\x1b]0;owned\x07\x1b[2J\u202egnp.exe\u2066\r\n"

// Generate returns a script for up to n people: they arrive one by one over half a minute, the host first; one leaves and comes
// back, one loses the connection; a recording starts; at the end the room empties.
func Generate(rng *rand.Rand, o PlayOptions, n int) Script {
	length := cmp.Or(max(o.Length, 0), 3*time.Minute)
	n = max(1, min(n, len(names)))
	order := rng.Perm(len(names))[:n]
	var s Script
	add := func(after time.Duration, do Action, who string, p *Person) {
		s.Steps = append(s.Steps, Step{After: after, Do: do, Who: who, Person: p})
	}
	when := 2 * time.Second
	gap := 28 * time.Second / time.Duration(n)
	for i, pick := range order {
		who := fmt.Sprintf("p%d", i+1)
		p := &Person{Name: names[pick], Owner: i == 0}
		if i == n-1 && n > 2 && o.Hostile {
			p.Name = hostileName
		}
		if i%2 == 0 {
			p.UserID = fmt.Sprintf("user-%03d", pick+1)
		}
		add(when, ActJoin, who, p)
		when += gap/2 + time.Duration(rng.Int64N(int64(gap/2)+1))
	}
	add(when+2*time.Second, ActRecord, "", nil)
	middle := when + (length-when)/3
	if n > 1 {
		add(middle, ActLeave, "p2", nil)
		add(middle+15*time.Second, ActJoin, "p2", nil)
	}
	if n > 2 {
		add(middle+25*time.Second, ActDrop, "p3", nil)
	}
	end := max(length, middle+40*time.Second)
	for i := n; i >= 1; i-- {
		add(end+time.Duration(n-i)*2*time.Second, ActLeave, fmt.Sprintf("p%d", i), nil)
	}
	add(end+time.Duration(n)*2*time.Second, ActEmpty, "", nil)
	return s
}

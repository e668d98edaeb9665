// Package timeline computes who was in a meeting when: a line for each person, the head count, the recordings, and the
// events between which a reader moves.
//
// It is pure: no I/O, no clock. A person is inside from the moment of joining up to, but not including, the moment of leaving.
// Bots have lines and are not counted.
package timeline

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/attendance"
	"greenroom/internal/stable"
	"greenroom/provider"
)

// Span is a period. Running means that it has not ended: To is then the end of the timeline, and part of the span.
type Span struct {
	From, To time.Time
	Running  bool
}

// Covers reports whether t is in the span.
func (s Span) Covers(t time.Time) bool {
	return !t.Before(s.From) && (t.Before(s.To) || s.Running && !t.After(s.To))
}

// Visit is one period in which a person was inside, or waited to be let in.
type Visit struct {
	Span
	Waiting bool
	// Unseen reports that only the leaving is known. The span is empty then.
	Unseen bool
	// Reason is why they left; empty if they have not, or if it is unknown.
	Reason string
}

// Person is a line: all visits of one person, in any number of sessions, in order of time.
type Person struct {
	Name  string
	Owner bool
	Bot   bool
	// Role is the platform's word for a bot's role.
	Role   string
	Visits []Visit
}

// At returns the visit that covers t. One inside outranks one in the lobby.
func (p Person) At(t time.Time) (Visit, bool) {
	var found Visit
	ok := false
	for _, v := range p.Visits {
		if v.Covers(t) && (!ok || found.Waiting && !v.Waiting) {
			found, ok = v, true
		}
	}
	return found, ok
}

// Event is something that happened at a moment. Who is empty for recordings.
type Event struct {
	At     time.Time
	Kind   provider.EventKind
	Who    string
	Reason string
}

// Timeline is a meeting from its first event to its last, or to now while someone is there.
type Timeline struct {
	From, To time.Time
	// People are in the order in which they came. Bots are last.
	People     []Person
	Recordings []Span
	// Events are in order of time.
	Events []Event

	steps []step
}

// step is the head count from a moment on.
type step struct {
	at   time.Time
	here int
}

// RecordingStopped is the kind of the event at the end of a recording.
const RecordingStopped provider.EventKind = "recording.stopped"

// New computes the timeline of a meeting. recordings are the listed ones; a running one is known from the meeting.
func New(m app.MeetingDetail, recordings []app.Recording, now time.Time) Timeline {
	end := now
	if m.Status == app.Ended && !m.EndedAt.IsZero() {
		end = app.Earlier(now, m.EndedAt.Time)
	}
	var t Timeline
	t.People = people(m.Participants, end, m.Status == app.Ended)
	t.Recordings = recorded(m, recordings, end)
	t.bound(m, end)
	t.note()
	t.count()
	return t
}

// people collects the visits of each person.
func people(stays []app.Stay, end time.Time, over bool) []Person {
	at := map[attendance.Person]int{}
	var out []Person
	stays = slices.Clone(stays)
	stable.Sort(stays, func(a, b app.Stay) int { return first(a).Compare(first(b)) })
	for _, s := range stays {
		visits := visitsOf(s, end, over)
		if len(visits) == 0 {
			continue
		}
		key := attendance.PersonOf(s)
		if s.Bot {
			key.Name += "\x00bot" // a bot with a person's name is not that person
		}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, Person{Bot: s.Bot, Role: s.Role})
		}
		p := &out[i]
		if s.Name != "" {
			p.Name = s.Name // the latest
		}
		p.Owner = p.Owner || s.Owner
		p.Visits = append(p.Visits, visits...)
	}
	for _, p := range out {
		stable.Sort(p.Visits, func(a, b Visit) int { return a.From.Compare(b.From) })
	}
	stable.Sort(out, func(a, b Person) int {
		if a.Bot != b.Bot {
			return map[bool]int{true: 1, false: -1}[a.Bot]
		}
		return cmp.Or(a.Visits[0].From.Compare(b.Visits[0].From), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// first returns the earliest known time of a stay.
func first(s app.Stay) time.Time { return cmp.Or(s.WaitingSince, s.JoinedAt, s.LeftAt).Time }

// visitsOf returns the known periods of one stay in the lobby and inside.
func visitsOf(s app.Stay, end time.Time, over bool) (out []Visit) {
	span := func(from time.Time, to app.Time) Span {
		v := Span{From: from, To: to.Time}
		if to.IsZero() {
			v.To, v.Running = end, !over
		}
		v.To = app.Later(v.To, v.From)
		return v
	}
	if w := s.WaitingSince; !w.IsZero() && (s.JoinedAt.IsZero() || w.Before(s.JoinedAt.Time)) {
		until, why := s.JoinedAt, ""
		if until.IsZero() {
			until, why = s.LeftAt, s.Reason
		}
		out = append(out, Visit{Span: span(w.Time, until), Waiting: true, Reason: why})
	}
	switch {
	case !s.JoinedAt.IsZero():
		out = append(out, Visit{Span: span(s.JoinedAt.Time, s.LeftAt), Reason: s.Reason})
	case len(out) == 0 && !s.LeftAt.IsZero():
		out = append(out, Visit{Span: Span{From: s.LeftAt.Time, To: s.LeftAt.Time}, Unseen: true, Reason: s.Reason})
	}
	return out
}

// recorded returns when the meeting was recorded. Spans that overlap are one.
func recorded(m app.MeetingDetail, recordings []app.Recording, end time.Time) []Span {
	var all []Span
	if m.Recording == app.IsRecording && !m.RecordingSince.IsZero() {
		all = append(all, Span{From: m.RecordingSince.Time, To: end, Running: true})
	}
	for _, r := range recordings {
		if r.StartedAt.IsZero() {
			continue
		}
		s := Span{From: r.StartedAt.Time, To: app.Earlier(r.StartedAt.Add(r.Length()), end)}
		if r.Status == app.RecordingRunning {
			s.To, s.Running = end, m.Status != app.Ended
		}
		if s.To.After(s.From) || s.Running {
			all = append(all, s)
		}
	}
	stable.Sort(all, func(a, b Span) int { return a.From.Compare(b.From) })
	var out []Span
	for _, s := range all {
		if last := len(out) - 1; last >= 0 && !s.From.After(out[last].To) {
			out[last].To = app.Later(out[last].To, s.To)
			out[last].Running = out[last].Running || s.Running
			continue
		}
		out = append(out, s)
	}
	return out
}

// bound sets From and To: those of the people, else of the recordings, else of the meeting.
func (t *Timeline) bound(m app.MeetingDetail, end time.Time) {
	extend := func(s Span) {
		if t.From.IsZero() || s.From.Before(t.From) {
			t.From = s.From
		}
		t.To = app.Later(t.To, s.To)
	}
	for _, p := range t.People {
		for _, v := range p.Visits {
			extend(v.Span)
		}
	}
	if t.From.IsZero() {
		for _, r := range t.Recordings {
			extend(r)
		}
	}
	if t.From.IsZero() {
		t.From, t.To = m.StartsAt.Time, end
	}
	t.To = app.Later(t.To, t.From)
}

// note computes the events.
func (t *Timeline) note() {
	add := func(at time.Time, kind provider.EventKind, who, why string) {
		if at = t.Clamp(at); !at.IsZero() {
			t.Events = append(t.Events, Event{at, kind, who, why})
		}
	}
	for _, p := range t.People {
		for _, v := range p.Visits {
			in, out := provider.KindParticipantJoined, provider.KindParticipantLeft
			if v.Waiting {
				in, out = provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft
			}
			if !v.Unseen {
				add(v.From, in, p.Name, "")
			}
			if let := v.Waiting && !v.Running && p.joins(v.To); !v.Running && !let {
				add(v.To, out, p.Name, v.Reason)
			}
		}
	}
	for _, r := range t.Recordings {
		add(r.From, provider.KindRecordingStarted, "", "")
		if !r.Running {
			add(r.To, RecordingStopped, "", "")
		}
	}
	stable.Sort(t.Events, func(a, b Event) int { return a.At.Compare(b.At) })
}

// count computes the head count at each moment at which it changes.
func (t *Timeline) count() {
	change := map[time.Time]int{}
	for _, p := range t.People {
		for _, v := range p.Visits {
			if p.Bot || v.Waiting {
				continue
			}
			change[v.From.UTC()]++
			if !v.Running {
				change[v.To.UTC()]--
			}
		}
	}
	for at := range change {
		t.steps = append(t.steps, step{at: at})
	}
	stable.Sort(t.steps, func(a, b step) int { return a.at.Compare(b.at) })
	here := 0
	for i := range t.steps {
		here += change[t.steps[i].at]
		t.steps[i].here = here
	}
}

// joins reports whether a visit inside begins at a moment. One who was let in did not stop waiting.
func (p Person) joins(at time.Time) bool {
	return slices.ContainsFunc(p.Visits, func(v Visit) bool { return !v.Waiting && !v.Unseen && v.From.Equal(at) })
}

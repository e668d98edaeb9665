// Package roster computes who is in a meeting from evidence.
//
// Webhooks arrive late, twice, in any order or never; presence readings lag behind and show ghosts. So a [Stay] and a
// [Meeting] here do not hold "the current state" but the evidence for it, and what people see (app.Stay.LeftAt,
// app.Meeting.Status, the counts) is computed from that evidence alone. Every way of adding evidence is idempotent and
// commutes with every other that carries its own time, which is why the order of arrival does not matter.
//
// A platform's event about one person (they left at 10:04) outranks what its history says later, and that outranks what is
// inferred: that the meeting was empty at 10:05, or that two presence readings in a row lacked the person. The earlier of the
// two counts.
//
// The package is pure: no I/O, no clock.
package roster

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Reasons for which meetings end. People who are in one then leave with [provider.ReasonEnded].
const (
	ReasonEndedHere = "ended here"
	ReasonExpired   = "expired"
	ReasonGone      = "gone from the platform"
)

// maxGrain is how inexact a platform's history may be.
const maxGrain = 15 * time.Second

// maxMarks bounds the marks of a meeting. Stays remember the one that closed them, so only a stay that is reported more than
// that many marks later could be closed at the wrong one.
const maxMarks = 32

// Meeting is a meeting with the evidence about it as a whole.
type Meeting struct {
	app.Meeting
	// Marks are the times at which the platform reported that the meeting was empty, oldest first.
	Marks []time.Time `json:"marks,omitempty"`
	// StartedMark and EndedMark are the latest times of the platform's "meeting started" and "meeting ended".
	StartedMark time.Time `json:"started_mark,omitzero"`
	EndedMark   time.Time `json:"ended_mark,omitzero"`
	// EmptyRead is when the first of two consecutive presence readings that found the meeting empty began.
	EmptyRead time.Time `json:"empty_read,omitzero"`
	// Recordings are the ids of its recordings.
	Recordings []string `json:"recordings,omitempty"`
	// Lag is the platform's presence lag: people who left can be listed for that long.
	Lag time.Duration `json:"lag,omitempty"`
	// RecordFor is the beginning of the latest gathering for which a recording was started, or was not possible, see [Gather].
	RecordFor time.Time `json:"record_for,omitzero"`
	// RecordAsked is when a recording was requested that the platform has not confirmed yet.
	RecordAsked time.Time `json:"record_asked,omitzero"`
	// StartError is why a recording could not be started, StartErrorAt since when. Failures from before ErrorsFrom are no longer
	// shown.
	StartError   string    `json:"start_error,omitempty"`
	StartErrorAt time.Time `json:"start_error_at,omitzero"`
	ErrorsFrom   time.Time `json:"errors_from,omitzero"`
	// TokenStarts reports that a host link was handed out that starts the recording automatically.
	TokenStarts bool `json:"token_starts,omitempty"`
	// BotRecords reports that Recording is known only from a recorder's presence.
	BotRecords bool `json:"bot_records,omitempty"`
	// HistoryRead is when the platform's history of the meeting was last read.
	HistoryRead time.Time `json:"history_read,omitzero"`
	// Former is the id of the meeting before this one in the same platform room, and Since the time up to which evidence
	// is about that one.
	Former string    `json:"former,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// Stay is one participant's stay with the evidence for it.
type Stay struct {
	app.Stay
	// LeftReported is when the platform reported that this person left, zero if they have come back since.
	LeftReported time.Time `json:"left_told,omitzero"`
	// Joins and Lefts are all reported times of joining and leaving, oldest first, if the session joined again after it had left.
	// Otherwise JoinedAt and LeftReported hold the only ones.
	Joins []time.Time `json:"joins,omitempty"`
	Lefts []time.Time `json:"lefts,omitempty"`
	// Earlier are the visits before the one that JoinedAt begins.
	Earlier []Visit `json:"earlier,omitempty"`
	// LeftWhy is the platform's reason for the leaving.
	LeftWhy string `json:"left_why,omitempty"`
	// FirstKnock is when they first knocked, WaitLeft when they last stopped waiting. Knocks are all times of knocking, oldest
	// first, if there is more than one.
	FirstKnock time.Time   `json:"wait_told,omitzero"`
	Knocks     []time.Time `json:"knocks,omitempty"`
	WaitLeft   time.Time   `json:"wait_left,omitzero"`
	// NamedAt and RoleAt are the times of the events that reported their name and role.
	NamedAt time.Time `json:"named_at,omitzero"`
	RoleAt  time.Time `json:"role_at,omitzero"`
	// Emptied is the mark that closed the stay: the meeting was empty then.
	Emptied time.Time `json:"emptied,omitzero"`
	// Evidence is the last sign of their presence, the later of our clock and the platform's.
	Evidence time.Time `json:"evidence,omitzero"`
	// SeenAt is when the last presence reading that listed them began.
	SeenAt time.Time `json:"seen_at,omitzero"`
	// LackedAt is when the first of two consecutive presence readings without them began.
	LackedAt time.Time `json:"lacked_at,omitzero"`
	// Closed is when presence readings closed the stay.
	Closed time.Time `json:"closed,omitzero"`
	// Coarse reports that JoinedAt is from the platform's history, which is less exact than events.
	Coarse bool `json:"coarse,omitempty"`
	// LeftRead is when they left according to the platform's history.
	LeftRead time.Time `json:"left_read,omitzero"`
}

// Clone returns a copy that shares nothing with the stay.
func (s *Stay) Clone() *Stay {
	c := *s
	c.Joins, c.Lefts, c.Knocks, c.Earlier = slices.Clone(s.Joins), slices.Clone(s.Lefts), slices.Clone(s.Knocks), slices.Clone(s.Earlier)
	return &c
}

// Visit is one of several times that a session was in the meeting.
type Visit struct {
	Joined time.Time `json:"joined"`
	Left   time.Time `json:"left"`
	Reason string    `json:"reason,omitempty"`
}

// Joined adds the platform's report that p joined. received is when a machine of ours first received it.
func (s *Stay) Joined(p provider.Participant, received time.Time, from app.Source) {
	if p.JoinedAt.IsZero() {
		s.identify(p, received)
		s.guessed(received)
	} else {
		s.identify(p, p.JoinedAt)
		s.entered(p.JoinedAt)
		s.witness(p.JoinedAt)
	}
	s.witness(received)
	s.Source = from
}

// Left adds the platform's report that p left. The earliest report counts unless they joined again in between.
func (s *Stay) Left(p provider.Participant, received time.Time, from app.Source) {
	at := p.LeftAt
	if at.IsZero() {
		at = received
	}
	s.identify(p, at)
	if j := p.JoinedAt; !j.IsZero() {
		s.entered(j)
	}
	s.leaves(at)
	if p.Reason != "" && (s.LeftWhy == "" || p.Reason < s.LeftWhy) {
		s.LeftWhy = p.Reason
	}
	s.Source = from
}

// Knocked adds that p waits to be let in.
func (s *Stay) Knocked(p provider.Participant, at time.Time) {
	s.identify(p, at)
	knocks := s.knocks()
	if len(knocks) >= maxTimes && at.After(knocks[0]) {
		knocks = knocks[1:] // the last ones count
	}
	knocks = with(knocks, at)
	s.FirstKnock, s.WaitingSince = knocks[0], app.At(knocks[0])
	s.Knocks = beside(knocks, s.FirstKnock)
	s.Source = app.FromWebhook
}

// GaveUp adds that p stopped waiting.
func (s *Stay) GaveUp(p provider.Participant, at time.Time) {
	s.identify(p, at)
	s.WaitLeft = app.Later(s.WaitLeft, at.UTC())
	s.Source = app.FromWebhook
}

// Seen records that a presence reading begun at the given time listed p.
func (s *Stay) Seen(p provider.Participant, begun time.Time) {
	fresh := s.JoinedAt.IsZero()
	s.identify(p, p.JoinedAt)
	if j := p.JoinedAt; !j.IsZero() {
		s.entered(j)
	} else if fresh {
		s.guessed(begun)
	}
	s.SeenAt = app.Later(s.SeenAt, begun.UTC())
	s.witness(begun)
	s.LackedAt = time.Time{}
	if fresh {
		s.Source = app.FromPresence
	}
}

// maxSkew is how much later than the start of a reading evidence may be that arrived during it. Later evidence comes from a
// clock that was ahead.
const maxSkew = time.Minute

// Lacked adds that a presence reading begun at the given time did not list the stay. Two consecutive ones, both begun later
// than lag after the last evidence, close it. It reports whether anything changed.
func (s *Stay) Lacked(begun time.Time, lag time.Duration) bool {
	if s.ahead(begun.Add(maxSkew)) {
		s.recede(begun.UTC())
		return true
	}
	if !begun.After(s.Evidence.Add(lag)) || !begun.After(s.LackedAt) {
		return false
	}
	if !s.LackedAt.After(s.Evidence.Add(lag)) { // none before it counts
		s.LackedAt = begun.UTC()
		return true
	}
	if s.Closed.IsZero() || s.Closed.Before(s.SeenAt) || s.Closed.Before(s.JoinedAt.Time) {
		s.Closed = s.LackedAt
		s.Source = app.FromPresence
		return true
	}
	return false
}

// ahead reports whether there are signs of presence after a time.
func (s *Stay) ahead(of time.Time) bool {
	return s.Evidence.After(of) || s.SeenAt.After(of) || s.LackedAt.After(of) || s.JoinedAt.After(of)
}

// recede moves signs of presence from a clock that was ahead back to now, so that they keep no one present.
func (s *Stay) recede(now time.Time) {
	s.Evidence, s.LackedAt = now, time.Time{}
	s.SeenAt = app.Earlier(s.SeenAt, now)
	joins := slices.Clone(s.joins())
	for i := range joins {
		joins[i] = app.Earlier(joins[i], now)
	}
	s.JoinedAt = app.At(app.Earlier(s.JoinedAt.Time, now))
	s.Joins = slices.CompactFunc(joins, time.Time.Equal)
	s.visits(nil)
}

// Recalled adds the platform's history of p. With a grain of 0 its times are as exact as those of events; otherwise they
// count only if nothing better is known.
func (s *Stay) Recalled(p provider.Participant, grain time.Duration) {
	fresh := s.Session == ""
	s.identify(p, p.JoinedAt)
	switch j := p.JoinedAt; {
	case j.IsZero():
	case grain == 0:
		s.entered(j)
	default:
		s.guessed(j)
	}
	switch l := p.LeftAt; {
	case l.IsZero():
	case grain == 0:
		s.leaves(l)
	default:
		s.LeftRead = app.Later(s.LeftRead, l.UTC())
	}
	if fresh {
		s.Source = app.FromPlatform
	}
}

// identify stores the name, id and role of the latest event that has them.
func (s *Stay) identify(p provider.Participant, at time.Time) {
	if s.Session == "" {
		s.Session = p.Session
	}
	newer := at.After(s.NamedAt) || (at.Equal(s.NamedAt) && p.Name > s.Name)
	if p.Name != "" && (s.Name == "" || newer) {
		s.Name, s.NamedAt = p.Name, at.UTC()
	}
	if p.UserID != "" && (s.UserID == "" || p.UserID < s.UserID) {
		s.UserID = p.UserID
	}
	if p.PlatformRole != "" && (s.Role == "" || at.After(s.RoleAt) || at.Equal(s.RoleAt) && p.PlatformRole > s.Role) {
		s.Role, s.RoleAt = p.PlatformRole, at.UTC()
	}
	s.Owner = s.Owner || p.Role == provider.RoleHost
	s.Bot = s.Bot || p.Role == provider.RoleBot
}

func (s *Stay) witness(at time.Time) { s.Evidence = app.Later(s.Evidence, at.UTC()) }

// settle computes what people see of the stay from its evidence and the meeting's.
func (s *Stay) settle(m *Meeting) {
	s.visits(m)
	s.LeftAt, s.Reason = app.Time{}, ""
	gaveUp := !s.WaitLeft.IsZero() && !s.WaitLeft.Before(s.FirstKnock)
	s.Waiting = !s.FirstKnock.IsZero() && s.JoinedAt.IsZero() && s.LeftReported.IsZero() && !gaveUp
	from := cmp.Or(s.JoinedAt.Time, s.FirstKnock)
	s.Emptied = m.emptiedAfter(from, s.SeenAt, s.Emptied)
	at, why := s.closing(m, from, s.Emptied)
	switch {
	case s.LeftReported.IsZero() && s.JoinedAt.IsZero() && gaveUp:
		s.LeftAt, s.Reason = app.At(s.WaitLeft), provider.ReasonLeft
	case !at.IsZero():
		s.LeftAt, s.Reason, s.Waiting = app.At(at), why, false
	case m.Status == app.Ended:
		s.LeftAt, s.Reason, s.Waiting = app.At(app.Later(m.EndedAt.Time, from)), provider.ReasonEnded, false
	}
	if !s.FirstKnock.IsZero() {
		s.WaitingSince = app.At(s.FirstKnock)
	}
	if !s.JoinedAt.IsZero() && !s.LeftAt.IsZero() && s.LeftAt.Before(s.JoinedAt.Time) {
		s.LeftAt = s.JoinedAt
	}
	s.waitAgain(m)
}

// closing returns when and why a visit from the given time ended, unless the end of the meeting closes it. Events outrank the
// platform's history, which outranks what is inferred. A zero time means that the visit continues.
func (s *Stay) closing(m *Meeting, from, emptied time.Time) (time.Time, string) {
	exact := from
	if len(s.joins()) == 0 {
		exact = time.Time{} // every reported leaving is later than a joining without a report
	}
	if left := firstFrom(s.lefts(), exact); !left.IsZero() {
		return left, s.LeftWhy
	}
	closed := !s.Closed.IsZero() && !s.SeenAt.After(s.Closed) && !s.Closed.Before(from)
	switch {
	case !s.LeftRead.IsZero() && !s.SeenAt.Add(-m.Lag).After(s.LeftRead.Add(maxGrain)) && !s.LeftRead.Add(maxGrain).Before(from):
		return s.LeftRead, s.LeftWhy
	case closed && (emptied.IsZero() || s.Closed.Before(emptied)):
		return s.Closed, "" // why is not known
	case !emptied.IsZero():
		return emptied, provider.ReasonEnded
	}
	return time.Time{}, ""
}

// emptiedAfter returns the first time at or after from at which the meeting was empty, unless a presence reading shows that
// the person stayed beyond it; zero if there is none. had is an earlier result.
func (m *Meeting) emptiedAfter(from, seen, had time.Time) time.Time {
	closes := func(mark time.Time) bool { return !mark.Before(from) && !seen.Add(-m.Lag).After(mark) }
	if !closes(had) {
		had = time.Time{}
	}
	for _, mark := range m.Marks {
		if closes(mark) && (had.IsZero() || mark.Before(had)) {
			return mark
		}
	}
	return had
}

// EmptySince reports whether the meeting was empty, or had ended, at or after a time.
func (m *Meeting) EmptySince(at time.Time) bool {
	last := m.EndedAt.Time
	if n := len(m.Marks); n > 0 {
		last = app.Later(last, m.Marks[n-1])
	}
	return !last.IsZero() && !last.Before(at)
}

// Started adds the platform's "meeting started".
func (m *Meeting) Started(at time.Time) {
	m.StartedMark = app.Later(m.StartedMark, at.UTC())
	if m.StartedAt.IsZero() || at.Before(m.StartedAt.Time) {
		m.StartedAt = app.At(at)
	}
}

// Over adds the platform's "meeting ended"; the booking remains. emptied means that no one was left, which closes the stays;
// Whereby's session.ended only means "fewer than two".
func (m *Meeting) Over(at time.Time, emptied bool) {
	m.EndedMark = app.Later(m.EndedMark, at.UTC())
	if emptied {
		m.mark(at)
	}
}

func (m *Meeting) mark(at time.Time) {
	i, found := slices.BinarySearchFunc(m.Marks, at, time.Time.Compare)
	if found {
		return
	}
	m.Marks = slices.Insert(slices.Clone(m.Marks), i, at.UTC())
	m.Marks = m.Marks[max(0, len(m.Marks)-maxMarks):]
}

// End ends the meeting permanently, for one of the reasons above. The first end counts, but one requested by the host outranks
// the others.
func (m *Meeting) End(at time.Time, reason string, from app.Source) {
	if m.Status == app.Ended && (m.EndReason == ReasonEndedHere || reason != ReasonEndedHere) {
		return
	}
	m.Status, m.EndedAt, m.EndReason = app.Ended, app.At(at), reason
	m.StatusSource, m.EvidenceAt = from, app.At(at)
	m.Recording, m.RecordingSince = app.NotRecording, app.Time{}
}

// Revive reverts an end that was not requested here, because a participant was in the meeting later. An end after now comes
// from a clock that was ahead, and is reverted by any evidence.
func (m *Meeting) Revive(at, now time.Time) {
	if m.Status != app.Ended || m.EndReason == ReasonEndedHere {
		return
	}
	switch ahead := m.EndedAt.After(now); {
	case ahead:
	case at.After(m.EndedAt.Time):
		m.mark(m.EndedAt.Time) // those who were in it then have left
	default:
		return
	}
	m.Status, m.EndedAt, m.EndReason = app.Open, app.Time{}, ""
}

// Observed records the time and source of the newest evidence.
func (m *Meeting) Observed(at time.Time, from app.Source) {
	if m.Status != app.Ended && !at.Before(m.EvidenceAt.Time) {
		m.EvidenceAt, m.StatusSource = app.At(at), from
	}
}

// EmptyReading adds that a presence reading begun at the given time found the meeting empty. Two consecutive ones, later than
// the lag after the last "meeting started", outrank that event, which alone had shown that someone is in it. It reports whether
// anything changed.
func (m *Meeting) EmptyReading(begun time.Time) bool {
	if m.StartedMark.After(begun.Add(maxSkew)) || m.EmptyRead.After(begun.Add(maxSkew)) {
		m.StartedMark, m.EmptyRead = app.Earlier(m.StartedMark, begun.UTC()), time.Time{} // the clock was ahead
		return true
	}
	if !begun.After(m.StartedMark.Add(m.Lag)) || !m.StartedMark.After(m.EndedMark) || !begun.After(m.EmptyRead) {
		return false
	}
	if !m.EmptyRead.After(m.StartedMark.Add(m.Lag)) {
		m.EmptyRead = begun.UTC()
		return true
	}
	m.EndedMark = m.EmptyRead
	return true
}

// Inhabited adds that a presence reading listed a participant: an empty one before it no longer counts.
func (m *Meeting) Inhabited() { m.EmptyRead = time.Time{} }

package hub

import (
	"errors"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// effectOf is the effect of an authentic event. Every change is idempotent and commutes with the others, see package
// roster; an error makes the delivery unapplied with that reason.
func (h *Hub) effectOf(a *account, ev provider.Event, received time.Time) func(*store.Tx, *app.Delivery) error {
	switch ev.Kind {
	case provider.KindTest, provider.KindUnknown:
		return nil
	}
	now := h.clock.Now()
	ev, received = upTo(ev, now), app.Earlier(received, now)
	return func(tx *store.Tx, d *app.Delivery) error {
		e := effect{hub: h, tx: tx, account: a, event: ev, received: received, now: now}
		m, found, err := e.meeting()
		if err != nil {
			return err
		}
		if !found {
			return e.apply(nil)
		}
		d.Meeting, d.Room = m.ID, m.Room
		return e.apply(&m)
	}
}

type effect struct {
	hub      *Hub
	tx       *store.Tx
	account  *account
	event    provider.Event
	received time.Time
	// now is when this machine stores the event. Nothing in the event is later.
	now time.Time
}

// upTo returns the event without times later than now: a clock that is ahead must not keep a participant present.
func upTo(ev provider.Event, now time.Time) provider.Event {
	ev.At = app.Earlier(ev.At, now)
	if ev.Participant != nil {
		p := personUpTo(*ev.Participant, now)
		ev.Participant = &p
	}
	if ev.Recording != nil {
		r := *ev.Recording
		if r.StartedAt.After(now) {
			r.StartedAt = ev.At
		}
		ev.Recording = &r
	}
	return ev
}

func personUpTo(p provider.Participant, now time.Time) provider.Participant {
	p.JoinedAt, p.LeftAt = app.Earlier(p.JoinedAt, now), app.Earlier(p.LeftAt, now)
	return p
}

// at is when the event happened, as well as is known.
func (e *effect) at() time.Time {
	if e.event.At.IsZero() {
		return e.received
	}
	return e.event.At
}

// about is the time by which the event's meeting is found: a person's joining, the beginning of a recording, or when it
// happened.
func (e *effect) about() time.Time {
	if p := e.event.Participant; p != nil && !p.JoinedAt.IsZero() {
		return p.JoinedAt
	}
	if r := e.event.Recording; r != nil && !r.StartedAt.IsZero() {
		return r.StartedAt
	}
	return e.at()
}

// meeting finds the meeting that the event is about, and adopts one that isn't known where the event shows that it is
// in use. An event for which none is found, without an error, needs none.
func (e *effect) meeting() (m roster.Meeting, found bool, err error) {
	ev := &e.event
	m, err = e.tx.MeetingByPlatform(e.account.Name, ev.Room, ev.MeetingID)
	if err == nil {
		return e.meetingIn(m)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return m, false, err
	}
	switch ev.Kind {
	case provider.KindRecordingStarted, provider.KindRecordingReady, provider.KindRecordingFailed:
		return e.meetingOfRecording()
	case provider.KindTranscriptStarted, provider.KindTranscriptReady, provider.KindTranscriptFailed:
		return m, false, nil
	}
	if ev.Room == "" {
		return m, false, errors.New("the event doesn't name a room")
	}
	if lasts, err := e.ofKeptRoom(); lasts || err != nil {
		return m, false, err
	}
	return e.adopt(nil)
}

// ofKeptRoom reports whether the event shows no more than that the platform room of a lasting room exists.
func (e *effect) ofKeptRoom() (bool, error) {
	if !e.event.Vacant || e.event.RoomID == "" {
		return false, nil
	}
	r, err := e.tx.Room(e.event.RoomID)
	return err == nil && r.Lasting(), ignore(err, store.ErrNotFound)
}

// meetingIn finds the event's meeting among the meetings of its platform room. m is the current one.
func (e *effect) meetingIn(m roster.Meeting) (of roster.Meeting, found bool, err error) {
	if e.ofLater(&m) {
		switch {
		case e.event.Vacant:
			return m, false, nil // the room exists again, and no meeting has begun in it
		case e.event.Recording != nil:
			return m, false, nil // the list of recordings finds the meeting once it is known
		case e.event.Room != "" && e.beginsAnother():
			return e.adopt(&m)
		}
	}
	if p := e.event.Participant; p != nil && m.Former != "" && e.event.Kind == provider.KindParticipantLeft && m.Holds(e.at()) {
		// One who stayed in the room from an earlier meeting leaves the one that they are in.
		if _, err := e.tx.Stay(m.ID, p.Session); err == nil && !m.Holds(p.JoinedAt) {
			p.JoinedAt = time.Time{}
			return m, true, nil
		} else if ignore(err, store.ErrNotFound) != nil {
			return m, false, err
		}
	}
	if p := e.event.Participant; p != nil && p.JoinedAt.IsZero() {
		if of, err := ofSession(e.tx, m, p.Session); err != nil || of.ID != m.ID {
			return of, true, err
		}
	}
	if at := e.about(); !at.IsZero() && !m.Holds(at) {
		m, err = belongs(e.tx, m, at)
	}
	return m, true, err
}

// ofLater reports whether the event is about a later meeting than m, which ended here. An end in the future is the work of
// a clock that was ahead: all present events are later.
func (e *effect) ofLater(m *roster.Meeting) bool {
	if m.EndedAt.After(e.now.Add(roster.Stragglers)) {
		ended := *m
		ended.EndedAt = app.At(e.now.Add(-2 * roster.Stragglers))
		return ended.IsBefore(e.about())
	}
	return m.IsBefore(e.about())
}

// beginsAnother reports whether the event shows a participant in the room at the time that it is about.
func (e *effect) beginsAnother() bool {
	switch e.event.Kind {
	case provider.KindMeetingStarted, provider.KindParticipantJoined, provider.KindParticipantWaiting:
		return true
	case provider.KindParticipantLeft:
		return e.event.Participant != nil && !e.event.Participant.JoinedAt.IsZero()
	}
	return false
}

// meetingOfRecording finds a recording's meeting by the recording itself or by who started it; Daily's
// recording.started names no room.
func (e *effect) meetingOfRecording() (m roster.Meeting, found bool, err error) {
	rec := e.event.Recording
	if rec == nil {
		return m, false, errors.New("the event doesn't name a recording")
	}
	named, _ := catalog.FromEvent(e.event, e.at())
	if known, err := e.tx.Recording(e.account.Name, named.ID); err == nil && known.Meeting != "" {
		m, err = e.tx.Meeting(known.Meeting)
		return m, true, err
	}
	if rec.StartedBy == "" {
		return m, false, nil
	}
	of, err := e.meetingOfSession(rec.StartedBy)
	if of == nil || err != nil {
		return m, false, err
	}
	m, err = belongs(e.tx, *of, e.about())
	return m, true, err
}

// maxStarters bounds how many of the newest meetings a recording's starter is looked for in.
const maxStarters = 200

// meetingOfSession finds the meeting that a session is in, among those that are not over and the newest ones. nil when there
// is none.
func (e *effect) meetingOfSession(session string) (*roster.Meeting, error) {
	knows := func(m roster.Meeting) bool {
		if m.Account != e.account.Name {
			return false
		}
		_, err := e.tx.Stay(m.ID, session)
		return err == nil
	}
	unended, err := e.tx.Unended()
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(unended, knows); i >= 0 {
		return &unended[i], nil
	}
	var found *roster.Meeting
	seen := 0
	err = e.tx.MeetingsBefore("", func(m roster.Meeting) bool {
		if seen++; knows(m) {
			found = &m
		}
		return found == nil && seen < maxStarters
	})
	if found == nil || err != nil {
		return nil, err
	}
	m, err := e.tx.Meeting(found.ID) // as the effects of this commit left it
	return &m, err
}

// revive takes back an end that was not requested, and makes the meeting's room again where that was deleted since. A
// meeting that another one followed stays as it is.
func (e *effect) revive(m *roster.Meeting, at time.Time) error {
	if m.Status != app.Ended {
		return nil
	}
	if current, err := e.tx.MeetingByPlatform(m.Account, m.PlatformRoom, m.PlatformID); err != nil || current.ID != m.ID {
		return err
	}
	m.Revive(at, e.now)
	if m.Status == app.Ended {
		return nil
	}
	_, err := e.tx.Room(m.RoomID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	room, err := e.hub.roomFor(e.tx, e.account, m.PlatformRoom, e.received)
	m.RoomID, m.Room = room.ID, room.Name
	return err
}

// adopt makes a room and a meeting of what exists on the platform but was not made here. former is the meeting that the
// platform's room had before, nil for none.
func (e *effect) adopt(former *roster.Meeting) (m roster.Meeting, found bool, err error) {
	seen := provider.Meeting{ID: e.event.MeetingID, Room: e.event.Room}
	m, err = e.hub.adopt(e.tx, e.account, seen, "", e.event.RoomID, e.about(), former)
	return m, true, err
}

// apply adds the event's evidence.
func (e *effect) apply(m *roster.Meeting) error {
	ev := &e.event
	if m != nil {
		m.Began(e.at())
		m.Began(e.about())
	}
	switch ev.Kind {
	case provider.KindMeetingStarted:
		if ev.Vacant {
			break
		}
		m.Started(e.at())
		if err := e.revive(m, e.at()); err != nil {
			return err
		}
	case provider.KindMeetingEnded:
		m.Over(e.at(), ev.Emptied)
		if ev.Emptied {
			if err := stopRecordings(e.tx, m, e.at()); err != nil {
				return err
			}
		}
	case provider.KindParticipantJoined, provider.KindParticipantLeft,
		provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft:
		if err := e.applyParticipant(m); err != nil {
			return err
		}
	case provider.KindRecordingStarted, provider.KindRecordingReady, provider.KindRecordingFailed:
		return e.applyRecording(m)
	default:
		if m == nil {
			return nil
		}
	}
	if m == nil {
		return nil
	}
	m.Observed(e.received, app.FromWebhook)
	if ev.Kind == provider.KindMeetingStarted || ev.Kind == provider.KindMeetingEnded {
		e.activity(m, "", "")
	}
	return e.tx.PutMeeting(*m)
}

func (e *effect) applyParticipant(m *roster.Meeting) error {
	p := e.event.Participant
	if p == nil || p.Session == "" {
		return errors.New("the event doesn't name a participant")
	}
	s, err := e.tx.Stay(m.ID, p.Session)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	was := s
	if n := e.event.Headcount; n != nil && !e.at().Before(m.ReportedAt.Time) {
		m.Reported, m.ReportedAt = n, app.At(e.at())
	}
	switch e.event.Kind {
	case provider.KindParticipantJoined:
		s.Joined(*p, e.received, app.FromWebhook)
		if err := e.revive(m, s.JoinedAt.Time); err != nil {
			return err
		}
	case provider.KindParticipantLeft:
		s.Left(*p, e.received, app.FromWebhook)
	case provider.KindParticipantWaiting:
		s.Knocked(*p, e.at())
	case provider.KindParticipantWaitingLeft:
		s.GaveUp(*p, e.at())
	}
	if err := e.account.claimRecordings(e.tx, m, p.Session, e.at()); err != nil {
		return err
	}
	if was.JoinedAt != s.JoinedAt || was.LeftReported != s.LeftReported || was.FirstKnock != s.FirstKnock || was.WaitLeft != s.WaitLeft ||
		len(was.Knocks) != len(s.Knocks) {
		e.activity(m, nameOf(s), s.LeftWhy)
	}
	return e.tx.PutStay(m.ID, s)
}

func nameOf(s roster.Stay) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Session
}

func (e *effect) activity(m *roster.Meeting, who, detail string) {
	e.tx.Changed(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{
		At: app.At(e.at()), Account: m.Account, Meeting: m.ID, Room: m.Room, Kind: e.event.Kind, Who: who,
		Detail: detail, Source: app.FromWebhook,
	}})
}

package hub

import (
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// effectOf is what an authentic event changes. Every change is idempotent and commutes with the others, see package
// roster; an error makes the delivery unapplied with that reason.
func (h *Hub) effectOf(a *account, ev provider.Event, received time.Time) func(*store.Tx, *app.Delivery) error {
	switch ev.Kind {
	case provider.KindTest, provider.KindUnknown:
		return nil
	}
	return func(tx *store.Tx, d *app.Delivery) error {
		e := effect{hub: h, tx: tx, account: a, event: ev, received: received}
		m, err := e.meeting()
		if err != nil {
			return err
		}
		if m != nil {
			d.Meeting, d.Room = m.ID, m.Room
		}
		return e.apply(m)
	}
}

type effect struct {
	hub      *Hub
	tx       *store.Tx
	account  *account
	event    provider.Event
	received time.Time
}

// at is when the event happened, as well as is known.
func (e *effect) at() time.Time {
	if e.event.At.IsZero() {
		return e.received
	}
	return e.event.At
}

// meeting finds the meeting that the event is about, and adopts one that isn't known where the event shows that it is
// in use. nil without an error means that the event needs none.
func (e *effect) meeting() (*roster.Meeting, error) {
	ev := e.event
	m, err := e.tx.MeetingByPlatform(e.account.Name, ev.Room, ev.MeetingID)
	if err == nil && e.beginsAnew(m) {
		return e.adopt(ev.Room, ev.MeetingID)
	}
	if err == nil {
		if rec := ev.Recording; rec != nil {
			m, err = nearest(e.tx, m, rec.StartedAt)
		}
		return &m, err
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	switch ev.Kind {
	case provider.KindRecordingStarted, provider.KindRecordingReady, provider.KindRecordingFailed:
		return e.meetingOfRecording()
	case provider.KindTranscriptStarted, provider.KindTranscriptReady, provider.KindTranscriptFailed:
		return nil, nil
	}
	if ev.Room == "" {
		return nil, errors.New("the event names no room")
	}
	return e.adopt(ev.Room, ev.MeetingID)
}

// meetingOfRecording finds a recording's meeting by the recording itself or by who started it; Daily's
// recording.started names no room.
func (e *effect) meetingOfRecording() (*roster.Meeting, error) {
	rec := e.event.Recording
	if rec == nil {
		return nil, errors.New("the event tells of no recording")
	}
	if known, err := e.tx.Recording(e.account.Name, recordingID(rec)); err == nil && known.Meeting != "" {
		m, err := e.tx.Meeting(known.Meeting)
		return &m, err
	}
	if rec.StartedBy == "" {
		return nil, nil
	}
	unended, err := e.tx.Unended()
	if err != nil {
		return nil, err
	}
	for i := range unended {
		if unended[i].Account != e.account.Name {
			continue
		}
		if _, err := e.tx.Stay(unended[i].ID, rec.StartedBy); err == nil {
			return &unended[i], nil
		}
	}
	return nil, nil
}

// beginsAnew says that somebody is in a room that was found on the platform, ended here, and made there again.
func (e *effect) beginsAnew(m roster.Meeting) bool {
	switch e.event.Kind {
	case provider.KindMeetingStarted, provider.KindParticipantJoined, provider.KindParticipantWaiting:
		return m.Adopted && m.Status == app.Ended && m.EndReason == roster.ReasonEndedHere && e.event.Room != "" &&
			e.at().After(m.EndedAt.Add(stragglers))
	}
	return false
}

// stragglers is how long after its end events of a meeting that was ended here may still be about that one.
const stragglers = time.Minute

// revive takes back an end that nobody asked for, and makes the meeting's room again where that was deleted since.
func (e *effect) revive(m *roster.Meeting, at time.Time) error {
	ended := m.Status == app.Ended
	m.Revive(at)
	if !ended || m.Status == app.Ended {
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

// adopt makes a room and a meeting of what exists on the platform but was not made here.
func (e *effect) adopt(platformRoom, platformID string) (*roster.Meeting, error) {
	m, err := e.hub.adopt(e.tx, e.account, provider.Meeting{ID: platformID, Room: platformRoom}, "", e.at())
	return &m, err
}

// apply adds the event's evidence.
func (e *effect) apply(m *roster.Meeting) error {
	ev := e.event
	switch ev.Kind {
	case provider.KindMeetingStarted:
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
	m.Heard(e.received, app.FromWebhook)
	if ev.Kind == provider.KindMeetingStarted || ev.Kind == provider.KindMeetingEnded {
		e.activity(m, "", "")
	}
	return e.tx.PutMeeting(*m)
}

func (e *effect) applyParticipant(m *roster.Meeting) error {
	p := e.event.Participant
	if p == nil || p.Session == "" {
		return errors.New("the event names no participant")
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
		if err := e.claimRecording(m, p.Session); err != nil {
			return err
		}
	case provider.KindParticipantLeft:
		s.Left(*p, e.received, app.FromWebhook)
	case provider.KindParticipantWaiting:
		s.Knocked(*p, e.at())
	case provider.KindParticipantWaitingLeft:
		s.GaveUp(*p, e.at())
	}
	if was.JoinedAt != s.JoinedAt || was.LeftTold != s.LeftTold || was.WaitTold != s.WaitTold || was.WaitLeft != s.WaitLeft {
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

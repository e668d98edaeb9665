package assistant

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/provider"
)

type (
	createRoomInput struct {
		Name    string `json:"name" jsonschema:"name of the room"`
		Account string `json:"account,omitempty" jsonschema:"account that its meetings use; by default the policy chooses"`
		Locked  bool   `json:"locked,omitempty" jsonschema:"guests knock"`
		Size    int    `json:"size,omitempty" jsonschema:"largest number of people"`
	}
	startMeetingInput struct {
		Room    string `json:"room" jsonschema:"name or id of the room"`
		Minutes int    `json:"minutes,omitempty" jsonschema:"length of the booking, eight hours by default"`
	}
	ejectInput struct {
		Meeting string `json:"meeting" jsonschema:"id of the meeting, or its room's name"`
		Person  string `json:"person" jsonschema:"name or session of the person"`
		Ban     bool   `json:"ban,omitempty" jsonschema:"keep the person out, as far as the platform can"`
	}
	recordingInput struct {
		Recording string `json:"recording" jsonschema:"id of the recording"`
		Account   string `json:"account,omitempty" jsonschema:"its account, if several have a recording of that id"`
	}
	replayInput struct {
		Seq   uint64 `json:"seq" jsonschema:"number of the event"`
		To    string `json:"to,omitempty" jsonschema:"send it to this URL; by default Greenroom receives it again"`
		Apply bool   `json:"apply,omitempty" jsonschema:"apply it to meetings again if Greenroom receives it"`
	}
	triggerInput struct {
		Account string `json:"account" jsonschema:"account whose platform sends the webhook"`
		Kind    string `json:"kind" jsonschema:"kind of event, such as participant.joined"`
		Room    string `json:"room,omitempty" jsonschema:"the platform's room that it is about"`
		Name    string `json:"name,omitempty" jsonschema:"name of the participant"`
		Session string `json:"session,omitempty" jsonschema:"id of the participant or the recording"`
	}
)

func (t *server) addChanging() {
	b := t.Backend
	add(t, "create_room", "Create a room.", true, func(ctx context.Context, in createRoomInput) (any, error) {
		return b.CreateRoom(ctx, app.RoomSpec{Name: in.Name, Account: in.Account, Locked: in.Locked, Size: in.Size})
	})
	add(t, "start_meeting", "Start a meeting in a room, or return the one that is already open. The result contains the guest "+
		"link.", true, t.startMeeting)
	add(t, "end_meeting", "End a meeting and remove the people in it.", true, func(ctx context.Context, in meetingInput) (any, error) {
		return b.EndMeeting(ctx, app.MeetingRef{Ref: in.Meeting})
	})
	add(t, "eject", "Remove a person from a meeting.", true, t.eject)
	add(t, "start_recording", "Start a meeting's recording.", true, func(ctx context.Context, in meetingInput) (any, error) {
		return b.StartRecording(ctx, app.RecordingSwitch{Meeting: in.Meeting})
	})
	add(t, "stop_recording", "Stop a meeting's recording.", true, func(ctx context.Context, in meetingInput) (any, error) {
		return b.StopRecording(ctx, app.RecordingSwitch{Meeting: in.Meeting})
	})
	add(t, "download_recording", "Start downloading a recording to this machine; list_recordings shows the progress.", true,
		func(ctx context.Context, in recordingInput) (any, error) {
			return b.DownloadRecording(ctx, app.DownloadRequest{RecordingRef: app.RecordingRef{Account: in.Account, ID: in.Recording}, Wait: true})
		})
	add(t, "replay_event", "Send a webhook again: to a URL, or to Greenroom itself, which only stores it unless apply is set.", true, t.replay)
	add(t, "trigger_event", "Post a synthetic webhook to Greenroom, signed the way the account's platform signs.", true, t.trigger)
}

// startMeeting starts a meeting. The result has no host link, and consent is left to the people who open the meeting.
func (t *server) startMeeting(ctx context.Context, in startMeetingInput) (any, error) {
	s, err := t.Backend.StartMeeting(ctx, app.StartMeeting{Room: in.Room, For: time.Duration(max(in.Minutes, 0)) * time.Minute})
	return struct {
		app.Meeting
		Reused bool     `json:"reused"`
		Notes  []string `json:"notes,omitempty"`
	}{s.Meeting, s.Reused, s.Notes}, err
}

func (t *server) eject(ctx context.Context, in ejectInput) (any, error) {
	m, err := t.Backend.Meeting(ctx, app.MeetingRef{Ref: in.Meeting})
	if err != nil {
		return nil, err
	}
	var sessions []string
	for _, s := range m.Participants {
		if s.Session == in.Person {
			sessions = []string{s.Session}
			break
		}
		if s.LeftAt.IsZero() && !s.Bot && latin.Same(s.Name, in.Person) {
			sessions = append(sessions, s.Session)
		}
	}
	switch len(sessions) {
	case 0:
		return nil, &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("%q is not in the meeting", in.Person), Hint: "show_meeting lists the people"}
	case 1:
		return t.Backend.Eject(ctx, app.Ejection{Meeting: m.ID, Session: sessions[0], Ban: in.Ban})
	}
	return nil, &app.Error{Kind: provider.Invalid, Text: fmt.Sprintf("%d people are called "+
		"%q", len(sessions), in.Person), Hint: "use the session instead"}
}

func (t *server) trigger(ctx context.Context, in triggerInput) (any, error) {
	e := app.SyntheticWebhook{
		Account: in.Account, Kind: provider.EventKind(in.Kind), Name: in.Name,
		ID: "synthetic-" + strings.ToLower(rand.Text()), At: app.At(t.Now()),
	}
	e.Room, e.Session = cmp.Or(in.Room, "greenroom-trigger"), cmp.Or(in.Session, strings.ToLower(rand.Text()))
	made, err := t.Backend.SignWebhook(ctx, e)
	if err != nil {
		return nil, err
	}
	return t.Backend.Ingest(ctx, app.Inbound{
		Account: in.Account, Method: made.Method, Target: "/hooks/" + in.Account, Header: made.Header, Body: made.Body, ReceivedAt: t.Now(),
	})
}

// replay sends an event again.
func (t *server) replay(ctx context.Context, in replayInput) (any, error) {
	if in.To == "" {
		return t.Backend.Replay(ctx, app.Replay{Seq: in.Seq, Apply: in.Apply})
	}
	if _, err := app.ForwardURL(in.To); err != nil {
		return nil, &app.Error{Kind: provider.Invalid, Text: "the URL can't be used", Hint: err.Error()}
	}
	d, err := t.Backend.Event(ctx, app.EventRef{Seq: in.Seq})
	if err != nil {
		return nil, err
	}
	signed, err := t.Backend.Resign(ctx, app.ResignRequest{IfStale: true, Request: app.Inbound{
		Account: d.Account, Method: d.Method, Target: d.Target, Header: d.Headers, Body: d.Body, ReceivedAt: d.At.Time,
	}})
	if err != nil {
		return nil, err
	}
	d.Headers = signed.Header
	a := t.Send(ctx, app.ForwardTarget{URL: in.To}, d)
	return map[string]any{"seq": in.Seq, "status": a.Status, "ms": a.Ms, "answer": a.Answer, "error": a.Error}, nil
}

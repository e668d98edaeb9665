package daily

import (
	"cmp"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// kinds maps Daily's events to the common vocabulary; everything else is unknown.
var kinds = map[string]provider.EventKind{
	"meeting.started":              provider.KindMeetingStarted,
	"meeting.ended":                provider.KindMeetingEnded,
	"participant.joined":           provider.KindParticipantJoined,
	"participant.left":             provider.KindParticipantLeft,
	"waiting-participant.joined":   provider.KindParticipantWaiting,
	"waiting-participant.left":     provider.KindParticipantWaitingLeft,
	"recording.started":            provider.KindRecordingStarted,
	"recording.ready-to-download":  provider.KindRecordingReady,
	"recording.error":              provider.KindRecordingFailed,
	"transcript.started":           provider.KindTranscriptStarted,
	"transcript.ready-to-download": provider.KindTranscriptReady,
	"transcript.error":             provider.KindTranscriptFailed,
}

// envelope is the outer object of every event. Older descriptions call event_ts timestamp.
type envelope struct {
	Type      rest.Text `json:"type"`
	ID        rest.Text `json:"id"`
	Payload   payload   `json:"payload"`
	EventTS   rest.Time `json:"event_ts"`
	Timestamp rest.Time `json:"timestamp"`
}

// payload has the fields that we read of all events. Its meeting_id is the id of a session, not of a room, so it isn't read.
type payload struct {
	Room          rest.Text              `json:"room"`
	RoomName      rest.Text              `json:"room_name"`
	RoomID        rest.Text              `json:"room_id"`
	SessionID     rest.Text              `json:"session_id"`
	ParticipantID rest.Text              `json:"participant_id"`
	UserID        rest.Text              `json:"user_id"`
	UserName      rest.Text              `json:"user_name"`
	Owner         rest.Flag              `json:"owner"`
	JoinedAt      rest.Time              `json:"joined_at"`
	Duration      rest.Number            `json:"duration"`
	StartTS       rest.Time              `json:"start_ts"`
	EndTS         rest.Time              `json:"end_ts"`
	Timestamp     rest.Time              `json:"timestamp"`
	RecordingID   rest.Text              `json:"recording_id"`
	InstanceID    rest.Text              `json:"instance_id"`
	StartedBy     rest.Text              `json:"started_by"`
	Type          rest.Text              `json:"type"`
	S3Key         rest.Text              `json:"s3_key"`
	DownloadURL   rest.Text              `json:"download_url"`
	Tracks        rest.List[trackObject] `json:"tracks"`
	ErrorMsg      rest.Text              `json:"error_msg"`
	Error         rest.Text              `json:"error"`
	// unread marks a payload that is not an object.
	unread bool
}

var envelopeFields, payloadFields = rest.FieldsOf[envelope](), rest.FieldsOf[payload]()

// ReadValue implements [rest.Nested].
func (in *payload) ReadValue(v rest.Value) {
	if in.unread {
		*in = payload{}
	}
	if !payloadFields.Read(v, in) {
		*in = payload{unread: true}
	}
}

// ReadWebhook verifies a request with the account's secrets (X-Webhook-Signature over X-Webhook-Timestamp and the exact body) and
// parses the event. It never returns an error: the result is in the verdict.
func (p *Provider) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	keys := p.keysFor(r.Secrets)
	if keys.isTestPing(r) {
		return provider.Webhook{
			Verdict: provider.Unverified, Ping: true, Reason: "the platform's test request, which has no effect",
			Event: provider.Event{Kind: provider.KindTest, Type: "test"},
		}, nil
	}
	verdict, missing, reason := keys.verify(r)
	event, unread := readEvent(r.Body)
	if verdict == provider.Verified {
		reason = unread
	}
	return provider.Webhook{Verdict: verdict, Missing: missing, Wrong: reason == wrong, Reason: reason, Event: event}, nil
}

// readEvent parses a body as far as possible, and returns a description of the rest.
func readEvent(body []byte) (provider.Event, string) {
	if isPing(body) {
		return provider.Event{Kind: provider.KindTest, Type: "test"}, ""
	}
	unknown := provider.Event{Kind: provider.KindUnknown}
	var env envelope
	if v, ok := rest.Parse(body); !ok || !envelopeFields.Read(v, &env) {
		return unknown, "the body is not a JSON event"
	}
	event := provider.Event{
		Kind: provider.KindUnknown, Type: env.Type.ID(), ID: env.ID.ID(), At: cmp.Or(env.EventTS, env.Timestamp).Time,
	}
	if env.Type == "" {
		return event, "the event has no type"
	}
	in := &env.Payload
	if in.unread {
		return event, "the event's payload doesn't match the platform's documentation"
	}
	event.Room = cmp.Or(in.Room, in.RoomName).Room()
	event.MeetingID = in.RoomID.ID()
	kind, known := kinds[string(env.Type)]
	if !known {
		return event, ""
	}
	event.Kind = kind
	switch kind {
	case provider.KindMeetingStarted:
		at(&event, in.StartTS.Time)
	case provider.KindMeetingEnded:
		at(&event, in.EndTS.Time)
		event.Emptied = true
	case provider.KindParticipantJoined, provider.KindParticipantLeft,
		provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft:
		in.participant(&event)
		if event.Participant.Session == "" {
			return event, "the event doesn't name a participant"
		}
	case provider.KindRecordingStarted, provider.KindRecordingReady, provider.KindRecordingFailed:
		in.recording(&event)
	}
	return event, ""
}

// at sets the time of an event if the payload has it: the envelope's time is when it was sent.
func at(e *provider.Event, t time.Time) {
	if !t.IsZero() {
		e.At = t
	}
}

// participant parses a participant's event. A leaver's event has the time of joining and the length of the stay.
func (in *payload) participant(e *provider.Event) {
	who := &provider.Participant{
		Session: cmp.Or(in.SessionID, in.ParticipantID).ID(), Name: in.UserName.Name(), UserID: in.UserID.ID(),
		Role: provider.RoleGuest, JoinedAt: in.JoinedAt.Time,
	}
	if in.Owner {
		who.Role, who.PlatformRole = provider.RoleHost, "owner"
	}
	e.Participant = who
	switch e.Kind {
	case provider.KindParticipantJoined, provider.KindParticipantWaiting:
		at(e, in.JoinedAt.Time)
		who.JoinedAt = e.At
	default:
		if !in.JoinedAt.IsZero() && in.Duration.Given {
			at(e, in.JoinedAt.Add(in.Duration.Seconds()))
		}
		who.LeftAt = e.At
	}
}

// recording parses a recording's event. Daily's recording.started names no room.
func (in *payload) recording(e *provider.Event) {
	rec := &provider.RecordingEvent{
		ID: in.RecordingID.ID(), Instance: in.InstanceID.ID(), StartedBy: in.StartedBy.ID(),
		Kind: recordingKind(in.Type, len(in.Tracks), in.S3Key), StartedAt: in.StartTS.Time,
		Duration: in.Duration.Seconds(), Files: files(in.Tracks, in.S3Key),
	}
	e.Recording = rec
	switch e.Kind {
	case provider.KindRecordingStarted:
		at(e, in.StartTS.Time)
	case provider.KindRecordingReady:
		if len(rec.Files) == 0 {
			rec.Files = linked(in.DownloadURL)
			if len(rec.Files) > 0 && rec.Kind == "" {
				rec.Kind = "cloud"
			}
		}
	case provider.KindRecordingFailed:
		at(e, in.Timestamp.Time)
		rec.Error = cmp.Or(in.ErrorMsg, in.Error).Name()
	}
}

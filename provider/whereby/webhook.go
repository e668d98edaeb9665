package whereby

import (
	"encoding/json"
	"math"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// kinds maps Whereby's events to the common vocabulary; everything else is unknown.
var kinds = map[string]provider.EventKind{
	"room.session.started":       provider.KindMeetingStarted,
	"room.session.ended":         provider.KindMeetingEnded,
	"room.client.joined":         provider.KindParticipantJoined,
	"room.client.left":           provider.KindParticipantLeft,
	"room.client.knocked":        provider.KindParticipantWaiting,
	"room.client.knockCancelled": provider.KindParticipantWaitingLeft,
	"recording.finished":         provider.KindRecordingReady,
	"transcription.started":      provider.KindTranscriptStarted,
	"transcription.finished":     provider.KindTranscriptReady,
	"transcription.failed":       provider.KindTranscriptFailed,
}

// envelope is the outer object of every event.
type envelope struct {
	ID        rest.Text       `json:"id"`
	CreatedAt rest.Time       `json:"createdAt"`
	Type      rest.Text       `json:"type"`
	Data      json.RawMessage `json:"data"`
}

// data has the fields that we read of all events. Events about recordings and transcriptions have no meetingId.
type data struct {
	MeetingID     rest.Text       `json:"meetingId"`
	RoomName      rest.Text       `json:"roomName"`
	ParticipantID rest.Text       `json:"participantId"`
	DisplayName   rest.Text       `json:"displayName"`
	ExternalID    rest.Text       `json:"externalId"`
	RoleName      rest.Text       `json:"roleName"`
	NumClients    rest.Number     `json:"numClients"`
	ByRole        json.RawMessage `json:"numClientsByRoleName"`
	RecordingID   rest.Text       `json:"recordingId"`
	Filename      rest.Text       `json:"filename"`
	Status        rest.Text       `json:"status"`
}

// ReadWebhook verifies a request with the account's secrets (Whereby-Signature over its time and the body) and parses the event.
// It never returns an error: the result is in the verdict.
func (p *Provider) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	verdict, missing, reason := p.verify(r)
	event, unread := p.readEvent(r.Body)
	if verdict == provider.Verified {
		reason = unread
	}
	return provider.Webhook{Verdict: verdict, Missing: missing, Wrong: reason == wrong, Reason: reason, Event: event}, nil
}

// readEvent parses a body as far as possible, and returns a description of the rest.
func (p *Provider) readEvent(body []byte) (provider.Event, string) {
	var env envelope
	if err := json.Unmarshal(body, &env); err != nil {
		return provider.Event{Kind: provider.KindUnknown}, "the body is not a JSON event"
	}
	event := provider.Event{
		Kind: provider.KindUnknown, Type: env.Type.ID(), ID: env.ID.ID(), At: env.CreatedAt.Time,
	}
	if env.Type == "" {
		return event, "the event has no type"
	}
	var in data
	if len(env.Data) > 0 {
		if err := json.Unmarshal(env.Data, &in); err != nil {
			return event, "the event's data doesn't match the platform's documentation"
		}
	}
	event.MeetingID, event.Room = in.MeetingID.ID(), in.RoomName.Room()
	kind, known := kinds[string(env.Type)]
	if !known {
		return event, ""
	}
	event.Kind = kind
	switch kind {
	case provider.KindParticipantJoined, provider.KindParticipantLeft,
		provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft:
		in.participant(&event)
		if event.Participant.Session == "" {
			return event, "the event doesn't name a participant"
		}
	case provider.KindRecordingReady:
		file := in.Filename.Name()
		name, _ := object.Whereby(file)
		event.Recording = &provider.RecordingEvent{
			ID: in.RecordingID.ID(), Kind: "cloud", StartedAt: name.Start, Files: p.files(file),
		}
	}
	return event, ""
}

// participant parses a client's event. Only the envelope has the time.
func (in *data) participant(e *provider.Event) {
	role, word := roleOf(in.RoleName)
	who := &provider.Participant{
		Session: in.ParticipantID.ID(), Name: in.DisplayName.Name(), UserID: in.ExternalID.ID(),
		Role: role, PlatformRole: word,
	}
	e.Participant = who
	switch e.Kind {
	case provider.KindParticipantJoined:
		who.JoinedAt, e.Headcount = e.At, in.people()
	case provider.KindParticipantLeft:
		who.LeftAt, e.Headcount = e.At, in.people()
	case provider.KindParticipantWaitingLeft:
		who.LeftAt = e.At
	}
}

// people returns the number of clients after the event without programs; nil if unknown.
func (in *data) people() *int {
	var roles map[rest.Text]rest.Number
	_ = json.Unmarshal(in.ByRole, &roles)
	all, bots, sum := in.NumClients.Value, 0.0, 0.0
	for word, n := range roles {
		count := math.Max(n.Value, 0)
		sum += count
		if role, _ := roleOf(word); role == provider.RoleBot {
			bots += count
		}
	}
	if !in.NumClients.Given {
		if len(roles) == 0 {
			return nil
		}
		all = sum
	}
	n := int(math.Min(math.Max(all-bots, 0), 1e6))
	return &n
}

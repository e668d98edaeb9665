package whereby

import (
	"cmp"
	"encoding/hex"
	"maps"
	"net/http"
	"strconv"

	"greenroom/internal/plain"
	"greenroom/provider"
)

var _ provider.Synthesizer = (*Provider)(nil)

// Synthesize returns a webhook as Whereby sends it.
func (p *Provider) Synthesize(e provider.SyntheticEvent) (provider.WebhookRequest, error) {
	return p.client.Synthesize(e, synthesize, func(op string, body []byte) (http.Header, error) {
		secrets := p.secrets
		if e.Secret != "" {
			secrets = [][]byte{[]byte(e.Secret)}
		}
		if len(secrets) == 0 {
			return nil, p.client.Refuse(provider.Invalid, op, string(e.Kind), "there is no secret to sign with", p.checkSecret().Hint)
		}
		stamp := strconv.FormatInt(e.Signed().Unix(), 10)
		return http.Header{
			"Content-Type": {"application/json"}, headerSignature: {"t=" + stamp + ",v1=" + hex.EncodeToString(sign(secrets[0], stamp, body))},
		}, nil
	})
}

// The events in Whereby's form and order of keys.
type (
	syntheticEvent struct {
		ID         string `json:"id"`
		APIVersion string `json:"apiVersion"`
		CreatedAt  string `json:"createdAt"`
		Type       string `json:"type"`
		Data       any    `json:"data"`
	}
	syntheticPlace struct {
		MeetingID string `json:"meetingId"`
		RoomName  string `json:"roomName"`
		Subdomain string `json:"subdomain"`
	}
	syntheticSession struct {
		syntheticPlace
		RoomSessionID string `json:"roomSessionId"`
	}
	syntheticClient struct {
		syntheticPlace
		DisplayName   string `json:"displayName"`
		RoomSessionID string `json:"roomSessionId"`
		ParticipantID string `json:"participantId"`
	}
	syntheticCounted struct {
		syntheticClient
		RoleName   string         `json:"roleName"`
		NumClients int            `json:"numClients"`
		ByRole     map[string]int `json:"numClientsByRoleName"`
		IsDialIn   bool           `json:"isDialIn"`
	}
	syntheticRecording struct {
		Filename    string `json:"filename"`
		RecordingID string `json:"recordingId"`
		RoomName    string `json:"roomName"`
		Status      string `json:"status"`
	}
	syntheticTranscription struct {
		RoomName        string `json:"roomName"`
		RoomSessionID   string `json:"roomSessionId"`
		TranscriptionID string `json:"transcriptionId"`
		Type            string `json:"type"`
		Status          string `json:"status"`
		Filename        string `json:"filename,omitempty"`
		StorageType     string `json:"storageType,omitempty"`
		Duration        int    `json:"durationInSeconds,omitempty"`
		Error           string `json:"error,omitempty"`
	}
)

// synthesize returns the body, or nil if Whereby has no such event.
func synthesize(e provider.SyntheticEvent) ([]byte, error) {
	word := e.Word(types())
	if word == "" {
		return nil, nil
	}
	conference := cmp.Or(e.Conference, e.ID)
	place := syntheticPlace{MeetingID: e.MeetingID, RoomName: "/" + e.Room, Subdomain: "synthetic"}
	client := syntheticClient{syntheticPlace: place, DisplayName: e.Name, RoomSessionID: conference, ParticipantID: e.Session}
	transcription := syntheticTranscription{
		RoomName: place.RoomName, RoomSessionID: conference, TranscriptionID: e.Session, Type: "LIVE_TRANSCRIPTION",
	}
	counted := func(alone int) syntheticCounted {
		if e.Here != nil {
			alone = *e.Here
		}
		return syntheticCounted{syntheticClient: client, RoleName: "visitor", NumClients: alone, ByRole: map[string]int{"visitor": alone}}
	}
	var in any
	switch e.Kind {
	case provider.KindMeetingStarted, provider.KindMeetingEnded:
		in = syntheticSession{place, conference}
	case provider.KindParticipantJoined:
		in = counted(1)
	case provider.KindParticipantLeft:
		in = counted(0)
	case provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft:
		in = client
	case provider.KindRecordingReady:
		start := e.At
		if !e.Since.IsZero() {
			start = e.Since
		}
		in = syntheticRecording{
			Filename:    e.Room + "-" + start.UTC().Format("2006-01-02T15:04:05Z") + ".mp4",
			RecordingID: e.Session, RoomName: place.RoomName, Status: "completed",
		}
	case provider.KindTranscriptStarted:
		transcription.Status = "in_progress"
		in = transcription
	case provider.KindTranscriptReady:
		transcription.Status, transcription.Filename = "ready", e.Room+".vtt"
		transcription.StorageType, transcription.Duration = "WHEREBY_HOSTED", max(int(e.Lasted().Seconds()), 1)
		in = transcription
	case provider.KindTranscriptFailed:
		transcription.Status, transcription.Error = "failed", "synthetic failure"
		in = transcription
	default: // assistant.requested
		in = place
	}
	return plain.Stringify(syntheticEvent{e.ID, "1.0", iso(e.At), word, in})
}

// types maps Whereby's names of the events that can be synthesized to their kinds.
func types() map[string]provider.EventKind {
	out := maps.Clone(kinds)
	out["assistant.requested"] = provider.KindUnknown
	return out
}

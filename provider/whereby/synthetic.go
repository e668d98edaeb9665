package whereby

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"

	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/provider/rest"
)

var _ provider.Synthesizer = (*Provider)(nil)

// Synthesize returns a webhook as Whereby sends it.
func (p *Provider) Synthesize(e provider.SyntheticEvent) (provider.WebhookRequest, error) {
	const op = "make webhook"
	body, err := e.Body, error(nil)
	if body == nil {
		body, err = synthesize(e)
	}
	if err != nil {
		return provider.WebhookRequest{}, fmt.Errorf("whereby: %s: %w", op, err)
	}
	if body == nil {
		return provider.WebhookRequest{}, p.client.Refuse(provider.Unsupported, op, string(e.Kind), "Whereby doesn't send this kind of event", "")
	}
	secrets := p.secrets
	if e.Secret != "" {
		secrets = [][]byte{[]byte(e.Secret)}
	}
	if len(secrets) == 0 {
		return provider.WebhookRequest{}, p.client.Refuse(provider.Invalid, op, string(e.Kind), "there is no secret to sign with", p.checkSecret().Hint)
	}
	stamp := strconv.FormatInt(e.Signed().Unix(), 10)
	mac := hmac.New(sha256.New, secrets[0])
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(headerSignature, "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	return provider.WebhookRequest{Method: http.MethodPost, Header: h, Body: body, ReceivedAt: e.Signed()}, nil
}

// The events in Whereby's form and order of keys.
type (
	syntheticEvent struct {
		ID         string    `json:"id"`
		APIVersion string    `json:"apiVersion"`
		CreatedAt  string    `json:"createdAt"`
		Type       rest.Text `json:"type"`
		Data       any       `json:"data"`
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
	word := wordOf(e)
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

// wordOf returns Whereby's name of an event, or "" if it has none.
func wordOf(e provider.SyntheticEvent) rest.Text {
	for word, kind := range types() {
		if kind == e.Kind && (e.Type == "" || e.Type == word) {
			return rest.Text(word)
		}
	}
	return ""
}

// types maps Whereby's names of the events that can be synthesized to their kinds.
func types() map[string]provider.EventKind {
	out := make(map[string]provider.EventKind, len(kinds)+1)
	for word, kind := range kinds {
		out[string(word)] = kind
	}
	out["assistant.requested"] = provider.KindUnknown
	return out
}

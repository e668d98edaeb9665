package daily

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/provider/rest"
)

var _ provider.Synthesizer = (*Provider)(nil)

// Synthesize returns a webhook as Daily sends it.
func (p *Provider) Synthesize(e provider.SyntheticEvent) (provider.WebhookRequest, error) {
	return p.client.Synthesize(e, synthesize, func(op string, body []byte) (http.Header, error) {
		keys := p.keys
		if e.Secret != "" {
			keys = keyring{simple: keys.simple}
			keys.add(e.Secret)
		}
		h := http.Header{"Content-Type": {"application/json"}}
		switch {
		case len(keys.plain) > 0:
			h.Set(headerSimple, hex.EncodeToString(rest.MAC(keys.plain[0], body)))
		case len(keys.decoded) > 0:
			stamp := strconv.FormatInt(e.Signed().UnixMilli(), 10)
			h.Set(headerTimestamp, stamp)
			h.Set(headerSignature, base64.StdEncoding.EncodeToString(sign(keys.decoded[0], stamp, body)))
		case e.Secret != "":
			return nil, p.client.Refuse(provider.Invalid, op, string(e.Kind), "the given secret can't be used: Daily's secrets are base64",
				"give the hmac of a Daily webhook")
		default:
			return nil, p.client.Refuse(provider.Invalid, op, string(e.Kind), "there is no secret to sign with", p.keys.hint)
		}
		return h, nil
	})
}

// The events in Daily's form and order of keys.
type (
	syntheticEvent struct {
		Version string  `json:"version"`
		Type    string  `json:"type"`
		ID      string  `json:"id"`
		Payload any     `json:"payload"`
		EventTS float64 `json:"event_ts"`
	}
	syntheticMeeting struct {
		StartTS   float64  `json:"start_ts"`
		EndTS     *float64 `json:"end_ts,omitempty"`
		MeetingID string   `json:"meeting_id"`
		Room      string   `json:"room"`
	}
	syntheticPerson struct {
		Room        string   `json:"room"`
		UserID      string   `json:"user_id"`
		UserName    string   `json:"user_name"`
		SessionID   string   `json:"session_id"`
		JoinedAt    float64  `json:"joined_at"`
		Duration    float64  `json:"duration,omitempty"`
		WillEjectAt *float64 `json:"will_eject_at"`
		Owner       bool     `json:"owner"`
		Permissions struct {
			HasPresence bool `json:"hasPresence"`
			CanSend     bool `json:"canSend"`
			CanAdmin    bool `json:"canAdmin"`
		} `json:"permissions"`
	}
	syntheticRecordingStarted struct {
		Action      string            `json:"action"`
		RecordingID string            `json:"recording_id"`
		Layout      map[string]string `json:"layout"`
		InstanceID  string            `json:"instance_id"`
		StartTS     int64             `json:"start_ts"`
		RoomName    string            `json:"room_name"` // not in Daily's schema: without it the event has no room
	}
	syntheticRecordingReady struct {
		Type        string `json:"type"`
		RecordingID string `json:"recording_id"`
		RoomName    string `json:"room_name"`
		StartTS     int64  `json:"start_ts"`
		Status      string `json:"status"`
		Duration    int    `json:"duration"`
		S3Key       string `json:"s3_key"`
	}
	syntheticRecordingFailed struct {
		Action     string `json:"action"`
		ErrorMsg   string `json:"error_msg"`
		InstanceID string `json:"instance_id"`
		RoomName   string `json:"room_name"`
		Timestamp  int64  `json:"timestamp"`
	}
	syntheticTranscript struct {
		ID        string `json:"id"`
		RoomID    string `json:"room_id,omitempty"`
		RoomName  string `json:"room_name"`
		Duration  int    `json:"duration,omitempty"`
		Status    string `json:"status"`
		OutParams any    `json:"out_params"`
		Error     string `json:"error,omitempty"`
	}
	syntheticOutput struct {
		S3 struct {
			Key    string `json:"key"`
			Bucket string `json:"bucket"`
			Region string `json:"region"`
		} `json:"s3"`
	}
)

// synthesize returns the body, or nil if Daily has no such event.
func synthesize(e provider.SyntheticEvent) ([]byte, error) {
	word := e.Word(types())
	if e.Type == "" && e.Kind == provider.KindUnknown {
		word = others[0]
	}
	switch {
	case e.Kind == provider.KindTest:
		return []byte(ping), nil
	case word == "":
		return nil, nil
	}
	now, version := unix(e.At), "1.0.0"
	began := unix(e.At.Add(-e.Lasted()))
	conference := cmp.Or(e.Conference, e.Session)
	person := syntheticPerson{Room: e.Room, UserID: e.Session, UserName: e.Name, SessionID: e.Session, JoinedAt: now}
	person.Permissions.HasPresence, person.Permissions.CanSend = true, true
	transcript := syntheticTranscript{ID: e.Session, RoomID: e.MeetingID, RoomName: e.Room}
	var payload any
	switch e.Kind {
	case provider.KindMeetingStarted:
		payload = syntheticMeeting{StartTS: now, MeetingID: conference, Room: e.Room}
	case provider.KindMeetingEnded:
		payload = syntheticMeeting{StartTS: began, EndTS: &now, MeetingID: conference, Room: e.Room}
	case provider.KindParticipantJoined, provider.KindParticipantWaiting:
		payload = person
	case provider.KindParticipantLeft, provider.KindParticipantWaitingLeft:
		person.JoinedAt, person.Duration = began, e.Lasted().Seconds()
		payload = person
	case provider.KindRecordingStarted:
		payload = syntheticRecordingStarted{
			Action: "start-cloud-recording", RecordingID: e.Session, Layout: map[string]string{"preset": "default"},
			InstanceID: e.Session, StartTS: e.At.Unix(), RoomName: e.Room,
		}
	case provider.KindRecordingReady:
		start := e.At.Add(-e.Lasted())
		payload = syntheticRecordingReady{
			Type: "cloud", RecordingID: e.Session, RoomName: e.Room, StartTS: start.Unix(), Status: "finished",
			Duration: max(int(e.At.Unix()-start.Unix()), 1), S3Key: fmt.Sprintf("synthetic/%s/%d", e.Room, start.UnixMilli()),
		}
	case provider.KindRecordingFailed:
		payload = syntheticRecordingFailed{
			Action: "cloud-recording-error", ErrorMsg: "synthetic failure", InstanceID: e.Session, RoomName: e.Room,
			Timestamp: e.At.Unix(),
		}
	case provider.KindTranscriptStarted:
		version, transcript.Status = "1.1.0", "t_in_progress"
		payload = transcript
	case provider.KindTranscriptReady:
		var out syntheticOutput
		out.S3.Key, out.S3.Bucket, out.S3.Region = fmt.Sprintf("synthetic/%s/%d.vtt", e.Room, e.At.UnixMilli()), "synthetic", "us-west-2"
		version, transcript.Status, transcript.Duration, transcript.OutParams = "1.1.0", "t_finished", max(int(e.Lasted().Seconds()), 1), out
		payload = transcript
	case provider.KindTranscriptFailed:
		version, transcript.Status, transcript.Error = "1.1.0", "t_error", "synthetic failure"
		payload = transcript
	default:
		payload = other(word, e)
	}
	return plain.Stringify(syntheticEvent{version, word, e.ID, payload, now})
}

// unix returns a time as Daily writes it: seconds with a fraction.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }

// types maps Daily's names of the events that can be synthesized to their kinds.
func types() map[string]provider.EventKind {
	out := maps.Clone(kinds)
	for _, word := range others {
		out[word] = provider.KindUnknown
	}
	return out
}

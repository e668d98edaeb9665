package daily

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"greenroom/provider"
)

var _ provider.Synthesizer = (*Provider)(nil)

// minute is how long those stay, and recordings last, whose end is synthesized, in seconds.
const minute = 60

// Synthesize makes a webhook as Daily sends it.
func (p *Provider) Synthesize(e provider.SyntheticEvent) (provider.WebhookRequest, error) {
	const op = "make webhook"
	body, err := synthesize(e)
	if err != nil {
		return provider.WebhookRequest{}, fmt.Errorf("daily: %s: %w", op, err)
	}
	if body == nil {
		return provider.WebhookRequest{}, p.client.Refuse(provider.Unsupported, op, string(e.Kind), "Daily sends nothing of this kind", "")
	}
	keys := p.keys
	if e.Secret != "" {
		keys = keyring{simple: keys.simple}
		keys.add(e.Secret)
	}
	h := http.Header{"Content-Type": {"application/json"}}
	switch {
	case len(keys.plain) > 0:
		mac := hmac.New(sha256.New, keys.plain[0])
		mac.Write(body)
		h.Set(headerSimple, hex.EncodeToString(mac.Sum(nil)))
	case len(keys.decoded) > 0:
		stamp := strconv.FormatInt(e.At.UnixMilli(), 10)
		mac := hmac.New(sha256.New, keys.decoded[0])
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		h.Set(headerTimestamp, stamp)
		h.Set(headerSignature, base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	default:
		return provider.WebhookRequest{}, p.client.Refuse(provider.Invalid, op, string(e.Kind), "there is no secret to sign with", p.keys.hint)
	}
	return provider.WebhookRequest{Method: http.MethodPost, Header: h, Body: body, ReceivedAt: e.At}, nil
}

// synthesize makes the body; nil when Daily has no such event.
func synthesize(e provider.SyntheticEvent) ([]byte, error) {
	if e.Kind == provider.KindTest {
		return []byte(ping), nil
	}
	now := float64(e.At.UnixMilli()) / 1e3
	person := map[string]any{
		"room": e.Room, "session_id": e.Session, "user_id": e.Session, "user_name": e.Name, "joined_at": now, "owner": false,
		"will_eject_at": nil, "permissions": map[string]any{"hasPresence": true, "canSend": true, "canAdmin": false},
	}
	var payload map[string]any
	switch e.Kind {
	case provider.KindMeetingStarted:
		payload = map[string]any{"room": e.Room, "meeting_id": e.Session, "start_ts": now}
	case provider.KindMeetingEnded:
		payload = map[string]any{"room": e.Room, "meeting_id": e.Session, "start_ts": now - minute, "end_ts": now}
	case provider.KindParticipantJoined, provider.KindParticipantWaiting:
		payload = person
	case provider.KindParticipantLeft, provider.KindParticipantWaitingLeft:
		payload = person
		payload["joined_at"], payload["duration"] = now-minute, minute
	case provider.KindRecordingStarted:
		payload = map[string]any{
			"recording_id": e.Session, "instance_id": e.Session, "action": "start-cloud-recording", "room_name": e.Room,
			"start_ts": e.At.Unix(), "layout": map[string]any{"preset": "default"},
		}
	case provider.KindRecordingReady:
		payload = map[string]any{
			"recording_id": e.Session, "room_name": e.Room, "type": "cloud", "status": "finished", "duration": minute,
			"start_ts": e.At.Unix() - minute, "s3_key": fmt.Sprintf("synthetic/%s/%d", e.Room, e.At.UnixMilli()),
		}
	case provider.KindRecordingFailed:
		payload = map[string]any{
			"instance_id": e.Session, "room_name": e.Room, "action": "cloud-recording-error", "error_msg": "synthetic failure",
			"timestamp": e.At.Unix(),
		}
	default:
		return nil, nil
	}
	for word, kind := range kinds {
		if kind == e.Kind {
			return json.Marshal(map[string]any{
				"version": "1.0.0", "type": string(word), "id": e.ID, "payload": payload, "event_ts": now,
			})
		}
	}
	return nil, nil
}

package whereby

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"greenroom/provider"
)

var _ provider.Synthesizer = (*Provider)(nil)

// Synthesize makes a webhook as Whereby sends it.
func (p *Provider) Synthesize(e provider.SyntheticEvent) (provider.WebhookRequest, error) {
	const op = "make webhook"
	body, err := synthesize(e)
	if err != nil {
		return provider.WebhookRequest{}, fmt.Errorf("whereby: %s: %w", op, err)
	}
	if body == nil {
		return provider.WebhookRequest{}, p.client.Refuse(provider.Unsupported, op, string(e.Kind), "Whereby sends nothing of this kind", "")
	}
	secrets := p.secrets
	if e.Secret != "" {
		secrets = [][]byte{[]byte(e.Secret)}
	}
	if len(secrets) == 0 {
		return provider.WebhookRequest{}, p.client.Refuse(provider.Invalid, op, string(e.Kind), "there is no secret to sign with", p.checkSecret().Hint)
	}
	stamp := strconv.FormatInt(e.At.Unix(), 10)
	mac := hmac.New(sha256.New, secrets[0])
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	h := http.Header{"Content-Type": {"application/json"}}
	h.Set(headerSignature, "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	return provider.WebhookRequest{Method: http.MethodPost, Header: h, Body: body, ReceivedAt: e.At}, nil
}

// synthesize makes the body; nil when Whereby has no such event.
func synthesize(e provider.SyntheticEvent) ([]byte, error) {
	in := map[string]any{"meetingId": e.MeetingID, "roomName": "/" + e.Room, "subdomain": "synthetic"}
	person := func(here int) {
		in["displayName"], in["participantId"], in["roomSessionId"] = e.Name, e.Session, e.ID
		if here >= 0 {
			in["roleName"], in["numClients"], in["isDialIn"] = "visitor", here, false
			in["numClientsByRoleName"] = map[string]int{"visitor": here}
		}
	}
	switch e.Kind {
	case provider.KindMeetingStarted, provider.KindMeetingEnded:
		in["roomSessionId"] = e.ID
	case provider.KindParticipantJoined:
		person(1)
	case provider.KindParticipantLeft:
		person(0)
	case provider.KindParticipantWaiting, provider.KindParticipantWaitingLeft:
		person(-1)
	case provider.KindRecordingReady:
		in = map[string]any{
			"recordingId": e.Session, "roomName": "/" + e.Room, "status": "completed",
			"filename": e.Room + "-" + e.At.UTC().Format("2006-01-02T15:04:05Z") + ".mp4",
		}
	default:
		return nil, nil
	}
	for word, kind := range kinds {
		if kind == e.Kind {
			return json.Marshal(map[string]any{
				"id": e.ID, "apiVersion": "1.0", "createdAt": iso(e.At), "type": string(word), "data": in,
			})
		}
	}
	return nil, nil
}

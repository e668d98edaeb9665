package livekit

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/provider/rest"
)

var _ provider.Synthesizer = (*Provider)(nil)

// Synthesize returns a webhook as LiveKit sends it.
func (p *Provider) Synthesize(e provider.SyntheticEvent) (provider.WebhookRequest, error) {
	return p.client.Synthesize(e, p.synthesize, func(op string, body []byte) (http.Header, error) {
		secret := []byte(e.Secret)
		switch {
		case e.Secret != "":
		case len(p.keys.own) > 0:
			secret = p.keys.own
		case len(p.keys.others) > 0:
			secret = p.keys.others[0]
		default:
			return nil, p.client.Refuse(provider.Invalid, op, string(e.Kind), "there is no secret to sign with", p.keys.hint)
		}
		return seal(p.account.APIKey, secret, body, e.Signed())
	})
}

// others are LiveKit's events without a kind in the common vocabulary that can be synthesized.
var others = []string{"track_published", "track_unpublished"}

// The events in LiveKit's form and order of keys. Zero values are left out.
type (
	syntheticEvent struct {
		Event       rest.Text             `json:"event"`
		Room        *syntheticRoom        `json:"room,omitempty"`
		Participant *syntheticParticipant `json:"participant,omitempty"`
		ID          string                `json:"id"`
		CreatedAt   string                `json:"createdAt"`
		Egress      *syntheticEgress      `json:"egressInfo,omitempty"`
		Track       *syntheticTrack       `json:"track,omitempty"`
	}
	syntheticTrack struct {
		Sid    string `json:"sid"`
		Type   string `json:"type"`
		Source string `json:"source"`
		Mime   string `json:"mimeType"`
	}
	syntheticRoom struct {
		Sid     string `json:"sid,omitempty"`
		Name    string `json:"name"`
		Created string `json:"creationTime"`
		Millis  string `json:"creationTimeMs"`
	}
	syntheticParticipant struct {
		Sid      string `json:"sid"`
		Identity string `json:"identity"`
		State    string `json:"state"`
		JoinedAt string `json:"joinedAt"`
		Name     string `json:"name,omitempty"`
		Version  int    `json:"version"`
		Reason   string `json:"disconnectReason,omitempty"`
		JoinedMs string `json:"joinedAtMs"`
	}
	syntheticEgress struct {
		ID        string             `json:"egressId"`
		RoomID    string             `json:"roomId,omitempty"`
		Status    string             `json:"status,omitempty"`
		Error     string             `json:"error,omitempty"`
		Started   string             `json:"startedAt"`
		Ended     string             `json:"endedAt,omitempty"`
		RoomName  string             `json:"roomName"`
		Composite syntheticComposite `json:"roomComposite"`
		Files     []syntheticFile    `json:"fileResults,omitempty"`
	}
	syntheticComposite struct {
		RoomName string `json:"roomName"`
	}
	syntheticFile struct {
		Name     string `json:"filename"`
		Started  string `json:"startedAt"`
		Ended    string `json:"endedAt"`
		Size     string `json:"size"`
		Location string `json:"location"`
		Duration string `json:"duration"`
	}
)

// synthesize returns the body, or nil if LiveKit has no such event.
func (p *Provider) synthesize(e provider.SyntheticEvent) ([]byte, error) {
	seconds := func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
	millis := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	nanos := func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
	began := e.At.Add(-e.Lasted())
	out := syntheticEvent{ID: e.ID, CreatedAt: seconds(e.At)}
	room := &syntheticRoom{Sid: cmp.Or(e.MeetingID, e.Conference), Name: e.Room, Created: seconds(began), Millis: millis(began)}
	if e.Kind == provider.KindMeetingStarted {
		room.Created, room.Millis = seconds(e.At), millis(e.At)
	}
	who := &syntheticParticipant{
		Sid: e.Session, Identity: e.Session, State: "ACTIVE", JoinedAt: seconds(e.At), Name: e.Name, Version: 2, JoinedMs: millis(e.At),
	}
	egress := &syntheticEgress{
		ID: e.Session, RoomID: cmp.Or(e.MeetingID, e.Conference), Status: "EGRESS_ACTIVE", Started: nanos(e.At), RoomName: e.Room,
		Composite: syntheticComposite{e.Room},
	}
	switch e.Kind {
	case provider.KindMeetingStarted:
		out.Event, out.Room = "room_started", room
	case provider.KindMeetingEnded:
		out.Event, out.Room = "room_finished", room
	case provider.KindParticipantJoined:
		out.Event, out.Room, out.Participant = "participant_joined", room, who
	case provider.KindParticipantLeft:
		who.State, who.Reason, who.JoinedAt, who.JoinedMs = "DISCONNECTED", "CLIENT_INITIATED", seconds(began), millis(began)
		out.Event, out.Room, out.Participant = "participant_left", room, who
	case provider.KindRecordingStarted:
		out.Event, out.Egress = "egress_started", egress
	case provider.KindRecordingReady:
		egress.Status, egress.Started, egress.Ended = "EGRESS_COMPLETE", nanos(began), nanos(e.At)
		name := fmt.Sprintf("%s/%d.mp4", e.Room, began.UnixMilli())
		egress.Files = []syntheticFile{{
			Name: name, Started: nanos(began), Ended: nanos(e.At), Size: "1048576",
			Location: "https://recordings.s3.amazonaws.com/" + name, Duration: strconv.FormatInt(int64(e.Lasted()), 10),
		}}
		out.Event, out.Egress = "egress_ended", egress
	case provider.KindRecordingFailed:
		egress.Status, egress.Error, egress.Started, egress.Ended = "EGRESS_FAILED", "synthetic failure", nanos(began), nanos(e.At)
		out.Event, out.Egress = "egress_ended", egress
	case provider.KindUnknown:
		out.Event, out.Room, out.Participant = rest.Text(cmp.Or(e.Type, others[0])), room, who
		out.Track = &syntheticTrack{Sid: "TR_" + e.Session, Type: "AUDIO", Source: "MICROPHONE", Mime: "audio/opus"}
	default:
		return nil, nil
	}
	return plain.Stringify(out)
}

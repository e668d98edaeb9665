package livekit

import (
	"cmp"
	"encoding/json"
	"maps"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// kinds maps LiveKit's events to the common vocabulary; everything else is unknown. The kinds of egress events depend on its state.
var kinds = map[string]provider.EventKind{
	"room_started":                   provider.KindMeetingStarted,
	"room_finished":                  provider.KindMeetingEnded,
	"participant_joined":             provider.KindParticipantJoined,
	"participant_left":               provider.KindParticipantLeft,
	"participant_connection_aborted": provider.KindParticipantLeft,
}

// eventObject is an event. Zero values are left out, and integers of 64 bits are texts.
type eventObject struct {
	Event       rest.Text         `json:"event"`
	ID          rest.Text         `json:"id"`
	Created     rest.Number       `json:"createdAt"`
	CreatedS    rest.Number       `json:"created_at"`
	Room        roomObject        `json:"room"`
	Participant participantObject `json:"participant"`
	Egress      *egressObject     `json:"egressInfo"`
	EgressS     *egressObject     `json:"egress_info"`
}

// ReadWebhook verifies a request by the token in its Authorization header and parses the event. It never returns an error: the
// result is in the verdict.
func (p *Provider) ReadWebhook(r provider.WebhookRequest) (provider.Webhook, error) {
	verdict, missing, reason := p.keys.with(r.Secrets).verify(r)
	event, unread := readEvent(r.Body)
	if verdict == provider.Verified {
		reason = unread
	}
	return provider.Webhook{Verdict: verdict, Missing: missing, Wrong: isWrong(reason), Reason: reason, Event: event}, nil
}

// readEvent parses a body as far as possible, and returns a description of the rest.
func readEvent(body []byte) (provider.Event, string) {
	event := provider.Event{Kind: provider.KindUnknown}
	var in eventObject
	if err := json.Unmarshal(body, &in); err != nil {
		// A part that doesn't match the documentation doesn't make the rest unreadable.
		var outline struct {
			Event rest.Text `json:"event"`
			ID    rest.Text `json:"id"`
		}
		if json.Unmarshal(body, &outline) != nil || outline.Event == "" {
			return event, "the body is not a JSON event"
		}
		event.Type, event.ID = outline.Event.ID(), outline.ID.ID()
		return event, "the event doesn't match LiveKit's documentation"
	}
	event.Type, event.ID = in.Event.ID(), in.ID.ID()
	event.At = instant(rest.Number{}, pick(in.Created, in.CreatedS))
	if in.Event == "" {
		return event, "the event has no name"
	}
	event.Room, event.MeetingID = in.Room.Name.Name(), in.Room.Sid.ID()
	if n, ours := in.Room.note(); ours {
		event.RoomID = rest.Text(n.Room).ID()
	}
	if egress := cmp.Or(in.Egress, in.EgressS); egress != nil {
		return readEgress(event, in.Event, *egress)
	}
	kind, known := kinds[string(in.Event)]
	if !known {
		return event, ""
	}
	event.Kind = kind
	switch kind {
	case provider.KindMeetingStarted:
		// A room begins when it is created, before anyone comes.
		event.Vacant = true
		at(&event, in.Room.createdAt())
	case provider.KindMeetingEnded:
		event.Emptied = true
	default:
		in.participant(&event)
		if event.Participant.Session == "" {
			return event, "the event doesn't name a participant"
		}
	}
	return event, ""
}

// at sets an event's time if a more exact one is known.
func at(e *provider.Event, t time.Time) {
	if !t.IsZero() {
		e.At = t
	}
}

// participant parses a participant's event. Its time is in whole seconds, but the time of joining in milliseconds.
func (in *eventObject) participant(e *provider.Event) {
	who := in.Participant.participant()
	e.Participant = &who
	if e.Kind == provider.KindParticipantJoined {
		at(e, who.JoinedAt)
		who.JoinedAt = e.At
		return
	}
	e.At = notBefore(e.At, who.JoinedAt)
	who.LeftAt = e.At
	who.Reason = cmp.Or(reasons[in.Participant.Reason], reasons[in.Participant.ReasonC])
	if who.Reason == "" && in.Event == "participant_connection_aborted" {
		who.Reason = provider.ReasonFailed
	}
}

// reasons maps LiveKit's reasons of a disconnection, by name and number, to the common ones.
var reasons = map[rest.Text]string{
	"CLIENT_INITIATED": provider.ReasonLeft, "1": provider.ReasonLeft,
	"DUPLICATE_IDENTITY": provider.ReasonMoved, "2": provider.ReasonMoved,
	"SERVER_SHUTDOWN": provider.ReasonLost, "3": provider.ReasonLost,
	"PARTICIPANT_REMOVED": provider.ReasonRemoved, "4": provider.ReasonRemoved,
	"ROOM_DELETED": provider.ReasonEnded, "5": provider.ReasonEnded,
	"STATE_MISMATCH": provider.ReasonLost, "6": provider.ReasonLost,
	"JOIN_FAILURE": provider.ReasonFailed, "7": provider.ReasonFailed,
	"SIGNAL_CLOSE": provider.ReasonLost, "9": provider.ReasonLost,
	"ROOM_CLOSED": provider.ReasonEnded, "10": provider.ReasonEnded,
	"USER_UNAVAILABLE": provider.ReasonFailed, "11": provider.ReasonFailed,
	"USER_REJECTED": provider.ReasonFailed, "12": provider.ReasonFailed,
	"SIP_TRUNK_FAILURE": provider.ReasonFailed, "13": provider.ReasonFailed,
	"CONNECTION_TIMEOUT": provider.ReasonLost, "14": provider.ReasonLost,
	"MEDIA_FAILURE": provider.ReasonLost, "15": provider.ReasonLost,
	"AGENT_ERROR": provider.ReasonLost, "16": provider.ReasonLost,
}

// types maps LiveKit's names of the events that can be synthesized to their kinds.
func types() map[string]provider.EventKind {
	out := maps.Clone(kinds)
	delete(out, "participant_connection_aborted")
	out["egress_started"], out["egress_ended"] = provider.KindRecordingStarted, provider.KindRecordingReady
	for _, word := range others {
		out[word] = provider.KindUnknown
	}
	return out
}

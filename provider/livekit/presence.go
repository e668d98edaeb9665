package livekit

import (
	"context"
	"slices"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// hostAttribute marks a host's token. The server shows a participant's attributes, but not the permissions.
const hostAttribute = "greenroom.host"

// participantObject is a participant in answers and webhooks.
type participantObject struct {
	Sid        rest.Text                  `json:"sid"`
	Identity   rest.Text                  `json:"identity"`
	Name       rest.Text                  `json:"name"`
	State      rest.Text                  `json:"state"`
	Kind       rest.Text                  `json:"kind"`
	Joined     rest.Number                `json:"joined_at"`
	JoinedC    rest.Number                `json:"joinedAt"`
	JoinedMs   rest.Number                `json:"joined_at_ms"`
	JoinedMsC  rest.Number                `json:"joinedAtMs"`
	Reason     rest.Text                  `json:"disconnect_reason"`
	ReasonC    rest.Text                  `json:"disconnectReason"`
	Attributes attributes                 `json:"attributes"`
	Permission permissionObject           `json:"permission"`
	Tracks     rest.List[trackInfoObject] `json:"tracks"`
}

// attributes are a participant's; empty for anything but an object.
type attributes map[string]rest.Text

// UnmarshalJSON never fails.
func (a *attributes) UnmarshalJSON(b []byte) error {
	*a = lenientMap(b)
	return nil
}

type permissionObject struct {
	Recorder rest.Flag `json:"recorder"`
	Agent    rest.Flag `json:"agent"`
}

// UnmarshalJSON never fails.
func (p *permissionObject) UnmarshalJSON(b []byte) error {
	m := lenientMap(b)
	p.Recorder, p.Agent = m["recorder"] == "true", m["agent"] == "true"
	return nil
}

// trackInfoObject is a track that a participant sends.
type trackInfoObject struct {
	Sid    rest.Text `json:"sid"`
	Type   rest.Text `json:"type"`
	Source rest.Text `json:"source"`
	Muted  rest.Flag `json:"muted"`
}

// audio reports whether the track is audio, whose type is omitted where zeros are.
func (t trackInfoObject) audio() bool { return t.Type == "" || t.Type == "AUDIO" || t.Type == "0" }

func (t trackInfoObject) video() bool { return t.Type == "VIDEO" || t.Type == "1" }

// media returns the track's kind as in the names of recordings: "cam-audio", "screen-video".
func (t trackInfoObject) media() string {
	from, what := "cam", "video"
	if strings.HasPrefix(string(t.Source), "SCREEN_SHARE") || t.Source == "3" || t.Source == "4" {
		from = "screen"
	}
	if t.audio() {
		what = "audio"
	}
	return from + "-" + what
}

// bots are the kinds of participants that aren't people: stream sources, recorders and agents. Callers by phone are people.
var bots = []rest.Text{"INGRESS", "1", "EGRESS", "2", "AGENT", "4"}

func (o participantObject) bot() bool {
	return slices.Contains(bots, o.Kind) || bool(o.Permission.Recorder) || bool(o.Permission.Agent)
}

// here reports whether the participant is in the room. One who is still connecting isn't; that state is omitted where zeros are.
func (o participantObject) here() bool {
	switch o.State {
	case "JOINED", "ACTIVE", "1", "2":
		return true
	}
	return false
}

func (o participantObject) participant() provider.Participant {
	who := provider.Participant{
		Session: o.Sid.ID(), Name: o.Name.Name(), UserID: o.Identity.ID(), Role: provider.RoleGuest,
		JoinedAt: instant(pick(o.JoinedMs, o.JoinedMsC), pick(o.Joined, o.JoinedC)),
	}
	switch {
	case o.bot():
		who.Role, who.PlatformRole = provider.RoleBot, strings.ToLower(o.Kind.ID())
	case o.Attributes[hostAttribute] == "true":
		who.Role, who.PlatformRole = provider.RoleHost, "host"
	}
	return who
}

// Presence reads who is in a room. The server returns the same empty list for an empty room and for one that doesn't exist: after an
// empty list the room is looked up, and a missing room is an error.
func (p *Provider) Presence(ctx context.Context, m provider.Meeting) ([]provider.Participant, error) {
	const op = "read presence of room"
	list, err := p.people(ctx, op, m.Room)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		if _, err := p.room(ctx, op, m.Room); err != nil {
			return nil, err
		}
	}
	out := make([]provider.Participant, 0, len(list))
	for _, o := range list {
		if o.here() {
			out = append(out, o.participant())
		}
	}
	return out, nil
}

// people lists a room's participants, each once.
func (p *Provider) people(ctx context.Context, op, room string) ([]participantObject, error) {
	var out struct {
		Participants *[]participantObject `json:"participants"`
	}
	in := struct {
		Room string `json:"room"`
	}{room}
	err := p.do(ctx, call{
		op: op, subject: room, missing: rest.NoRoom, method: "RoomService/ListParticipants", in: in, out: &out, room: room, repeat: true,
	})
	if err != nil {
		return nil, err
	}
	if out.Participants == nil {
		return nil, p.client.Malformed(op, room, "the response has no list of participants")
	}
	seen := make(map[rest.Text]bool, len(*out.Participants))
	list := (*out.Participants)[:0]
	for _, o := range *out.Participants {
		if o.Sid == "" {
			return nil, p.client.Malformed(op, room, "a participant in the response has no sid")
		}
		if !seen[o.Sid] {
			seen[o.Sid] = true
			list = append(list, o)
		}
	}
	return list, nil
}

// person finds a participant by session. ok is false for one who isn't in the room.
func (p *Provider) person(ctx context.Context, op string, m provider.Meeting, who provider.Participant) (o participantObject, ok bool, err error) {
	list, err := p.people(ctx, op, m.Room)
	for _, o := range list {
		if o.Sid.ID() == who.Session && o.Identity != "" {
			return o, true, nil
		}
	}
	return o, false, err
}

// notBefore returns the later of two times.
func notBefore(t, least time.Time) time.Time {
	if t.Before(least) {
		return least
	}
	return t
}

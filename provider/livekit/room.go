package livekit

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/provider/rest"
)

// roomObject is a room in answers and webhooks. Its turn_password is a secret, and is not read.
type roomObject struct {
	Sid      rest.Text   `json:"sid"`
	Name     rest.Text   `json:"name"`
	Metadata rest.Text   `json:"metadata"`
	Created  rest.Number `json:"creation_time"`
	CreatedC rest.Number `json:"creationTime"`
	Millis   rest.Number `json:"creation_time_ms"`
	MillisC  rest.Number `json:"creationTimeMs"`
}

// createdAt returns the time of creation, zero when unknown.
func (r roomObject) createdAt() time.Time {
	return instant(pick(r.Millis, r.MillisC), pick(r.Created, r.CreatedC))
}

// pick returns the number that is given, of a field's two spellings.
func pick(a, b rest.Number) rest.Number {
	if a.Given && a.Value != 0 {
		return a
	}
	return b
}

// instant returns the time of milliseconds or, without them, of seconds since 1970.
func instant(ms, s rest.Number) time.Time {
	switch {
	case ms.Value > 0 && ms.Value < 253402300800e3:
		return time.UnixMilli(ms.Int()).UTC()
	case s.Value > 0 && s.Value < 253402300800:
		return time.Unix(s.Int(), 0).UTC()
	}
	return time.Time{}
}

// note is Greenroom's part of the metadata of rooms that were created here.
type note struct {
	// Room is our room's id, Until the meeting's end in seconds, Nonce is unique to one creation.
	Room  string `json:"room,omitempty"`
	Until int64  `json:"until"`
	// Kept means that the room lasts and has no end.
	Kept  bool   `json:"kept,omitempty"`
	Nonce string `json:"nonce"`
}

// noted is the metadata of a room.
type noted struct {
	Greenroom *note `json:"greenroom"`
}

// encode returns the metadata that holds a note.
func (n note) encode() string {
	b, err := json.Marshal(noted{&n})
	if err != nil { // texts and numbers always encode
		return ""
	}
	return string(b)
}

// note reads the note of a room that was created here.
func (r roomObject) note() (note, bool) {
	var in noted
	if r.Metadata == "" || json.Unmarshal([]byte(r.Metadata), &in) != nil || in.Greenroom == nil {
		return note{}, false
	}
	return *in.Greenroom, true
}

// meeting converts a room to a meeting, or reports what it lacks.
func (p *Provider) meeting(op string, r roomObject) (provider.Meeting, error) {
	if r.Name == "" || r.Sid == "" {
		return provider.Meeting{}, p.client.Malformed(op, string(r.Name), "the response is not a room: it has no name or no sid")
	}
	m := provider.Meeting{ID: r.Sid.ID(), Room: string(r.Name), CreatedAt: r.createdAt()}
	if n, ours := r.note(); ours && n.Until > 0 && n.Until < 253402300800 {
		m.Until = time.Unix(n.Until, 0).UTC()
	}
	return m, nil
}

// Lookup finds a room by its name.
func (p *Provider) Lookup(ctx context.Context, m provider.Meeting) (provider.Meeting, error) {
	const op = "look up room"
	r, err := p.room(ctx, op, m.Room)
	if err != nil {
		return provider.Meeting{}, err
	}
	return p.meeting(op, r)
}

// room reads a room. LiveKit has no such call: it lists the rooms of that name.
func (p *Provider) room(ctx context.Context, op, name string) (roomObject, error) {
	if name == "" {
		return roomObject{}, p.client.Refuse(provider.Invalid, op, "", rest.NoRoom, "")
	}
	list, err := p.rooms(ctx, op, name, nil, name)
	i := slices.IndexFunc(list, func(r roomObject) bool { return string(r.Name) == name })
	switch {
	case err != nil:
		return roomObject{}, err
	case len(list) == 0:
		return roomObject{}, p.client.Refuse(provider.NotFound, op, name, "the server has no room of that name", "")
	case i < 0:
		return roomObject{}, p.client.Malformed(op, name, "the response has rooms other than the requested one")
	}
	return list[i], nil
}

// rooms lists the rooms of the given names, or all.
func (p *Provider) rooms(ctx context.Context, op, subject string, h *http.Header, names ...string) ([]roomObject, error) {
	var out struct {
		Rooms *[]roomObject `json:"rooms"`
	}
	in := struct {
		Names []string `json:"names,omitempty"`
	}{names}
	err := p.do(ctx, call{op: op, subject: subject, method: "RoomService/ListRooms", in: in, out: &out, repeat: true, header: h})
	if err != nil {
		return nil, err
	}
	if out.Rooms == nil {
		return nil, p.client.Malformed(op, subject, "the response has no list of rooms")
	}
	return *out.Rooms, nil
}

// Rooms lists the server's rooms, newest first, in one call.
func (p *Provider) Rooms(ctx context.Context, yield func(provider.Meeting) bool) error {
	const op = "list rooms"
	list, err := p.rooms(ctx, op, "", nil)
	if err != nil {
		return err
	}
	stable.Sort(list, func(a, b roomObject) int { return b.createdAt().Compare(a.createdAt()) })
	for _, r := range list {
		m, err := p.meeting(op, r)
		if err != nil {
			return err
		}
		if !yield(m) {
			return nil
		}
	}
	return nil
}

// EndMeeting deletes the room, which removes everyone. From a kept room it only removes the people.
func (p *Provider) EndMeeting(ctx context.Context, m provider.Meeting) error {
	if m.Keep {
		return p.removeAll(ctx, m.Room)
	}
	in := struct {
		Room string `json:"room"`
	}{m.Room}
	return p.do(ctx, call{
		op: "delete room", subject: m.Room, missing: rest.NoRoom, method: "RoomService/DeleteRoom", in: in, repeat: true, gone: true,
	})
}

// Extend moves the meeting's end, which only our note holds: LiveKit rooms have none. A room that was created elsewhere has no note
// and stays as it is.
func (p *Provider) Extend(ctx context.Context, m provider.Meeting, until time.Time) error {
	const op = "move the end of room"
	r, err := p.room(ctx, op, m.Room)
	if err != nil {
		return err
	}
	n, ours := r.note()
	if !ours {
		return p.client.Refuse(provider.Unsupported, op, m.Room, "the room was created elsewhere and has no end", "")
	}
	if n.Kept {
		return nil
	}
	n.Until = until.Unix()
	in := struct {
		Room     string `json:"room"`
		Metadata string `json:"metadata"`
	}{m.Room, n.encode()}
	return p.do(ctx, call{
		op: op, subject: m.Room, method: "RoomService/UpdateRoomMetadata", in: in, room: m.Room, repeat: true,
	})
}

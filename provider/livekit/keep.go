package livekit

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"greenroom/provider"
)

// keptBody returns the request for a kept room, with the longest timeouts for an empty room.
func (p *Provider) keptBody(r provider.KeptRoom) createBody {
	const seconds = int64(mostEmpty / time.Second)
	return createBody{
		Name: r.Name, EmptyTimeout: seconds, DepartureTimeout: seconds, MaxParticipants: max(r.Size, 0),
		Metadata: note{Room: r.RoomID, Kept: true, Nonce: rand.Text()}.encode(),
	}
}

// KeepRoom creates a room that stays while it is empty. Only its name is permanent: a server that restarts loses the room, which is then
// created again. A room of the name with our note for the same room is that of an earlier call.
func (p *Provider) KeepRoom(ctx context.Context, r provider.KeptRoom) (provider.Meeting, error) {
	const op = "create room"
	defer p.names.lock(r.Name)()
	switch found, err := p.room(ctx, op, r.Name); {
	case err == nil && !r.Tried.IsZero() && found.keptFor(r.RoomID):
		return p.meeting(op, found)
	case err == nil:
		return provider.Meeting{}, p.conflict(r.Name)
	case !errors.Is(err, provider.NotFound):
		return provider.Meeting{}, err
	}
	return p.create(ctx, op, p.keptBody(r), "")
}

// keptFor reports whether the room was created as the kept room of a room here.
func (r roomObject) keptFor(room string) bool {
	n, ours := r.note()
	return ours && n.Kept && n.Room == room
}

// OpenRoom looks the room up. The tokens decide who may join, and when.
func (p *Provider) OpenRoom(ctx context.Context, m provider.Meeting, _ provider.MeetingSpec) (provider.Meeting, error) {
	return p.Lookup(ctx, m)
}

// ChangeRoom changes the room's size. LiveKit can't change rooms, so an empty room is created again under its name, and a room with
// people in it is not changed. Other settings don't belong to LiveKit's room.
func (p *Provider) ChangeRoom(ctx context.Context, m provider.Meeting, was, now provider.KeptRoom) error {
	const op = "change room"
	if m.Room == "" {
		return p.client.Refuse(provider.Invalid, op, "", "the meeting has no room name", "")
	}
	if max(was.Size, 0) == max(now.Size, 0) {
		return nil
	}
	defer p.names.lock(m.Room)()
	people, err := p.people(ctx, op, m.Room)
	if err != nil {
		return err
	}
	if len(people) > 0 {
		return p.client.Refuse(provider.Unsupported, op, m.Room, "LiveKit can't change the size of a room with people in it", "change it after the meeting")
	}
	found, err := p.room(ctx, op, m.Room)
	if err != nil {
		return err
	}
	n, ours := found.note()
	if !ours || !n.Kept {
		return p.client.Refuse(provider.Unsupported, op, m.Room, "the room was created elsewhere", "LiveKit can't change the settings of an existing room")
	}
	if err := p.EndMeeting(ctx, provider.Meeting{Room: m.Room}); err != nil {
		return err
	}
	now.Name, now.RoomID = m.Room, n.Room
	_, err = p.create(ctx, op, p.keptBody(now), "")
	return err
}

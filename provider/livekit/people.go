package livekit

import (
	"context"
	"errors"
	"strings"

	"greenroom/provider"
)

// identity names a participant in calls.
type identity struct {
	Room     string `json:"room"`
	Identity string `json:"identity"`
}

// Eject removes a session. It is looked up first: the same person may be there with another session by now. LiveKit bans no one,
// so a removed person can come back with the same link until its token ends.
func (p *Provider) Eject(ctx context.Context, m provider.Meeting, who provider.Participant, _ bool) (banned bool, err error) {
	const op = "eject"
	if m.Room == "" || who.Session == "" {
		return false, p.client.Refuse(provider.Invalid, op, who.Session, "room or session is missing", "")
	}
	o, there, err := p.person(ctx, op, m, who)
	if err != nil || !there {
		return false, err
	}
	err = p.do(ctx, call{
		op: op, subject: who.Session, method: "RoomService/RemoveParticipant", in: identity{m.Room, string(o.Identity)},
		room: m.Room, repeat: true,
	})
	if errors.Is(err, provider.NotFound) {
		return false, nil
	}
	return false, err
}

// removeAll removes everyone who is in a room.
func (p *Provider) removeAll(ctx context.Context, room string) error {
	const op = "remove the people of room"
	list, err := p.people(ctx, op, room)
	if err != nil {
		return err
	}
	for _, o := range list {
		err := p.do(ctx, call{
			op: op, subject: room, method: "RoomService/RemoveParticipant", in: identity{room, string(o.Identity)}, room: room, repeat: true,
		})
		if err != nil && !errors.Is(err, provider.NotFound) {
			return err
		}
	}
	return nil
}

// muteBody is the body of MutePublishedTrack.
type muteBody struct {
	identity
	Track string `json:"track_sid"`
	Muted bool   `json:"muted"`
}

// Mute mutes or unmutes a participant's tracks one by one. Unmuting takes a server that allows it.
func (p *Provider) Mute(ctx context.Context, m provider.Meeting, who provider.Participant, what provider.Muting) (int, error) {
	op := "mute"
	if what.Off {
		op = "unmute"
	}
	if m.Room == "" || who.Session == "" || !what.Audio && !what.Video {
		return 0, p.client.Refuse(provider.Invalid, op, who.Session, "room, session or kind (audio or video) is missing", "")
	}
	o, there, err := p.person(ctx, op, m, who)
	if err != nil {
		return 0, err
	}
	if !there {
		return 0, p.client.Refuse(provider.NotFound, op, who.Session, "the participant isn't in the room", "")
	}
	n := 0
	for _, t := range o.Tracks {
		if bool(t.Muted) == !what.Off || !(what.Audio && t.audio() || what.Video && t.video()) || t.Sid == "" {
			continue
		}
		err := p.do(ctx, call{
			op: op, subject: who.Session, method: "RoomService/MutePublishedTrack", room: m.Room, repeat: true,
			in: muteBody{identity{m.Room, string(o.Identity)}, string(t.Sid), !what.Off},
		})
		if err != nil {
			return n, p.explainMute(err)
		}
		n++
	}
	return n, nil
}

// explainMute adds to a refusal what it means: the server's own words are about its inside.
func (p *Provider) explainMute(err error) error {
	var e *provider.Error
	if !errors.As(err, &e) {
		return err
	}
	said := *e
	switch text := strings.ToLower(e.Text); {
	case strings.Contains(text, "no response from servers"):
		said.Kind, said.Text = provider.NotFound, "the participant is no longer in the room"
	case strings.Contains(text, "remote unmute"):
		said.Kind, said.Hint = provider.Forbidden, "participants can unmute themselves; to unmute others, set "+
			"enable_remote_unmute: true under room in the server's configuration"
	}
	return &said
}

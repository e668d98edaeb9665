package livekit

import (
	"context"

	"greenroom/provider"
)

// identity names a participant in calls.
type identity struct {
	Room     string `json:"room"`
	Identity string `json:"identity"`
}

// Eject removes a session. It is looked up first: the same person may have another session now. LiveKit can't ban anyone, so a removed
// person can come back with the same link until its token expires.
func (p *Provider) Eject(ctx context.Context, m provider.Meeting, who provider.Participant, _ bool) (banned bool, err error) {
	const op = "eject"
	if m.Room == "" || who.Session == "" {
		return false, p.client.Refuse(provider.Invalid, op, who.Session, "room or session is missing", "")
	}
	o, there, err := p.person(ctx, op, m, who)
	if err != nil || !there {
		return false, err
	}
	return false, p.remove(ctx, op, who.Session, identity{m.Room, string(o.Identity)})
}

// removeAll removes everyone who is in a room.
func (p *Provider) removeAll(ctx context.Context, room string) error {
	const op = "remove the people of room"
	list, err := p.people(ctx, op, room)
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := p.remove(ctx, op, room, identity{room, string(o.Identity)}); err != nil {
			return err
		}
	}
	return nil
}

func (p *Provider) remove(ctx context.Context, op, subject string, who identity) error {
	return p.do(ctx, call{
		op: op, subject: subject, method: "RoomService/RemoveParticipant", in: who, room: who.Room, repeat: true, gone: true,
	})
}

// muteBody is the body of MutePublishedTrack.
type muteBody struct {
	identity
	Track string `json:"track_sid"`
	Muted bool   `json:"muted"`
}

// Mute mutes or unmutes a participant's tracks one by one. Unmuting needs a server that allows it.
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
			return n, explainMute(err)
		}
		n++
	}
	return n, nil
}

// explainMute translates the server's refusals, whose words are about its internals.
func explainMute(err error) error {
	return provider.Amend(err, func(e *provider.Error) {
		switch {
		case provider.Says(err, "no response from servers"):
			e.Kind, e.Text = provider.NotFound, "the participant is no longer in the room"
		case provider.Says(err, "remote unmute"):
			e.Kind, e.Hint = provider.Forbidden, "participants can unmute themselves; to unmute others, set "+
				"enable_remote_unmute: true under room in the server's configuration"
		}
	})
}

package livekit

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// createBody is the body of CreateRoom.
type createBody struct {
	Name             string `json:"name"`
	EmptyTimeout     int64  `json:"empty_timeout"`
	DepartureTimeout int64  `json:"departure_timeout"`
	MaxParticipants  int    `json:"max_participants,omitempty"`
	Metadata         string `json:"metadata"`
}

const (
	// leastEmpty and most are the limits of the time for which an empty room is kept.
	leastEmpty = time.Minute
	mostEmpty  = 365 * 24 * time.Hour
	// creations is the number of attempts to create a room when answers get lost.
	creations = 3
)

// body returns the request for a room. An empty room is kept until the meeting's end, before anyone comes and after all have left.
func (p *Provider) body(s provider.MeetingSpec) createBody {
	kept := min(max(s.Until.Sub(p.client.Now()), leastEmpty), mostEmpty)
	seconds := int64((kept + time.Second - 1) / time.Second)
	return createBody{
		Name: s.Name, EmptyTimeout: seconds, DepartureTimeout: seconds, MaxParticipants: max(s.Size, 0),
		Metadata: note{Room: s.RoomID, Until: s.Until.Unix(), Nonce: rand.Text()}.encode(),
	}
}

// CreateMeeting creates a room of the given name. LiveKit would change an existing room of that name, so the name is looked up
// first; two processes that create the same name in the same instant would share the room. If an answer is lost, a room with our
// note is ours, a missing room is requested again, and any other belongs to someone else.
func (p *Provider) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	const op = "create room"
	if s.Name == "" {
		return provider.Meeting{}, p.client.Refuse(provider.Invalid, op, "", "the room has no name", "")
	}
	if !s.Until.After(p.client.Now()) {
		return provider.Meeting{}, p.client.Refuse(provider.Invalid, op, s.Name, "the meeting would end in the past", "")
	}
	defer p.names.lock(s.Name)()
	if err := p.free(ctx, op, s.Name); err != nil {
		return provider.Meeting{}, err
	}
	body := p.body(s)
	for n := 1; ; n++ {
		var r roomObject
		err := p.do(ctx, call{op: op, subject: s.Name, method: "RoomService/CreateRoom", in: body, out: &r})
		if err == nil {
			if string(r.Name) == s.Name && string(r.Metadata) == body.Metadata {
				return p.meeting(op, r)
			}
			err = p.client.Malformed(op, s.Name, "the response is another room, or none")
		} else if !errors.Is(err, rest.ErrMaybeDone) {
			return provider.Meeting{}, err
		}
		found, lookErr := p.room(ctx, op, s.Name)
		switch {
		case lookErr == nil && string(found.Metadata) == body.Metadata:
			return p.meeting(op, found)
		case lookErr == nil:
			return provider.Meeting{}, p.conflict(s.Name)
		case !errors.Is(lookErr, provider.NotFound), n >= creations:
			return provider.Meeting{}, p.inDoubt(err, s)
		}
		if p.client.Backoff(ctx, n) != nil {
			return provider.Meeting{}, p.inDoubt(err, s)
		}
	}
}

// free returns nil if no room has the name.
func (p *Provider) free(ctx context.Context, op, name string) error {
	_, err := p.room(ctx, op, name)
	switch {
	case errors.Is(err, provider.NotFound):
		return nil
	case err == nil:
		return p.conflict(name)
	}
	return err
}

func (p *Provider) conflict(name string) error {
	return p.client.Refuse(provider.Conflict, "create room", name, "a room of that name already exists", "")
}

// inDoubt returns the error of a creation that may or may not have happened.
func (p *Provider) inDoubt(err error, s provider.MeetingSpec) error {
	var e *provider.Error
	if !errors.As(err, &e) {
		return err
	}
	said := *e
	said.Text += "; the room may still have been created and exist until " + s.Until.UTC().Format(time.RFC3339)
	return &said
}

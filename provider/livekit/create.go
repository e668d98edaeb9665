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
	// leastEmpty and mostEmpty limit the time for which an empty room is kept.
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
	if !s.Until.After(p.client.Now()) {
		return provider.Meeting{}, p.client.Refuse(provider.Invalid, op, s.Name, "the meeting would end in the past", "")
	}
	defer p.names.lock(s.Name)()
	if err := p.free(ctx, op, s.Name); err != nil {
		return provider.Meeting{}, err
	}
	return p.create(ctx, op, p.body(s), " and exist until "+s.Until.UTC().Format(time.RFC3339))
}

// create creates a room. doubtful ends the sentence about a room that may exist.
func (p *Provider) create(ctx context.Context, op string, body createBody, doubtful string) (provider.Meeting, error) {
	var doubt error // the latest failure after which the room may exist
	for n := 1; ; n++ {
		var r roomObject
		err := p.do(ctx, call{op: op, subject: body.Name, method: "RoomService/CreateRoom", in: body, out: &r})
		switch {
		case err == nil && string(r.Name) == body.Name && string(r.Metadata) == body.Metadata:
			return p.meeting(op, r)
		case err == nil:
			doubt = p.client.Malformed(op, body.Name, "the response is not the requested room")
		case errors.Is(err, rest.ErrMaybeDone):
			doubt = err
		case doubt == nil:
			return provider.Meeting{}, err
		}
		found, lookErr := p.room(ctx, op, body.Name)
		switch {
		case lookErr == nil && string(found.Metadata) == body.Metadata:
			return p.meeting(op, found)
		case lookErr == nil:
			return provider.Meeting{}, p.conflict(body.Name)
		case !errors.Is(lookErr, provider.NotFound), n >= creations, p.client.Backoff(ctx, n) != nil:
			return provider.Meeting{}, provider.Amend(doubt, func(e *provider.Error) {
				e.Text += "; the room may still have been created" + doubtful
			})
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

package daily

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// presenceObject is one participant in presence: camelCase and ISO times, unlike webhooks.
type presenceObject struct {
	Room     rest.Text `json:"room"`
	ID       rest.Text `json:"id"`
	UserID   rest.Text `json:"userId"`
	UserName rest.Text `json:"userName"`
	JoinTime rest.Time `json:"joinTime"`
}

// Presence reads who is in a room. An unknown room is an error, not an empty room.
//
// Readings lack roles: Role is empty.
func (p *Provider) Presence(ctx context.Context, m provider.Meeting) ([]provider.Participant, error) {
	const op = "read presence of room"
	var q url.Values
	for {
		var page struct {
			Total rest.Number       `json:"total_count"`
			Data  *[]presenceObject `json:"data"`
		}
		err := p.client.Do(ctx, rest.Call{
			Op: op, Subject: m.Room, Missing: rest.NoRoom, Method: http.MethodGet, Path: roomPath(m.Room, "/presence"), Query: q, Out: &page,
		})
		if err != nil {
			return nil, err
		}
		if page.Data == nil {
			return nil, p.client.Malformed(op, m.Room, "the response has no list of participants")
		}
		// The call has a limit and no cursor: if the first answer is cut, ask again with a larger limit.
		if total := page.Total.Int(); total > int64(len(*page.Data)) {
			if q != nil {
				return nil, p.client.Malformed(op, m.Room,
					fmt.Sprintf("the response lists %d of %d participants", len(*page.Data), total))
			}
			q = url.Values{"limit": {strconv.FormatInt(total+10, 10)}}
			continue
		}
		return p.participants(op, m.Room, *page.Data)
	}
}

// AllPresence reads who is in every room of the domain with one call. Empty rooms have no entry.
func (p *Provider) AllPresence(ctx context.Context) (map[string][]provider.Participant, error) {
	const op = "read presence"
	var rooms map[string]*[]presenceObject
	if err := p.client.Do(ctx, rest.Call{Op: op, Method: http.MethodGet, Path: "/presence", Out: &rooms}); err != nil {
		return nil, err
	}
	if rooms == nil {
		return nil, p.client.Malformed(op, "", "the response is not a map of rooms")
	}
	out := make(map[string][]provider.Participant, len(rooms))
	for room, list := range rooms {
		if list == nil {
			return nil, p.client.Malformed(op, room, "the response has no list of participants")
		}
		people, err := p.participants(op, room, *list)
		if err != nil {
			return nil, err
		}
		out[room] = people
	}
	return out, nil
}

// participants converts presence objects to participants, each session once.
func (p *Provider) participants(op, room string, list []presenceObject) ([]provider.Participant, error) {
	out := make([]provider.Participant, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, o := range list {
		id := o.ID.ID()
		if id == "" {
			return nil, p.client.Malformed(op, room, "a participant in the response has no id")
		}
		if of := o.Room.ID(); of != "" && !strings.EqualFold(of, room) {
			return nil, p.client.Malformed(op, room, "a participant in the response is in another room")
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		out = append(out, provider.Participant{
			Session: id, Name: o.UserName.Name(), UserID: o.UserID.ID(), JoinedAt: o.JoinTime.Time,
		})
	}
	return out, nil
}

package whereby

import (
	"cmp"
	"context"
	"net/url"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// sessionObject is one session of a room. One without an end is still open.
type sessionObject struct {
	ID        rest.Text `json:"roomSessionId"`
	StartedAt rest.Time `json:"startedAt"`
	EndedAt   rest.Time `json:"endedAt"`
}

// visitObject is one participant of a session.
type visitObject struct {
	ID          rest.Text `json:"participantId"`
	UserID      rest.Text `json:"userId"`
	ExternalID  rest.Text `json:"externalId"`
	RoleName    rest.Text `json:"roleName"`
	DisplayName rest.Text `json:"displayName"`
	JoinedAt    rest.Time `json:"joinedAt"`
	LeftAt      rest.Time `json:"leftAt"`
}

// Presence reads from insights who is and was in a meeting: the participants of every open session, or of the latest session if
// none is open. Those who left have a LeftAt. A meeting without sessions is empty.
func (p *Provider) Presence(ctx context.Context, m provider.Meeting) ([]provider.Participant, error) {
	const op = "read presence of meeting"
	sessions, err := p.sessions(ctx, op, m)
	if err != nil {
		return nil, err
	}
	var ongoing, latest []sessionObject
	for _, s := range sessions {
		if s.EndedAt.IsZero() {
			ongoing = append(ongoing, s)
		}
		if len(latest) == 0 || s.StartedAt.After(latest[0].StartedAt.Time) {
			latest = []sessionObject{s}
		}
	}
	if len(ongoing) > 0 {
		return p.visits(ctx, op, m, ongoing)
	}
	out, err := p.visits(ctx, op, m, latest)
	if err != nil {
		return nil, err
	}
	// A session is open while two or more are there (docs, webhook room.session.ended): one person may wait alone.
	return out, provider.ErrPartial
}

// sessions lists the sessions of a meeting's room.
func (p *Provider) sessions(ctx context.Context, op string, m provider.Meeting) ([]sessionObject, error) {
	if m.Room == "" {
		return nil, p.client.Refuse(provider.Invalid, op, m.ID, rest.NoRoom, "")
	}
	var out []sessionObject
	err := pages(ctx, p, op, "/insights/room-sessions", url.Values{"roomName": {"/" + m.Room}}, func(s sessionObject) (bool, error) {
		if s.ID == "" {
			return false, p.client.Malformed(op, m.Room, "a session in the response has no id")
		}
		out = append(out, s)
		return true, nil
	})
	return out, insights(err)
}

// visits lists the participants of sessions, each once: as present if any session shows that, otherwise with their latest
// leaving.
func (p *Provider) visits(ctx context.Context, op string, m provider.Meeting, sessions []sessionObject) ([]provider.Participant, error) {
	out := []provider.Participant{}
	at := make(map[string]int)
	for _, s := range sessions {
		err := pages(ctx, p, op, "/insights/participants", url.Values{"roomSessionId": {string(s.ID)}},
			func(v visitObject) (bool, error) {
				id := v.ID.ID()
				if id == "" {
					return false, p.client.Malformed(op, m.Room, "a participant in the response has no id")
				}
				who := v.participant(id)
				if who.LeftAt.IsZero() && !s.EndedAt.IsZero() {
					// A session ends when fewer than two are left: this one may still be there.
					return true, nil
				}
				i, again := at[id]
				switch {
				case !again:
					at[id] = len(out)
					out = append(out, who)
				case who.LeftAt.IsZero() || (!out[i].LeftAt.IsZero() && who.LeftAt.After(out[i].LeftAt)):
					out[i] = who
				}
				return true, nil
			})
		if err != nil {
			return nil, insights(err)
		}
	}
	return out, nil
}

func (v visitObject) participant(id string) provider.Participant {
	role, word := roleOf(v.RoleName)
	return provider.Participant{
		Session: id, Name: v.DisplayName.Name(), UserID: cmp.Or(v.ExternalID, v.UserID).ID(), Role: role, PlatformRole: word,
		JoinedAt: v.JoinedAt.Time, LeftAt: v.LeftAt.Time,
	}
}

// roleOf maps Whereby's roles. Owners, members of the organisation and hosts can all run a meeting; recorders, streamers and
// captioners are programs, which Whereby counts as clients.
func roleOf(word rest.Text) (provider.Role, string) {
	w := word.ID()
	switch w {
	case "owner", "member", "host":
		return provider.RoleHost, w
	case "recorder", "streamer", "captioner":
		return provider.RoleBot, w
	}
	return provider.RoleGuest, w
}

// insights adds a hint to a refusal: not every plan has insights.
func insights(err error) error {
	return provider.Amend(err, func(e *provider.Error) {
		if e.Kind == provider.Forbidden {
			e.Hint = cmp.Or(e.Hint, "the Whereby plan or key lacks insights: presence is known only from webhooks")
		}
	})
}

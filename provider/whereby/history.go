package whereby

import (
	"context"
	"net/url"
	"time"

	"greenroom/provider"
)

// History lists the participants of a room's sessions from insights, with the same times as events.
func (p *Provider) History(ctx context.Context, m provider.Meeting, since time.Time) ([]provider.Participant, error) {
	const op = "read history of meeting"
	if m.Room == "" {
		return nil, p.client.Refuse(provider.Invalid, op, m.ID, "the meeting has no room name", "")
	}
	var sessions []sessionObject
	err := pages(ctx, p, op, "/insights/room-sessions", url.Values{"roomName": {"/" + m.Room}},
		func(s sessionObject) (bool, error) {
			if s.ID == "" {
				return false, p.client.Malformed(op, m.Room, "a session in the response has no id")
			}
			if !s.StartedAt.Before(since) {
				sessions = append(sessions, s)
			}
			return true, nil
		})
	if err != nil {
		return nil, insights(err)
	}
	return p.visits(ctx, op, m, sessions)
}

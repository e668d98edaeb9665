package whereby

import (
	"context"
	"slices"
	"time"

	"greenroom/provider"
)

// History lists the participants of a room's sessions from insights, with the same times as events.
func (p *Provider) History(ctx context.Context, m provider.Meeting, since time.Time) ([]provider.Participant, error) {
	const op = "read history of meeting"
	sessions, err := p.sessions(ctx, op, m)
	if err != nil {
		return nil, err
	}
	return p.visits(ctx, op, m, slices.DeleteFunc(sessions, func(s sessionObject) bool { return s.StartedAt.Before(since) }))
}

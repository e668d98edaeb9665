package daily

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// stillThere is how recently a stay in an open session must have ended for the person to count as possibly present: analytics lag about
// 15 s.
const stillThere = time.Minute

// gatheringObject is one session of a room in GET /meetings: snake_case and unix seconds, unlike presence.
type gatheringObject struct {
	ID           rest.Text                `json:"id"`
	Ongoing      rest.Flag                `json:"ongoing"`
	Participants rest.List[visitorObject] `json:"participants"`
}

// visitorObject is one participant of a session. Stays of less than ten seconds may never be recorded.
type visitorObject struct {
	ID       rest.Text   `json:"participant_id"`
	UserID   rest.Text   `json:"user_id"`
	UserName rest.Text   `json:"user_name"`
	JoinTime rest.Number `json:"join_time"`
	Duration rest.Number `json:"duration"`
}

// History lists the participants of a room's sessions. The times are whole seconds, and may be off by fifteen.
func (p *Provider) History(ctx context.Context, m provider.Meeting, since time.Time) ([]provider.Participant, error) {
	q := url.Values{"room": {m.Room}}
	if !since.IsZero() {
		q.Set("timeframe_start", strconv.FormatInt(since.Unix(), 10))
	}
	out := []provider.Participant{}
	err := pages(ctx, p, rest.Call{
		Op: "read history of room", Subject: m.Room, Missing: rest.NoRoom, Path: "/meetings", Query: q,
	}, func(g gatheringObject) (bool, error) {
		for _, v := range g.Participants {
			if one, ok := v.participant(bool(g.Ongoing), p.client.Now()); ok {
				out = append(out, one)
			}
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// participant returns false for an entry without a person or time.
func (v visitorObject) participant(ongoing bool, now time.Time) (provider.Participant, bool) {
	id := v.ID.ID()
	if id == "" || v.JoinTime.Value <= 0 {
		return provider.Participant{}, false
	}
	who := provider.Participant{
		Session: id, Name: v.UserName.Name(), UserID: v.UserID.ID(), JoinedAt: rest.Instant(v.JoinTime.Value),
	}
	if left := who.JoinedAt.Add(v.Duration.Seconds()); v.Duration.Given && (!ongoing || now.Sub(left) > stillThere) {
		who.LeftAt = left
	}
	return who, true
}

package daily

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// stillThere is how recent the end of a stay in an open session must be for the person to be possibly present: analytics are
// about 15 s behind.
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
	const op = "read history of room"
	if m.Room == "" {
		return nil, p.client.Refuse(provider.Invalid, op, "", "the meeting has no room name", "")
	}
	out := []provider.Participant{}
	after := ""
	for {
		q := url.Values{"room": {m.Room}, "limit": {"100"}}
		if !since.IsZero() {
			q.Set("timeframe_start", strconv.FormatInt(since.Unix(), 10))
		}
		if after != "" {
			q.Set("starting_after", after)
		}
		var page struct {
			Data *[]gatheringObject `json:"data"`
		}
		if err := p.client.Do(ctx, rest.Call{
			Op: op, Subject: m.Room, Method: http.MethodGet, Path: "/meetings", Query: q, Out: &page,
		}); err != nil {
			return nil, err
		}
		if page.Data == nil {
			return nil, p.client.Malformed(op, m.Room, "the response has no list of sessions")
		}
		for _, g := range *page.Data {
			for _, v := range g.Participants {
				if one, ok := v.participant(bool(g.Ongoing), p.client.Now()); ok {
					out = append(out, one)
				}
			}
		}
		n := len(*page.Data)
		if n < 100 {
			return out, nil
		}
		last := string((*page.Data)[n-1].ID)
		if last == "" || last == after {
			return nil, p.client.Malformed(op, m.Room, "the list of sessions never ends")
		}
		after = last
	}
}

// participant returns false for an entry without a person or time.
func (v visitorObject) participant(ongoing bool, now time.Time) (provider.Participant, bool) {
	id := v.ID.Clip(idLimit)
	if id == "" || v.JoinTime.Value <= 0 {
		return provider.Participant{}, false
	}
	who := provider.Participant{
		Session: id, Name: v.UserName.Clip(nameLimit), UserID: v.UserID.Clip(idLimit), JoinedAt: rest.Instant(v.JoinTime.Value),
	}
	if left := who.JoinedAt.Add(v.Duration.Seconds()); v.Duration.Given && (!ongoing || now.Sub(left) > stillThere) {
		who.LeftAt = left
	}
	return who, true
}

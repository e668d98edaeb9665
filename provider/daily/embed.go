package daily

import (
	"context"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

var _ provider.Embedder = (*Provider)(nil)

// Embed returns Daily's own frame, which daily-js creates. Its pages are on subdomains of daily.co, and those of another API
// URL, such as the sandbox's, on the same server.
func (p *Provider) Embed() provider.Embed {
	return provider.Embed{Component: "daily", Frames: rest.Frames("https://*.daily.co", "api.daily.co", p.account.APIURL), Lobby: true}
}

// Entry returns the room's URL with a token for one person. A guest of a locked room gets no token: with one they would not knock.
func (p *Provider) Entry(ctx context.Context, r provider.EntryRequest) (provider.Entry, error) {
	const op = "make token"
	links, err := p.Links(ctx, provider.LinkRequest{Meeting: r.Meeting})
	if err != nil {
		return provider.Entry{}, err
	}
	out := provider.Entry{URL: links.Guest}
	if r.Locked && !r.Host {
		return out, nil
	}
	exp := r.Meeting.Until
	if soonest := p.client.Now().Add(entryTime); exp.Before(soonest) {
		exp = soonest
	}
	out.Token, err = p.token(ctx, op, tokenProperties{
		RoomName: r.Meeting.Room, IsOwner: r.Host, Exp: exp.Unix(), UserName: r.Name, UserID: r.UserID,
	})
	return out, err
}

// entryTime is the least time for which a token is valid: people stay beyond a meeting's end.
const entryTime = time.Hour

// token creates a meeting token. It is only a signed text: creating another one does no harm.
func (p *Provider) token(ctx context.Context, op string, props tokenProperties) (string, error) {
	var out struct {
		Token string `json:"token"`
	}
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: props.RoomName, Method: "POST", Path: "/meeting-tokens", Idempotent: true,
		In: map[string]any{"properties": props}, Out: &out,
	})
	if err == nil && !usableToken(out.Token) {
		err = p.client.Malformed(op, props.RoomName, "the response has no token")
	}
	return out.Token, err
}

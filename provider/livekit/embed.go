package livekit

import (
	"context"
	"strings"

	"greenroom/provider"
)

var _ provider.Embedder = (*Provider)(nil)

// Embed returns the component for LiveKit, which connects only to the account's server.
func (p *Provider) Embed() provider.Embed {
	server := strings.TrimSuffix(p.account.APIURL, "/")
	return provider.Embed{Component: "livekit", Connects: []string{origin(overSocket(server)), origin(server)}}
}

// origin returns an address without its path.
func origin(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// Entry returns the server's address with a token for one person, whose identity is the user id. If the same person enters again, the
// earlier session ends.
func (p *Provider) Entry(ctx context.Context, r provider.EntryRequest) (provider.Entry, error) {
	const op = "make token"
	m := r.Meeting
	if m.Room == "" {
		return provider.Entry{}, p.client.Refuse(provider.Invalid, op, "", "the meeting has no room name", "")
	}
	if m.Until.IsZero() {
		found, err := p.Lookup(ctx, m)
		if err != nil {
			return provider.Entry{}, err
		}
		m.Until = found.Until
	}
	token, err := p.tokenFor(m, r.UserID, r.Name, r.Host)
	if err != nil {
		return provider.Entry{}, p.client.Refuse(provider.Invalid, op, m.Room, "the token can't be signed", "")
	}
	return provider.Entry{URL: overSocket(p.account.APIURL), Token: token}, nil
}

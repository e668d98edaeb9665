package livekit

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

const (
	// longestLink and shortestLink limit the validity of a link's token: others can still join people who stay past the end.
	longestLink  = 25 * time.Hour
	shortestLink = 10 * time.Minute
)

// Links returns links of the join page with tokens that this call signs: one for a guest, and on request one for the host. Each has its
// own identity.
func (p *Provider) Links(ctx context.Context, r provider.LinkRequest) (provider.Links, error) {
	const op = "make links"
	m := r.Meeting
	if m.Room == "" {
		return provider.Links{}, p.client.Refuse(provider.Invalid, op, "", "the meeting has no room name", "")
	}
	if p.account.JoinURL == "" {
		return provider.Links{}, p.client.Refuse(provider.Unsupported, op, m.Room,
			"LiveKit has no page where people can join", joinHint(p.account))
	}
	if m.ID == "" || m.Until.IsZero() {
		found, err := p.Lookup(ctx, m)
		if err != nil {
			return provider.Links{}, err
		}
		m.Until = found.Until
	}
	guest, err := p.link(m, "guest", "", false)
	if err != nil || !r.Host {
		return provider.Links{Guest: guest}, err
	}
	host, err := p.link(m, "host", r.Name, true)
	return provider.Links{Guest: guest, Host: host}, err
}

// joinHint returns the remedy for a missing join page.
func joinHint(a provider.Account) string {
	return "set " + a.Setting(variableJoin, "join_url") + " to the address of one, with {url} for the server and {token} for the token: " +
		"https://meet.example/?url={url}&token={token}"
}

// link returns a link with a new token, for a unique identity that begins with who.
func (p *Provider) link(m provider.Meeting, who, name string, host bool) (string, error) {
	token, err := p.tokenFor(m, who+"-"+strings.ToLower(rand.Text()[:12]), name, host)
	if err != nil {
		return "", p.client.Refuse(provider.Invalid, "make links", m.Room, "the token can't be signed", "")
	}
	link, err := joinLink(p.account.JoinURL, overSocket(p.account.APIURL), token)
	if err != nil {
		return "", p.client.Refuse(provider.Invalid, "make links", m.Room, "the join page's address is invalid: "+err.Error(), joinHint(p.account))
	}
	return link, nil
}

// tokenFor returns a token with which one person joins until the meeting's end.
func (p *Provider) tokenFor(m provider.Meeting, identity, name string, host bool) (string, error) {
	now := p.client.Now()
	until := m.Until
	if until.IsZero() || until.After(now.Add(longestLink)) {
		until = now.Add(longestLink)
	}
	c := claims{Name: name, Video: &grant{RoomJoin: true, Room: m.Room, RoomAdmin: host}}
	c.Subject = identity
	if host {
		c.Attributes = map[string]string{hostAttribute: "true"}
	}
	return p.signer.sign(c, now, notBefore(until, now.Add(shortestLink)))
}

// joinLink fills in a join page's address.
func joinLink(template, server, token string) (string, error) {
	if !strings.Contains(template, "{token}") {
		return "", errors.New("it has no {token}")
	}
	return rest.Link(strings.NewReplacer("{url}", url.QueryEscape(server), "{token}", url.QueryEscape(token)).Replace(template))
}

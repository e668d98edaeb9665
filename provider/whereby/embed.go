package whereby

import (
	"context"
	"net/url"

	"greenroom/provider"
)

var _ provider.Embedder = (*Provider)(nil)

// Embed returns Whereby's own element. Its pages are on subdomains of whereby.com, and those of another API URL, such as the sandbox's, on
// the same server.
func (p *Provider) Embed() provider.Embed {
	e := provider.Embed{Component: "whereby", Frames: []string{"https://*.whereby.com"}, Lobby: true}
	if u, err := url.Parse(p.account.APIURL); err == nil && u.Host != "" && u.Host != "api.whereby.dev" {
		e.Frames = append(e.Frames, u.Scheme+"://"+u.Host)
	}
	return e
}

// Entry returns the room's URL; Whereby has no tokens. A host gets the URL with the room key.
func (p *Provider) Entry(ctx context.Context, r provider.EntryRequest) (provider.Entry, error) {
	links, err := p.Links(ctx, provider.LinkRequest{Meeting: r.Meeting, Host: r.Host})
	if err != nil {
		return provider.Entry{}, err
	}
	if r.Host {
		return provider.Entry{URL: links.Host}, nil
	}
	return provider.Entry{URL: links.Guest}, nil
}

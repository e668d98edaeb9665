package whereby

import (
	"context"

	"greenroom/provider"
	"greenroom/provider/rest"
)

var _ provider.Embedder = (*Provider)(nil)

// Embed returns Whereby's own element. Its pages are on subdomains of whereby.com, and those of another API URL, such as the sandbox's,
// on the same server.
func (p *Provider) Embed() provider.Embed {
	return provider.Embed{Component: "whereby", Frames: rest.Frames("https://*.whereby.com", "api.whereby.dev", p.account.APIURL), Lobby: true}
}

// Entry returns the room's URL; Whereby has no tokens. A host gets the URL with the room key.
func (p *Provider) Entry(ctx context.Context, r provider.EntryRequest) (provider.Entry, error) {
	links, err := p.Links(ctx, provider.LinkRequest{Meeting: r.Meeting, Host: r.Host})
	if r.Host {
		return provider.Entry{URL: links.Host}, err
	}
	return provider.Entry{URL: links.Guest}, err
}

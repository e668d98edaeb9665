package tui

import (
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// Guests get the address of the room's page where they reach it, else the platform's link, and the room says where its page is reachable.
func TestGuestsGetThePageWhereItIsPublic(t *testing.T) {
	const platform = "https://acme.daily.co/board-20000101000000"
	public := app.PageLink{PageURL: "https://gr.example/r/board-abc", PageReach: app.PagePublic, PageTunnel: "ssh"}
	local := app.PageLink{PageURL: "http://127.0.0.1:7070/r/board-abc", PageReach: app.PageLocal}
	for _, c := range []struct {
		name    string
		page    app.PageLink
		started bool
		want    string // empty: there is nothing to give
		says    string
	}{
		{"public", public, true, public.PageURL, "page through ssh"},
		{"public, before the meeting", public, false, public.PageURL, "page through ssh"},
		{"here only", local, true, platform, "page on this machine"},
		{"here only, before the meeting", local, false, "", "page on this machine"},
		{"off", app.PageLink{PageReach: app.PageOff}, true, platform, ""},
		{"a hostile tunnel", app.PageLink{PageURL: public.PageURL, PageReach: app.PagePublic, PageTunnel: "e\x1b[31mxec"}, true, public.PageURL, "page through e␛[31mxec"},
		{"no web address", app.PageLink{PageURL: "javascript:alert(1)", PageReach: app.PagePublic, PageTunnel: "exec"}, true, platform, "page through exec"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := sit(t, 100, 45, func(b *tuitest.Backend) {
					b.PageOf = func(app.Room) app.PageLink { return c.page }
					b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
					if c.started {
						b.Start("board")
					}
				})
				p.sees("board", c.says)
				if c.says == "" {
					p.misses("page through", "page on this machine")
				}
				if c.want == "" {
					p.does("copy.guest").misses("copied")
					if got := p.clipboard(); len(got) != 0 {
						t.Errorf("copied %q", got)
					}
					return
				}
				p.sees(strings.TrimPrefix(c.want, "https://"))
				for y := range 45 {
					for x := range 100 {
						if cell := p.term.CellAt(x, y); cell != nil && cell.Link.URL != "" && cell.Link.URL != c.want {
							t.Fatalf("a link to %q", cell.Link.URL)
						}
					}
				}
				p.does("copy.guest").sees("Guest link of board")
				if got := p.clipboard(); len(got) != 1 || got[0] != c.want {
					t.Errorf("copied %q, not %q", got, c.want)
				}
				p.does("qr").sees("board")
				shows(t, p, c.want)
			})
		})
	}
}

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

type roomPageOptions struct {
	*program
	app.PageChange
}

func (p *program) roomPage() *cobra.Command {
	o := &roomPageOptions{program: p}
	cmd := &cobra.Command{
		Use: "page ROOM", Short: "Print or change the address where guests join", Args: exactly("ROOM"), RunE: p.do(o.run),
		ValidArgsFunction: p.rooms,
		Long: "Print the address of the room's page. It stays the same whichever platform the next meeting is on. Guests enter their\n" +
			"name, consent if the meeting is recorded, and join when it starts. The page is served while the screen or `greenroom " +
			"listen` runs. It is\n" +
			"public while a tunnel that carries connections is live; otherwise it is reachable on this machine only.",
		Example: "  greenroom room page standup\n  greenroom room page standup --rotate",
	}
	cmd.Flags().BoolVar(&o.Rotate, "rotate", false, "replace the address; the old one stops working")
	cmd.Flags().BoolVar(&o.Off, "off", false, "disable the page")
	cmd.Flags().BoolVar(&o.On, "on", false, "enable the page again, under the same address")
	return p.jsonFlag(cmd, "print a JSON object")
}

func (o *roomPageOptions) run(ctx context.Context, args []string) error {
	if o.Off && (o.On || o.Rotate) {
		return usagef("--off can't be used with --on or --rotate")
	}
	o.Room = args[0]
	do := o.with
	if !o.Rotate && !o.Off && !o.On {
		do = o.reading
	}
	return do(ctx, func(b app.Backend) error {
		link, err := b.EditPage(ctx, o.PageChange)
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(link)
		}
		if link.PageURL == "" {
			o.words("The page of " + plain.Word(o.Room) + " is off. To enable it: greenroom room page " + plain.Word(o.Room) + " --on")
			return nil
		}
		if link.PageReach == app.PageLocal {
			status, err := b.Status(ctx, app.StatusQuery{})
			if err != nil {
				return err
			}
			o.words(whyLocal(status))
		}
		_, err = fmt.Fprintln(o.stdout, plain.Text(link.PageURL))
		return err
	})
}

// whyLocal explains why a page is reachable on this machine only, and the remedy.
func whyLocal(s app.Status) string {
	switch {
	case s.Listener.URL == "":
		return "Nothing serves the page now: open the screen, or run greenroom listen."
	case s.Tunnel.Driver == "" || s.Tunnel.Driver == "none" || s.Tunnel.StoreAndForward:
		return "Reachable on this machine only: guests need a tunnel that carries connections (ssh, cloudflared, tailscale, ngrok)."
	}
	return "Reachable on this machine only while the tunnel " + plain.Text(s.Tunnel.Driver) + " is not live: see greenroom tunnel status."
}

// pageOf describes a page's address and its reach.
func pageOf(l app.PageLink) string {
	switch {
	case l.PageURL == "":
		return string(app.PageOff)
	case l.PageReach == app.PagePublic:
		return l.PageURL + " (public, through " + l.PageTunnel + ")"
	}
	return l.PageURL + " (on this machine only)"
}

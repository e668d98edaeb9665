package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/tunnel"
)

func (p *program) tunnelCommand() *cobra.Command {
	return group("tunnel", "The tunnel that makes the listener public",
		p.tunnelStatus(), p.tunnelProbe(), p.tunnelRegister())
}

// noStoreAndForward describes a tunnel without store-and-forward.
const noStoreAndForward = "no store-and-forward: requests sent while this machine is offline are lost"

// tunnelSentence describes a tunnel.
func tunnelSentence(s app.TunnelStatus) string {
	out := fmt.Sprintf("Tunnel %s: %s", s.Driver, s.State)
	if s.URL != "" && s.State != string(tunnel.Closed) {
		out += ", " + s.URL
	}
	if s.Reason != "" {
		out += ": " + s.Reason
	}
	if !s.StoreAndForward && s.State == string(tunnel.Live) {
		out += " (" + noStoreAndForward + ")"
	}
	return out
}

// roundTrip formats milliseconds.
func roundTrip(ms float64) string {
	if ms < 1 {
		return "less than 1 ms"
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// registrationSentence describes an account's webhook on its platform.
func registrationSentence(r app.RegisteredWebhook) string {
	switch {
	case r.State == app.WebhookRegistered:
		return "registered with the platform"
	case r.State == app.WebhookByHand:
		return r.Hint
	case r.Hint != "":
		return r.Problem + ": " + r.Hint
	}
	return r.Problem
}

func (p *program) tunnelStatus() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "status", Short: "Show the tunnel's status", Args: exactly(), RunE: p.changes(p.showTunnel),
		Long: "Show the tunnel that the screen or `greenroom listen` has open: its public URL, the round trip, the requests " +
			"waiting at the relay, and the webhook URL of each account and of a relay's other hooks. A tunnel is live once " +
			"a request to its public URL has arrived here.",
	}, "print the status as a JSON object")
}

func (p *program) showTunnel(ctx context.Context, b app.Backend, _ []string) error {
	all, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return err
	}
	s := all.Tunnel
	if p.json {
		return p.printJSON(s)
	}
	t := newTable("TUNNEL", "")
	t.add("driver", s.Driver)
	t.add("state", s.State)
	add := func(name, value string) {
		if value != "" {
			t.add(name, value)
		}
	}
	add("reason", s.Reason)
	if !s.RetryAt.IsZero() {
		t.add("next attempt", s.RetryAt.Local().Format(time.TimeOnly))
	}
	add("URL", s.URL)
	if s.RTTMs > 0 {
		t.add("round trip", roundTrip(s.RTTMs))
	}
	switch {
	case s.State == string(tunnel.Closed):
	case s.StoreAndForward:
		t.add("waiting", fmt.Sprintf("%d at the relay", s.Spool))
	default:
		t.add("note", noStoreAndForward)
	}
	add("lost", s.Gap)
	for _, name := range slices.Sorted(maps.Keys(s.Hooks)) {
		t.add(name, s.Hooks[name])
		for _, a := range all.Accounts {
			if a.Name == name && a.Registration != nil {
				t.add("", registrationSentence(*a.Registration))
			}
		}
	}
	for _, m := range s.More {
		t.add("hook "+m.Name, m.URL)
		for _, name := range slices.Sorted(maps.Keys(m.Hooks)) {
			t.add("  "+name, m.Hooks[name])
		}
	}
	return p.printTable(t)
}

func (p *program) tunnelProbe() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "probe", Short: "Check that a request to the public URL arrives here", Args: exactly(), RunE: p.changes(p.probeTunnel),
		Long: "Ask the screen or `greenroom listen` to send a request to the tunnel's public URL that must come back through it.\n" +
			"The exit status is 0 if it did, 1 if it didn't, and 4 if no tunnel is open.",
	}, "print the outcome as a JSON object")
}

func (p *program) probeTunnel(ctx context.Context, b app.Backend, _ []string) error {
	out, err := b.ProbeTunnel(ctx, app.TunnelProbe{})
	if err != nil {
		return err
	}
	if p.json {
		if err := p.printJSON(out); err != nil {
			return err
		}
	} else if out.OK {
		p.words(plain.Text(fmt.Sprintf("A request to %s came back through the %s tunnel in %s.", out.URL, out.Driver, roundTrip(out.RTTMs))))
	}
	if out.OK {
		return nil
	}
	text := fmt.Sprintf("the %s tunnel doesn't work: %s", out.Driver, out.Reason)
	return &app.Error{Kind: provider.Unavailable, Text: strings.TrimSuffix(text, ": ")}
}

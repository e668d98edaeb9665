package status

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// copyURL copies the URL to which the account's platform posts.
func (p *Pane) copyURL() tea.Cmd {
	return p.CopyText(pane.Copied{What: "Webhook URL"}, p.account().Webhook)
}

func (p *Pane) whyNoURL() string {
	if p.account().Webhook == "" {
		return "No webhook URL yet: no tunnel is open"
	}
	return ""
}

func (p *Pane) whyNoAddress() string {
	if p.Status.Tunnel.URL == "" {
		return "There is no public URL: no tunnel is open"
	}
	return ""
}

// copyTunnel copies the tunnel's public URL.
func (p *Pane) copyTunnel() tea.Cmd {
	return p.CopyText(pane.Copied{What: "Public URL"}, p.Status.Tunnel.URL)
}

// showQR shows the tunnel's public URL as a code.
func (p *Pane) showQR() tea.Cmd { return p.ShowQR("Public URL", "", p.Status.Tunnel.URL) }

func (p *Pane) whyNoProbe() string {
	if t := p.Status.Tunnel; !configured(t) || t.State == "closed" {
		return "No tunnel is open"
	}
	return ""
}

// probe sends a request to the public URL and shows how long it took to come back.
func (p *Pane) probe() tea.Cmd {
	p.Working("Sending a request to the public URL")
	return pane.Try(p.Screen, "probe the tunnel", nil,
		func(ctx context.Context) (app.TunnelProbed, error) {
			return p.Backend.ProbeTunnel(ctx, app.TunnelProbe{})
		},
		func(got app.TunnelProbed) tea.Cmd {
			if !got.OK {
				return p.Complain("", &app.Error{Text: "The request didn't come back through the tunnel: " + got.Reason})
			}
			return p.Say("A request came back through the tunnel in "+roundTrip(got.RTTMs), "")
		})
}

func (p *Pane) whyNoRegistration() string {
	switch r := p.account().Registration; {
	case r == nil:
		return "A webhook is registered once the tunnel is live"
	case r.State == app.WebhookByHand:
		return "No API for this: " + words.Safe(r.Hint)
	}
	return ""
}

// register registers the webhook of the selected account. It asks before it replaces one that was registered elsewhere.
func (p *Pane) register() tea.Cmd {
	a := p.account()
	register := func(replace bool) tea.Cmd {
		p.Working("Registering the webhook of " + a.Name)
		q := app.WebhookRegistration{Account: a.Name, Replace: replace}
		return pane.Try(p.Screen, "register the webhook", nil,
			func(ctx context.Context) (app.RegisteredWebhook, error) { return p.Backend.RegisterWebhook(ctx, q) },
			func(w app.RegisteredWebhook) tea.Cmd {
				host, _, _ := strings.Cut(words.BareLink(w.URL), "/")
				return tea.Batch(p.StatusRead.Want(), p.Say("The platform of "+a.Name+" posts to the tunnel", host))
			})
	}
	if a.Registration.State != app.WebhookForeign {
		return register(false)
	}
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Replace the webhook of " + words.Safe(a.Name) + "?", Yes: "Replace", No: "Keep", Danger: true,
		Text: "It posts to " + words.Safe(a.Registration.Foreign) + " and was registered elsewhere. That receiver gets no more webhooks: " +
			"the platform posts to this tunnel instead.",
		OnYes: func() tea.Cmd { return register(true) },
	})
}

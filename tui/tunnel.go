package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// tunnelSign says in a word and a glyph how the listener is reached from outside.
func (m *Model) tunnelSign() (string, theme.Ink) {
	t, l := m.status.status.Tunnel, m.status.status.Listener
	switch {
	case t.State == "live":
		return theme.Live + " tunnel up", m.st.Good
	case t.State == "connecting":
		return theme.Pending + " tunnel connecting", m.st.Warn
	case t.State == "degraded":
		return theme.Doubtful + " tunnel degraded", m.st.Warn
	case l.URL != "" && configured(t):
		return theme.Bad + " tunnel closed", m.st.Bad
	case l.URL != "" && l.Problem != "":
		return theme.Doubtful + " local only", m.st.Warn
	case l.URL != "":
		return theme.Open + " local only", m.st.Accent
	case l.Problem != "":
		return theme.Bad + " not listening", m.st.Bad
	}
	return theme.Nothing + " not listening", m.st.Muted
}

// configured says whether there should be a tunnel.
func configured(t app.TunnelStatus) bool { return t.Driver != "" && t.Driver != "none" }

// roundTrip words a number of milliseconds.
func roundTrip(ms float64) string {
	if ms < 1 {
		return "less than 1 ms"
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// tunnelLines draws how platforms reach this machine.
func (t *statusTab) tunnelLines(m *Model, f *facts) {
	s, tn := m.st, t.status.Tunnel
	f.head("Tunnel")
	if !configured(tn) {
		f.row("driver", "none", s.Text)
		f.row("", "Platforms can't reach this machine. Choose a tunnel under [tunnel] in the file that greenroom config path "+
			"names: a relay of yours, ssh, cloudflared, ngrok and others. Without one, who is there is still read from the "+
			"platforms, only later.", s.Muted)
		return
	}
	word, ink := m.tunnelSign()
	word += " through " + safe(tn.Driver)
	if tn.RTTMs > 0 {
		word += ", " + roundTrip(tn.RTTMs) + " there and back"
	}
	f.row("state", word, ink)
	f.row("why", safe(tn.Reason), s.Warn)
	if tn.URL != "" {
		f.row("address", safe(tn.URL), s.Link)
		f.row("", m.keys.name(actTunnelCopy)+" copies it, "+m.keys.name(actTunnelQR)+" shows it as a QR code", s.Muted)
	}
	f.row("gap", safe(tn.Gap), s.Bad)
	switch {
	case tn.State == "closed":
	case tn.StoreAndForward && tn.Spool == 0:
		f.row("spool", "nothing waits at the relay", s.Text)
	case tn.StoreAndForward:
		f.row("spool", plural(tn.Spool, "delivery waits", "deliveries wait")+" at the relay", s.Text)
	default:
		f.row("", "no store-and-forward: what comes while this machine is away is lost", s.Muted)
	}
}

// webhookLines draws where an account's platform must post to, and whether it does.
func (t *statusTab) webhookLines(m *Model, f *facts, a app.AccountStatus) {
	s := m.st
	if a.Webhook == "" {
		if !configured(t.status.Tunnel) {
			f.row("webhook", "not reachable from outside: no tunnel", s.Muted)
		}
		return
	}
	f.row("webhook", bareLink(a.Webhook), s.Link)
	r := a.Registration
	switch {
	case r == nil && m.opts.Demo:
		f.row("", "The sandbox posts there.", s.Muted)
	case r == nil && local(a.Webhook):
		f.row("", "Reachable from this machine only. Platforms need a public URL; see Tunnel.", s.Warn)
	case r == nil && t.status.Tunnel.State == "live":
		f.row("", theme.Pending+" asking the platform for its webhook…", s.Muted)
	case r == nil:
	case r.State == app.WebhookRegistered:
		f.row("", theme.Good+" registered with the platform", s.Good)
	case r.State == app.WebhookForeign:
		f.row("", theme.Doubtful+" "+safe(r.Problem), s.Warn)
		f.row("  do", m.keys.name(actRegister)+" replaces it, for the selected account", s.Warn)
	case r.State == app.WebhookByHand && m.opts.Demo:
		f.row("", "The sandbox posts there.", s.Muted)
	case r.State == app.WebhookByHand:
		f.row("  do", safe(r.Hint)+" ("+m.keys.name(actCopyURL)+" copies it)", s.Muted)
	default:
		f.row("", theme.Bad+" "+safe(r.Problem), s.Bad)
		f.row("  do", safe(r.Hint), s.Warn)
	}
}

// whyNoTunnelAct says what stands in the way of an action on the tunnel; empty when nothing does.
func (m *Model) whyNoTunnelAct(a Action) string {
	tn, account := m.status.status.Tunnel, m.status.account()
	switch {
	case m.tab != tabStatus:
		return "Use this on the Status tab: " + m.keys.name(actStatus)
	case a == actTunnelProbe && (!configured(tn) || tn.State == "closed"):
		return "No tunnel is open"
	case (a == actTunnelCopy || a == actTunnelQR) && tn.URL == "":
		return "There is no public URL: no tunnel is open"
	case a != actRegister:
		return ""
	case account.Registration == nil:
		return "A webhook is registered once the tunnel is live"
	case account.Registration.State == app.WebhookByHand:
		return "The platform has no call for that: " + safe(account.Registration.Hint)
	}
	return ""
}

// tunnelAct does something with the tunnel.
func (m *Model) tunnelAct(a Action) tea.Cmd {
	tn := m.status.status.Tunnel
	switch a {
	case actTunnelCopy:
		return m.copyText("Public URL", tn.URL, "")
	case actTunnelQR:
		return m.showQR("Public URL", "", tn.URL)
	case actTunnelProbe:
		b := m.backend
		m.working("Sending a request to the public URL")
		return try(m, "probe the tunnel", nil,
			func(ctx context.Context) (app.TunnelProbed, error) { return b.ProbeTunnel(ctx, app.TunnelProbe{}) },
			func(p app.TunnelProbed) tea.Cmd {
				if !p.OK {
					return m.complain("probe the tunnel", &app.Error{Text: p.Reason})
				}
				return m.say("A request came back through the tunnel in "+roundTrip(p.RTTMs), "")
			})
	case actRegister:
		return m.register()
	}
	return nil
}

// register has the chosen account's webhook registered, and asks before it takes over one that isn't ours.
func (m *Model) register() tea.Cmd {
	a := m.status.account()
	r := a.Registration
	if r.State != app.WebhookForeign {
		return m.registerNow(a.Name, false)
	}
	m.dialogs.Push(&dialog.Confirm{
		Title: "Replace the webhook of " + safe(a.Name) + "?", Yes: "Replace", No: "Keep", Danger: true,
		Text: "It posts to " + safe(r.Foreign) + " and was registered elsewhere. That receiver gets no more webhooks: " +
			"the platform posts to this tunnel instead.",
		OnYes: func() tea.Cmd { return m.registerNow(a.Name, true) },
	})
	return nil
}

func (m *Model) registerNow(account string, replace bool) tea.Cmd {
	b := m.backend
	m.working("Registering the webhook of " + account)
	return try(m, "register the webhook", nil,
		func(ctx context.Context) (app.RegisteredWebhook, error) {
			return b.RegisterWebhook(ctx, app.WebhookRegistration{Account: account, Replace: replace})
		},
		func(w app.RegisteredWebhook) tea.Cmd {
			host, _, _ := strings.Cut(bareLink(w.URL), "/")
			return tea.Batch(m.want(slotStatus), m.say("The platform of "+account+" posts to the tunnel", host))
		})
}

package status

import (
	"fmt"

	"greenroom/internal/app"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// TunnelSign returns how the listener is reached from outside, with a glyph, and its ink.
func (p *Pane) TunnelSign() (string, theme.Ink) {
	t, l := p.Status.Tunnel, p.Status.Listener
	switch {
	case t.State == "live":
		return theme.Live + " tunnel up", p.Styles.Good
	case t.State == "connecting":
		return theme.Pending + " tunnel connecting", p.Styles.Warn
	case t.State == "degraded":
		return theme.Doubtful + " tunnel degraded", p.Styles.Warn
	case l.URL != "" && configured(t):
		return theme.Bad + " tunnel closed", p.Styles.Bad
	case l.URL != "" && l.Problem != "":
		return theme.Doubtful + " local only", p.Styles.Warn
	case l.URL != "":
		return theme.Open + " local only", p.Styles.Accent
	case l.Problem != "":
		return theme.Bad + " not listening", p.Styles.Bad
	}
	return theme.Nothing + " not listening", p.Styles.Muted
}

// configured reports whether a tunnel is configured.
func configured(t app.TunnelStatus) bool { return t.Driver != "" && t.Driver != "none" }

// roundTrip returns a number of milliseconds in words.
func roundTrip(ms float64) string {
	if ms < 1 {
		return "less than 1 ms"
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// tunnelLines draws how platforms reach this machine.
func (p *Pane) tunnelLines(f *facts) {
	s, tn := p.Styles, p.Status.Tunnel
	f.head("Tunnel")
	if !configured(tn) {
		f.row("driver", "none", s.Text)
		f.row("", "Platforms can't reach this machine. Choose a tunnel under [tunnel] in the configuration file (greenroom config "+
			"path): your own relay, ssh, cloudflared, ngrok or another. Without one, presence is polled, which is slower.", s.Muted)
		return
	}
	word, ink := p.TunnelSign()
	word += " through " + words.Safe(tn.Driver)
	if tn.RTTMs > 0 {
		word += ", " + roundTrip(tn.RTTMs) + " round trip"
	}
	f.row("state", word, ink)
	f.row("why", words.Safe(tn.Reason), s.Warn)
	if tn.URL != "" {
		f.row("address", words.Safe(tn.URL), s.Link)
		f.row("", p.Key(copyTunnel)+" copies it, "+p.Key(showQR)+" shows it as a QR code", s.Muted)
	}
	f.row("gap", words.Safe(tn.Gap), s.Bad)
	switch {
	case tn.State == "closed":
	case tn.StoreAndForward && tn.Spool == 0:
		f.row("spool", "nothing waiting at the relay", s.Text)
	case tn.StoreAndForward:
		f.row("spool", words.Plural(tn.Spool, "request", "requests")+" waiting at the relay", s.Text)
	default:
		f.row("", "no store-and-forward: webhooks sent while this machine is offline are lost", s.Muted)
	}
}

// webhookLines draws the URL for an account's platform, and whether it is registered there.
func (p *Pane) webhookLines(f *facts, a app.AccountStatus) {
	s := p.Styles
	if a.Webhook == "" {
		if !configured(p.Status.Tunnel) {
			f.row("webhook", "not reachable from the internet: no tunnel", s.Muted)
		}
		return
	}
	f.row("webhook", words.BareLink(a.Webhook), s.Link)
	r := a.Registration
	switch {
	case r == nil && p.Demo:
		f.row("", "The sandbox posts there.", s.Muted)
	case r == nil && words.Local(a.Webhook):
		f.row("", "Reachable from this machine only. Platforms need a public URL; see Tunnel.", s.Warn)
	case r == nil && p.Status.Tunnel.State == "live":
		f.row("", theme.Pending+" asking the platform for its webhook…", s.Muted)
	case r == nil:
	case r.State == app.WebhookRegistered:
		f.row("", theme.Good+" registered with the platform", s.Good)
	case r.State == app.WebhookForeign:
		f.row("", theme.Doubtful+" "+words.Safe(r.Problem), s.Warn)
		f.row("  do", p.Key(register)+" replaces it, for the selected account", s.Warn)
	case r.State == app.WebhookByHand && p.Demo:
		f.row("", "The sandbox posts there.", s.Muted)
	case r.State == app.WebhookByHand:
		f.row("  do", words.Safe(r.Hint)+" ("+p.Key(copyURL)+" copies it)", s.Muted)
	default:
		f.row("", theme.Bad+" "+words.Safe(r.Problem), s.Bad)
		f.row("  do", words.Safe(r.Hint), s.Warn)
	}
}

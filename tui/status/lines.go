package status

import (
	"cmp"
	"fmt"

	"greenroom/internal/app"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// health returns the word of an account's health with its glyph, and its ink.
func (p *Pane) health(a app.AccountStatus) (string, theme.Ink) {
	switch a.Health {
	case "ok":
		return theme.Good + " ok", p.Styles.Good
	case "failing":
		return theme.Bad + " failing", p.Styles.Bad
	case "no webhook secret":
		return theme.Doubtful + " no webhook secret", p.Styles.Warn
	case "unchecked", "":
		return theme.Open + " not checked yet", p.Styles.Muted
	}
	return theme.Doubtful + " " + words.Safe(a.Health), p.Styles.Warn
}

// lines draws everything but the log.
func (p *Pane) lines(w int) []string {
	s, st := p.Styles, &p.Status
	l := p.StatusRead
	if !l.Ready {
		if l.Err != nil {
			return p.Trouble("The status can't be read", l.Err, w)
		}
		return []string{" " + s.Muted.Render("reading…")}
	}
	f := &facts{s: s, w: w}
	if configured(st.Tunnel) {
		p.tunnelLines(f)
	}
	f.head("Accounts")
	if len(st.Accounts) == 0 {
		f.row("none", p.HowToAdd(), s.Text)
		for _, h := range p.AccountHelp {
			f.row("", h, s.Accent)
		}
	} else {
		text, ink := p.checkState()
		f.row("checks", text, ink)
		if err := p.readChecks.Err; err != nil {
			e := app.AsError(err)
			f.row("", words.Safe(e.Text), s.Bad)
			f.row("  do", words.Safe(e.Hint), s.Warn)
		}
	}
	selected := p.account().Name
	p.spans = p.spans[:0]
	for _, a := range st.Accounts {
		from := len(f.lines)
		p.accountLines(f, a, a.Name == selected)
		p.spans = append(p.spans, span{from, len(f.lines)})
	}
	p.listenerLines(f)
	if !configured(st.Tunnel) {
		p.tunnelLines(f)
	}
	f.head("Store")
	f.row("file", words.Safe(st.Store.Path), s.Text)
	if st.Store.Problem != "" {
		f.row("problem", theme.Bad+" "+words.Safe(st.Store.Problem), s.Bad)
	}
	size := words.Bytes(st.Store.Bytes)
	if st.Store.FreeBytes > 0 {
		size += ", " + words.Bytes(st.Store.FreeBytes) + " of it free for new events"
	}
	f.row("size", size, s.Text)
	f.row("events", fmt.Sprintf("%d", st.Store.Deliveries), s.Text)
	owner := fmt.Sprintf("process %d", st.Store.Owner)
	if st.Store.Owner == p.PID {
		owner = "this screen"
	}
	if st.Store.Owner != 0 {
		if !st.Store.Since.IsZero() {
			owner += ", since " + p.Day(st.Store.Since)
		}
		f.row("held by", owner, s.Text)
	}
	if len(st.Pollers) > 0 {
		f.head("Pollers")
		for _, poller := range st.Pollers {
			text, ink := theme.Good+" "+words.Ago(words.Since(poller.LastAt, p.Now())), s.Text
			switch {
			case poller.Error != "":
				text, ink = theme.Bad+" "+words.Safe(poller.Error), s.Bad
			case poller.LastAt.IsZero():
				text, ink = theme.Open+" not yet", s.Muted
			}
			f.row(words.Safe(poller.Account), words.Safe(poller.Name)+"  "+text, ink)
		}
	}
	f.head("Greenroom")
	f.row("version", words.Safe(cmp.Or(st.Version, p.Version)), s.Text)
	p.checkLines(f, "")
	return f.lines
}

// accountLines draws one account.
func (p *Pane) accountLines(f *facts, a app.AccountStatus, selected bool) {
	s := p.Styles
	word, ink := p.health(a)
	mark := "  "
	if selected {
		mark = " " + s.Marker.Render(theme.Marker)
	}
	name := words.Safe(a.Name)
	if string(a.Platform) != a.Name {
		name += " (" + words.Safe(string(a.Platform)) + ")"
	}
	f.lines = append(f.lines, mark+" "+s.Strong.Render(s.Fit(name, 20))+" "+ink.Render(word))
	f.row("", words.Safe(a.Detail), s.Muted)
	f.row("do", words.Safe(a.Hint), s.Warn)
	f.row("API", words.BareLink(a.APIURL), s.Muted)
	p.webhookLines(f, a)
	last := "none yet"
	if !a.LastEventAt.IsZero() {
		last = words.Ago(words.Since(a.LastEventAt, p.Now()))
	}
	f.row("last event", last, s.Muted)
	p.checkLines(f, a.Name)
}

// listenerLines draws the listener.
func (p *Pane) listenerLines(f *facts) {
	s, st := p.Styles, &p.Status
	f.head("Listener")
	if st.Listener.URL != "" {
		f.row("listens on", words.Safe(st.Listener.URL), s.Text)
		f.row("answered", fmt.Sprintf("%d accepted, %d rejected, %d busy", st.Listener.Accepted, st.Listener.Rejected, st.Listener.Busy), s.Text)
	} else {
		f.row("state", theme.Bad+" not listening", s.Warn)
	}
	switch {
	case st.Listener.Problem != "" && st.Listener.URL != "":
		f.row("but", theme.Doubtful+" "+words.Safe(st.Listener.Problem), s.Warn)
	default:
		f.row("problem", words.Safe(st.Listener.Problem), s.Bad)
	}
}

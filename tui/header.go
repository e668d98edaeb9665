package tui

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// header draws the tabs, what is live, and how webhooks reach this machine. It also returns the counts of what is live if
// there is no room for them.
func (m *Model) header() (line, counts string) {
	s := m.Styles
	left, end := " "+s.Brand.Render("greenroom"), " "
	if m.Demo {
		left += s.Guide.Render(" demo")
	}
	left += "  "
	if m.W < 90 { // the tabs need the room of the name
		left, end = "", ""
		if m.Demo {
			left = s.Guide.Render(" demo ")
		}
	}
	for _, p := range m.panes {
		label, key := p.Title(), m.Key(tabName(p))
		switch {
		case m.W < 50 && p != m.Current:
			label = key // the names of the other tabs do not fit
		case m.W < 50 || m.W >= 56:
			label = key + " " + label
		}
		if b, ok := p.(pane.Badged); ok {
			label += b.Badge()
		}
		ink := s.TabOff
		if p == m.Current {
			ink = s.TabOn
		}
		m.Button(s.Width(left), 0, s.Width(label)+2, tabName(p))
		left += ink.Render(" " + label + " ")
	}
	right := ""
	if m.StatusRead.Ready {
		word, ink := m.statusTab.TunnelSign()
		right = ink.Render(word)
		if bad := m.failingAccounts(); bad != "" {
			// Every tab shows what fails, if necessary in place of the rest.
			room := m.W - s.Width(left) - s.Width(end) - 1
			if warning := s.Bad.Render(s.Clip(theme.Bad+" "+bad, room)); s.Width(warning)+s.Width(right)+2 <= room {
				right = warning + "  " + right
			} else {
				right = warning
			}
		}
	}
	counts = m.counts()
	if room := m.W - s.Width(left) - s.Width(right) - s.Width(end) - 4; counts != "" && s.Width(counts) <= room && !m.lost {
		right = strings.TrimSuffix(counts+"   "+right, "   ")
		counts = ""
	}
	if m.StatusRead.Ready {
		room := m.W - s.Width(left) - s.Width(right) - s.Width(end) - 3
		if at := m.address(cmp.Or(m.Status.Tunnel.URL, m.Status.Listener.URL), room); at != "" {
			right += "  " + s.Muted.Render(at)
		}
	}
	if m.lost {
		right = s.Warn.Render("◌ reconnecting")
	}
	return s.Spread(left, right+end, m.W), counts
}

// counts returns what is live: 3 live · 41 here · 2 waiting. It is empty if nothing is.
func (m *Model) counts() string {
	s := m.Styles
	live, here, waiting := m.rooms.Live()
	var parts []string
	if live > 0 {
		parts = append(parts, s.Live.Render(strconv.Itoa(live)+" live"), s.Text.Render(strconv.Itoa(here)+" here"))
	}
	if waiting > 0 {
		parts = append(parts, s.Warn.Render(strconv.Itoa(waiting)+" waiting"))
	}
	return strings.Join(parts, s.Faint.Render(" · "))
}

// onEdge puts a text on the longest free part of a border, if there is room.
func (m *Model) onEdge(line, text string) string {
	s := m.Styles
	bare := ansi.Strip(line)
	longest, end := 0, 0
	for i, run := 0, 0; i < len(bare); {
		if strings.HasPrefix(bare[i:], "─") {
			run, i = run+1, i+len("─")
		} else {
			run, i = 0, i+1
		}
		if run > longest {
			longest, end = run, i
		}
	}
	if w := s.Width(text) + 2; longest >= w+2 {
		return s.Splice(line, " "+text+" ", s.Width(bare[:end])-w-1)
	}
	return line
}

// failingAccounts names the accounts with a wrong key or an unreachable platform; empty if there are none.
func (m *Model) failingAccounts() string {
	var names []string
	for _, a := range m.Status.Accounts {
		if a.Health == "failing" {
			names = append(names, words.Safe(a.Name))
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " fails (" + m.Key(pane.TabStatus) + ")"
	}
	return strconv.Itoa(len(names)) + " accounts fail (" + m.Key(pane.TabStatus) + ")"
}

// address returns where webhooks arrive, in at most w cells: the URL, its beginning with the whole host, the host, the
// port on this machine, or nothing. A host is never cut.
func (m *Model) address(raw string, w int) string {
	s, whole := m.Styles, words.BareLink(raw)
	host, _, _ := strings.Cut(whole, "/")
	switch u, err := url.Parse(raw); {
	case raw == "":
	case s.Width(whole) <= w:
		return whole
	case s.Width(host)+4 <= w && host != whole:
		return s.Clip(whole, w)
	case s.Width(host) <= w:
		return host
	case err == nil && words.Local(raw) && u.Port() != "" && len(u.Port()) < w:
		return ":" + u.Port()
	}
	return ""
}

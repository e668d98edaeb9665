package tui

import (
	"strings"

	"greenroom/tui/cell"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// footer draws the actions of the open tab, or the filter while it is typed.
func (m *Model) footer(y int) string {
	s := m.Styles
	if f := m.filtering(); f != nil {
		help := "enter apply   esc clear"
		ink := s.KeyHelp
		switch {
		case len(f.Options) > 1:
			help = s.Clip(words.Safe(strings.Join(f.Options, "  ")), m.W*2/3)
		case f.Wrong != "":
			help, ink = s.Clip(theme.Bad+" "+f.Wrong, m.W*2/3), s.Bad
		case m.W >= 90:
			help = f.Hint + help
		}
		text := words.Safe(f.Text)
		if over := s.Width(text) - (m.W - s.Width(help) - 8); over > 0 {
			text = s.Method.TruncateLeft(text, over, "")
		}
		return s.Spread(" "+s.Key.Render("/ ")+s.Text.Render(text)+s.ButtonOn.Render(" "), ink.Render(help)+" ", m.W)
	}
	var left, right []pane.Action
	for _, g := range m.Keys.On(m.Current) {
		for _, a := range g.Actions {
			switch {
			case !m.inFooter(&a):
			case g.Title == everywhere:
				right = append(right, a)
			default:
				left = append(left, a)
			}
		}
	}
	gap := 3
	if !m.roomy() {
		gap = 2
	}
	// On the left the actions that fit, on the right those of every tab.
	rightWidth := -gap
	for _, a := range right {
		rightWidth += gap + s.Width(a.First()+" "+a.Word)
	}
	rightWidth = min(rightWidth, m.W-2)
	r, rw := m.buttons(right, m.W-1-rightWidth, y, rightWidth, gap)
	l, _ := m.buttons(left, 1, y, m.W-rw-3, gap)
	return s.Spread(" "+l, r+" ", m.W)
}

// buttons draws the actions that fit into w cells, and returns the width that they need.
func (m *Model) buttons(actions []pane.Action, x, y, w, gap int) (string, int) {
	s := m.Styles
	var b strings.Builder
	used := 0
	for _, a := range actions {
		lead, n := 0, s.Width(a.First()+" "+a.Word)
		if used > 0 {
			lead = gap
		}
		if used+lead+n > w {
			continue
		}
		b.WriteString(cell.Spaces(lead))
		m.Button(x+used+lead, y, n, a.Name)
		if m.why(&a) != "" {
			b.WriteString(s.KeyOff.Render(a.First() + " " + a.Word))
		} else {
			b.WriteString(s.Key.Render(a.First()) + " " + s.KeyHelp.Render(a.Word))
		}
		used += lead + n
	}
	return b.String(), used
}

// roomy reports whether the footer has room for what is less important.
func (m *Model) roomy() bool { return m.W >= pane.Wide }

// inFooter reports whether the footer shows an action now. A narrow one leaves out what is not possible.
func (m *Model) inFooter(a *pane.Action) bool {
	return a.Footer && (a.Shown == nil || a.Shown()) && (m.W >= 120 || m.why(a) == "")
}

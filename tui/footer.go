package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/cell"
)

// footer is the keys of where one is, or the filter while it is typed.
func (m *Model) footer(y int) string {
	s := m.st
	if f := m.typing(); f != nil {
		help := "enter keeps   esc clears"
		if m.tab == tabWebhooks && m.w >= 90 {
			help = "account: kind: verdict: meeting: or any text   " + help
		}
		text := safe(f.text)
		if over := s.Width(text) - (m.w - s.Width(help) - 8); over > 0 {
			text = s.Method.TruncateLeft(text, over, "")
		}
		return s.Spread(" "+s.Key.Render("/ ")+s.Text.Render(text)+s.ButtonOn.Render(" "), s.KeyHelp.Render(help)+" ", m.w)
	}
	var left, right []Binding
	gap := 3
	if m.w < wide {
		gap = 2
	}
	for _, g := range m.keys.of(m.tab) {
		for _, b := range g.bindings {
			switch {
			case !b.Footer || gap == 2 && b.Action == actFilter:
			case !m.footed(b.Action):
			case g.name == "Everywhere":
				right = append(right, b)
			default:
				left = append(left, b)
			}
		}
	}
	draw := func(bs []Binding, x, w int) (string, int) {
		var b strings.Builder
		used := 0
		for _, k := range bs {
			name := shown(k.Keys()[:1])
			n := s.Width(name) + 1 + s.Width(k.Help().Desc)
			if used > 0 {
				n += gap
			}
			if used+n > w {
				continue
			}
			start := x + used
			if used > 0 {
				b.WriteString(cell.Spaces(gap))
				start += gap
			}
			m.zone(start, y, x+used+n-start, 1, m.actor(k.Action))
			if m.why(k.Action) != "" {
				b.WriteString(s.KeyOff.Render(name + " " + k.Help().Desc))
			} else {
				b.WriteString(s.Key.Render(name) + " " + s.KeyHelp.Render(k.Help().Desc))
			}
			used += n
		}
		return b.String(), used
	}
	rightWidth := 0
	for i, k := range right {
		rightWidth += s.Width(shown(k.Keys()[:1])) + 1 + s.Width(k.Help().Desc)
		if i > 0 {
			rightWidth += gap
		}
	}
	rightWidth = min(rightWidth, m.w-2)
	r, rw := draw(right, m.w-1-rightWidth, rightWidth)
	l, _ := draw(left, 1, m.w-rw-3)
	return s.Spread(" "+l, r+" ", m.w)
}

// footed says whether an action of the footer belongs there now: what is done to a person only while one is chosen, and
// where there is little room only what can be done.
func (m *Model) footed(a Action) bool {
	switch a {
	case actEject:
		if _, chosen := m.rooms.person(); !chosen {
			return false
		}
	case actNewRoom, actAdopt, actEditRoom:
		if m.tab == tabRooms && m.rooms.inner {
			return false
		}
	}
	return m.w >= 120 || m.why(a) == ""
}

// zone is a place on the screen that does something when it is clicked, or scrolls under the wheel.
type zone struct {
	x, y, w, h int
	click      func(x, y int) tea.Cmd
	scroll     func(rows int) tea.Cmd
}

func (m *Model) zone(x, y, w, h int, click func(x, y int) tea.Cmd) {
	m.zones = append(m.zones, zone{x: x, y: y, w: w, h: h, click: click})
}

func (m *Model) actor(a Action) func(int, int) tea.Cmd {
	return func(int, int) tea.Cmd { return m.act(a) }
}

package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// The smallest terminal that the screen can be drawn on.
const minWidth, minHeight = 40, 10

// View draws the whole screen.
func (m *Model) View() tea.View {
	defer m.note("screen drawing")
	lines, title := m.draw(), m.title()
	if m.ASCII {
		for i, l := range lines {
			lines[i] = m.Styles.ASCII(l)
		}
		title = m.Styles.ASCII(title)
	}
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	v.WindowTitle = title
	if m.indicator {
		v.ProgressBar = m.recordings.Progress()
	}
	if m.opts.Mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// title is the title of the window: what is live.
func (m *Model) title() string {
	t := "greenroom"
	if live, people, _ := m.rooms.Live(); live > 0 {
		t += fmt.Sprintf(" · %d live, %d here", live, people)
	}
	if v, ok := m.rooms.Room(); ok && m.Current == pane.Pane(m.rooms) {
		t += " · " + v.Name
	}
	return words.Safe(m.Styles.Clip(words.Safe(t), 80))
}

// draw returns the lines of the screen.
func (m *Model) draw() []string {
	m.ClearZones()
	if m.W == 0 || m.H == 0 {
		return nil
	}
	s := m.Styles
	if m.W < minWidth || m.H < minHeight {
		out := []string{}
		for _, l := range s.Wrap(fmt.Sprintf("Greenroom needs %d columns and %d lines; this terminal has %d and "+
			"%d.", minWidth, minHeight, m.W, m.H), m.W) {
			out = append(out, s.Fit(l, m.W))
		}
		return out[:min(len(out), m.H)]
	}
	header, counts := m.header()
	lines := []string{header}
	if m.lost {
		lines = append(lines, s.Banner.Render(s.Fit(" ◌ Reconnecting: the store's owner exited. Showing the last known state.", m.W)))
	}
	guide := m.guide()
	h := m.H - len(lines) - 1
	if guide != "" {
		h--
	}
	body := m.Current.Body(len(lines), h)
	if counts != "" {
		body[0] = m.onEdge(body[0], counts)
	}
	lines = append(lines, body...)
	end := len(lines) - 1 // the lower edge of the pane
	if guide != "" {
		lines = append(lines, s.Guide.Render(s.Fit(" "+guide, m.W)))
	}
	lines = append(lines, m.footer(len(lines)))
	if box := m.Toast.Draw(s, m.W); box != nil {
		x := max(m.W-s.Width(box[0])-2, 0)
		y := max(end-len(box), 0)
		for i, l := range box {
			if y+i < len(lines)-1 {
				lines[y+i] = s.Splice(lines[y+i], l, x)
			}
		}
	}
	return m.Dialogs.Draw(s, lines, m.W, m.H, ansi.Strip)
}

// arrange gives the lists their heights, on which the next motion may depend.
func (m *Model) arrange() {
	if m.W >= minWidth && m.H >= minHeight {
		m.draw()
	}
}

// guide is the line that shows a newcomer in the demo what to do next; empty without room for it.
func (m *Model) guide() string {
	if !m.Demo || m.H < 16 || !m.rooms.Ready() {
		return ""
	}
	return "Demo: " + m.Current.Guide()
}

package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"rsc.io/qr"

	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// qr shows the guest link for a phone.
func (m *Model) qr() tea.Cmd {
	mt, _ := m.rooms.meeting()
	note := ""
	if recorded(mt) {
		note = "recorded"
	}
	return m.link(mt, false, "make the QR code", func(url string) tea.Cmd { return m.showQR(mt.Room, note, url) })
}

// showQR shows a URL for a phone.
func (m *Model) showQR(title, note, url string) tea.Cmd {
	code, err := qr.Encode(url, qr.L)
	if err != nil {
		return m.complain("make the QR code", err)
	}
	m.dialogs.Push(&dialog.Sheet{Title: safe(title), Note: note,
		Bare: func(s *theme.Styles) []string { return m.bareQR(code, s, note) },
		Draw: func(s *theme.Styles, w int) []string {
			lines := m.qrLines(code, s, qrQuiet)
			if s.Width(lines[0]) > w || len(lines) > m.h-framedQR {
				return append([]string{"The screen is too small for the code. The link:", ""}, s.Break(safe(url), w)...)
			}
			return append(lines, "", s.Link.Render(s.Clip(safe(url), w)))
		}})
	return nil
}

// How wide the margin of a code is, in its own squares, and how many lines stand around a code in its box: border, link,
// hint, and what is blank.
const (
	qrQuiet  = 2
	framedQR = 8
)

// bareQR is the code by itself where it would not fit into its box: with a thinner margin if it must be, with its note,
// and with a word on how to go on if there is a line for that. It is nil where the box has room, and where even the
// code alone has none.
func (m *Model) bareQR(c *qr.Code, s *theme.Styles, note string) []string {
	if framed := m.qrLines(c, s, qrQuiet); len(framed)+framedQR <= m.h && s.Width(framed[0])+8 <= m.w {
		return nil
	}
	for quiet := qrQuiet; quiet > 0; quiet-- {
		lines := m.qrLines(c, s, quiet)
		w := s.Width(lines[0])
		switch spare := m.h - len(lines); {
		case w > m.w || spare < 0 || spare == 0 && note != "":
			continue
		case spare > 0 && note != "":
			return append(lines, s.KeyHelp.Render(s.Center(note+"   esc close", w)))
		case spare > 0:
			return append(lines, s.KeyHelp.Render(s.Center("esc close", w)))
		}
		return lines
	}
	return nil
}

// qrLines draws the code with half blocks, dark on light as readers want it. With colours both are said; without them
// what a block looks like depends on the terminal's background.
func (m *Model) qrLines(c *qr.Code, s *theme.Styles, quiet int) []string {
	// Light on dark: what is drawn is the light squares.
	drawn := func(x, y int) bool { return !c.Black(x, y) }
	if m.look.Light && m.look.Profile <= colorprofile.ASCII {
		drawn = c.Black
	}
	var out []string
	for y := -quiet; y < c.Size+quiet; y += 2 {
		var b strings.Builder
		for x := -quiet; x < c.Size+quiet; x++ {
			top, bottom := drawn(x, y), drawn(x, y+1)
			switch {
			case top && bottom:
				b.WriteRune('█')
			case top:
				b.WriteRune('▀')
			case bottom:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		out = append(out, s.QR.Render(b.String()))
	}
	return out
}

package pane

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"rsc.io/qr"

	"greenroom/tui/dialog"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// ShowQR shows a URL as a code for a phone.
func (s *Screen) ShowQR(title, note, url string) tea.Cmd {
	code, err := qr.Encode(url, qr.L)
	if err != nil {
		return s.Complain("make the QR code", err)
	}
	s.Dialogs.Push(&dialog.Sheet{Title: words.Safe(title), Note: note,
		Bare: func(st *theme.Styles) []string { return s.bareQR(code, st, note) },
		Draw: func(st *theme.Styles, w int) []string {
			lines := s.qrLines(code, st, qrQuiet)
			if s.ASCII {
				return append([]string{"The code needs a terminal with UTF-8. The link:", ""}, st.Break(words.Safe(url), w)...)
			}
			if st.Width(lines[0]) > w || len(lines) > s.H-framedQR {
				return append([]string{"The screen is too small for the code. The link:", ""}, st.Break(words.Safe(url), w)...)
			}
			return append(lines, "", st.Link.Render(st.Clip(words.Safe(url), w)))
		}})
	return nil
}

const (
	// qrQuiet is the margin of a code, in its own squares.
	qrQuiet = 2
	// framedQR is the number of lines around a code in a box: border, link, hint and blank lines.
	framedQR = 8
)

// bareQR returns a code without a box, for screens on which the box has no room: with a thinner margin if necessary, with
// its note, and with a hint if a line is left. It is nil if the box fits, and if not even the code does.
func (s *Screen) bareQR(c *qr.Code, st *theme.Styles, note string) []string {
	if framed := s.qrLines(c, st, qrQuiet); s.ASCII || len(framed)+framedQR <= s.H && st.Width(framed[0])+8 <= s.W {
		return nil
	}
	for quiet := qrQuiet; quiet > 0; quiet-- {
		lines := s.qrLines(c, st, quiet)
		w := st.Width(lines[0])
		switch spare := s.H - len(lines); {
		case w > s.W || spare < 0 || spare == 0 && note != "":
			continue
		case spare > 0 && note != "":
			return append(lines, st.KeyHelp.Render(st.Center(note+"   esc close", w)))
		case spare > 0:
			return append(lines, st.KeyHelp.Render(st.Center("esc close", w)))
		}
		return lines
	}
	return nil
}

// qrLines draws a code with half blocks, dark on light as readers expect. With colours, both are set; without, the look
// of a block depends on the terminal's background.
func (s *Screen) qrLines(c *qr.Code, st *theme.Styles, quiet int) []string {
	// On a dark background the light squares are drawn.
	drawn := func(x, y int) bool { return !c.Black(x, y) }
	if s.Look.Light && s.Look.Profile <= colorprofile.ASCII {
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
		out = append(out, st.QR.Render(b.String()))
	}
	return out
}

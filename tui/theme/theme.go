// Package theme has the looks of the screen: one set of [Styles], named by meaning and made for the background and the
// colours of a terminal.
//
// Colour is never the only sign: a word, a glyph or an attribute has the same meaning without it.
package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"greenroom/tui/cell"
)

// The glyphs. Each is one cell wide in any monospaced font that has box drawing.
const (
	Live     = "●"
	Open     = "○"
	Ended    = "·"
	Pending  = "◌"
	Rec      = "◉"
	Host     = "★"
	Bot      = "◆"
	Marker   = "▌"
	Good     = "✓"
	Bad      = "✗"
	Doubtful = "!"
	Nothing  = "–"
	Soon     = "»"

	// Full and Lobby are the cells of bars: inside, and waiting to be let in. Recorded is a bar of recordings.
	Full     = "█"
	Lobby    = "░"
	Recorded = "━"
	// Here marks the moment above a chart, Line its column.
	Here = "▼"
	Line = "│"
)

// Heights are the cells of a chart of counts, the lowest first.
var Heights = []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}

// Options select a theme.
type Options struct {
	// Light is for terminals with a light background.
	Light bool
	// Contrast uses few colours that differ much from the background.
	Contrast bool
	// Profile is the number of colours. Without colour (NO_COLOR, or [colorprofile.ASCII] and below) only attributes are
	// used.
	Profile colorprofile.Profile
	// Ruler measures cells as the terminal does.
	Ruler cell.Ruler
}

// Styles are the looks by their meaning.
type Styles struct {
	// Ruler measures what is drawn with these styles.
	cell.Ruler

	Brand, TabOn, TabOff                     Ink
	Border, BorderFocus, Title, TitleFocus   Ink
	Text, Strong, Muted, Faint, Accent, Link Ink
	Good, Warn, Bad, Live, Rec               Ink
	Key, KeyHelp, KeyOff                     Ink
	// Selected is the background of the selected row in a list with the focus, Chosen in one without it.
	Selected, Chosen, Marker             Ink
	Button, ButtonOn, ButtonDanger       Ink
	JSONName, JSONText, JSONNumber, Word Ink
	Head                                 Ink
	Toast, ToastBad                      Ink
	Backdrop                             Ink
	Banner, Guide                        Ink
	Match                                Ink
	// QR is white on black in every theme, as readers expect.
	QR Ink
}

// Para draws a text in lines of w cells, with a blank at both ends. An empty text has no line.
func (s *Styles) Para(k Ink, text string, w int) (out []string) {
	if text == "" {
		return nil
	}
	for _, l := range s.Wrap(text, w-2) {
		out = append(out, " "+k.Render(l))
	}
	return out
}

// New makes the styles.
func New(o Options) *Styles {
	var s *Styles
	switch {
	case o.Profile <= colorprofile.ASCII:
		s = plainStyles()
	case o.Contrast:
		s = build(contrast(o.Light, o.Profile))
	case o.Profile == colorprofile.ANSI:
		s = build(basic(o.Light))
	case o.Profile == colorprofile.ANSI256:
		s = build(indexed(o.Light))
	default:
		s = build(rich(o.Light))
	}
	s.Ruler = o.Ruler
	return s
}

// palette has the colours of a theme.
type palette struct {
	text, muted, faint, border color.Color
	accent, blue, violet       color.Color
	good, warn, bad            color.Color
	row, chosen                color.Color // under the selected row
	onAccent, onBad            color.Color // text on a filled background
	banner, onBanner           color.Color
}

func rich(light bool) palette {
	hex := lipgloss.Color
	if light {
		return palette{
			text: hex("#1f2933"), muted: hex("#4a5561"), faint: hex("#626d79"), border: hex("#b8c0ca"),
			accent: hex("#0a7d4f"), blue: hex("#1d5fc2"), violet: hex("#7a3fb5"),
			good: hex("#0a7d4f"), warn: hex("#8f5b00"), bad: hex("#bf2c34"),
			row: hex("#e2f4eb"), chosen: hex("#edf1f4"),
			onAccent: hex("#ffffff"), onBad: hex("#ffffff"),
			banner: hex("#ffe7b3"), onBanner: hex("#4d3300"),
		}
	}
	return palette{
		text: hex("#d9dfe6"), muted: hex("#a9b3bf"), faint: hex("#8f9aa8"), border: hex("#46515f"),
		accent: hex("#5fd3a1"), blue: hex("#82b1ff"), violet: hex("#c9a4f5"),
		good: hex("#5fd3a1"), warn: hex("#efc071"), bad: hex("#ff7a7f"),
		row: hex("#17332a"), chosen: hex("#242b34"),
		onAccent: hex("#0b1f17"), onBad: hex("#2b0709"),
		banner: hex("#4a3a14"), onBanner: hex("#ffdf9a"),
	}
}

// indexed is rich in the 256 fixed colours, chosen by hand: the nearest neighbour of a grey is often purple.
func indexed(light bool) palette {
	n := lipgloss.Color
	if light {
		return palette{
			text: n("235"), muted: n("239"), faint: n("242"), border: n("250"),
			accent: n("22"), blue: n("25"), violet: n("91"), good: n("22"), warn: n("94"), bad: n("124"),
			row: n("194"), chosen: n("255"), onAccent: n("231"), onBad: n("231"), banner: n("223"), onBanner: n("58"),
		}
	}
	return palette{
		text: n("253"), muted: n("250"), faint: n("247"), border: n("239"),
		accent: n("79"), blue: n("111"), violet: n("183"), good: n("79"), warn: n("222"), bad: n("210"),
		row: n("236"), chosen: n("235"), onAccent: n("234"), onBad: n("234"), banner: n("58"), onBanner: n("222"),
	}
}

// contrast has text in black or white, and colours with at least seven times the luminance of what they are drawn on, or a seventh.
func contrast(light bool, p colorprofile.Profile) palette {
	ink := func(hex, indexed string, basic color.Color) color.Color {
		switch p {
		case colorprofile.ANSI:
			return basic
		case colorprofile.ANSI256:
			return lipgloss.Color(indexed)
		}
		return lipgloss.Color(hex)
	}
	white, black := ink("#ffffff", "231", lipgloss.BrightWhite), ink("#000000", "16", lipgloss.Black)
	if light {
		blue, red := ink("#00009f", "18", lipgloss.Blue), ink("#8b0000", "88", lipgloss.Red)
		return palette{
			text: black, muted: black, faint: black, border: black, accent: blue, blue: blue, violet: blue,
			good: ink("#004d00", "22", lipgloss.Black), warn: red, bad: red,
			row: ink("#ffff87", "228", nil), chosen: ink("#ffffd7", "230", nil), onAccent: white, onBad: white, banner: black, onBanner: white,
		}
	}
	yellow, cyan := ink("#ffff00", "226", lipgloss.BrightYellow), ink("#87ffff", "123", lipgloss.BrightCyan)
	return palette{
		text: white, muted: white, faint: white, border: white, accent: yellow, blue: cyan, violet: cyan,
		good: ink("#87ff87", "120", lipgloss.BrightGreen), warn: yellow, bad: ink("#ffafaf", "217", lipgloss.BrightWhite),
		row: ink("#00005f", "17", nil), chosen: ink("#262626", "235", nil), onAccent: black, onBad: black, banner: white, onBanner: black,
	}
}

func basic(light bool) palette {
	p := palette{
		muted: lipgloss.BrightBlack, faint: lipgloss.BrightBlack, border: lipgloss.BrightBlack,
		accent: lipgloss.BrightGreen, blue: lipgloss.BrightBlue, violet: lipgloss.BrightMagenta,
		good: lipgloss.BrightGreen, warn: lipgloss.BrightYellow, bad: lipgloss.BrightRed,
		onAccent: lipgloss.Black, onBad: lipgloss.Black, banner: lipgloss.Yellow, onBanner: lipgloss.Black,
	}
	if light {
		p.accent, p.blue, p.violet = lipgloss.Green, lipgloss.Blue, lipgloss.Magenta
		p.good, p.warn, p.bad = lipgloss.Green, lipgloss.Magenta, lipgloss.Red
		p.onAccent, p.onBad = lipgloss.White, lipgloss.White
	}
	return p
}

func build(p palette) *Styles {
	fg := func(c color.Color) Ink { return Ink{fg: c}.make() }
	bold := func(c color.Color) Ink { return Ink{fg: c, bold: true}.make() }
	fill := func(fg, bg color.Color) Ink { return Ink{fg: fg, bg: bg, bold: true}.make() }
	s := &Styles{
		Brand: bold(p.accent), TabOn: fill(p.onAccent, p.accent), TabOff: fg(p.muted),
		Border: fg(p.border), BorderFocus: fg(p.accent), Title: bold(p.muted), TitleFocus: bold(p.accent),
		Text: fg(p.text), Strong: bold(p.text), Muted: fg(p.muted), Faint: fg(p.faint), Accent: fg(p.accent),
		Link: fg(p.blue),
		Good: fg(p.good), Warn: fg(p.warn), Bad: fg(p.bad), Live: bold(p.good), Rec: bold(p.bad),
		Key: bold(p.accent), KeyHelp: fg(p.muted), KeyOff: fg(p.faint),
		Marker: bold(p.accent),
		Button: fg(p.muted), ButtonOn: fill(p.onAccent, p.accent), ButtonDanger: fill(p.onBad, p.bad),
		JSONName: fg(p.blue), JSONText: fg(p.good), JSONNumber: fg(p.warn), Word: fg(p.violet),
		Head: fg(p.faint), Toast: fg(p.accent), ToastBad: fg(p.bad), Backdrop: fg(p.faint),
		Banner: Ink{fg: p.onBanner, bg: p.banner}.make(), Guide: fg(p.warn), Match: bold(p.warn),
		QR: Ink{fg: lipgloss.BrightWhite, bg: lipgloss.Black}.make(),
	}
	if p.row != nil {
		s.Selected, s.Chosen = Ink{bg: p.row}.make(), Ink{bg: p.chosen}.make()
	} else {
		s.Selected = Ink{bold: true, line: true}.make()
	}
	return s
}

// plainStyles returns styles without colours.
func plainStyles() *Styles {
	bold, weak := Ink{bold: true}.make(), Ink{weak: true}.make()
	rev := Ink{rev: true}.make()
	under := Ink{line: true}.make()
	return &Styles{
		Brand: bold, TabOn: rev, BorderFocus: bold, TitleFocus: Ink{bold: true, line: true}.make(), Border: weak,
		Title: bold, Strong: bold, Muted: weak, Faint: weak, Link: under,
		Live: bold, Rec: bold, Bad: bold, Warn: bold, Key: bold, KeyOff: weak,
		Selected: bold, Marker: bold, ButtonOn: rev, ButtonDanger: rev,
		JSONName: bold, Head: under, ToastBad: bold, Backdrop: weak, Banner: rev, Match: under,
	}
}

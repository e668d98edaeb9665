package theme

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// reset ends every inked piece.
const reset = "\x1b[m"

// Ink is a style that is ready to be written: its escape sequence is made once. The zero value leaves text as it is.
type Ink struct {
	open       string
	fg, bg     color.Color
	bold, rev  bool
	line, weak bool
}

// Render inks s, which is one line without styling of its own.
func (k Ink) Render(s string) string {
	if k.open == "" || s == "" {
		return s
	}
	return k.open + s + reset
}

// Over lays the ink under a whole line that has styling of its own, such as a selected row.
func (k Ink) Over(line string) string {
	if k.open == "" {
		return line
	}
	return k.open + strings.ReplaceAll(line, reset, reset+k.open) + reset
}

// Style is the same for components that want lipgloss.
func (k Ink) Style() lipgloss.Style {
	s := lipgloss.NewStyle().Bold(k.bold).Reverse(k.rev).Underline(k.line).Faint(k.weak)
	if k.fg != nil {
		s = s.Foreground(k.fg)
	}
	if k.bg != nil {
		s = s.Background(k.bg)
	}
	return s
}

// make builds the escape sequence.
func (k Ink) make() Ink {
	var s ansi.Style
	if k.bold {
		s = s.Bold()
	}
	if k.weak {
		s = s.Faint()
	}
	if k.line {
		s = s.Underline(true)
	}
	if k.rev {
		s = s.Reverse(true)
	}
	if k.fg != nil {
		s = s.ForegroundColor(k.fg)
	}
	if k.bg != nil {
		s = s.BackgroundColor(k.bg)
	}
	if len(s) > 0 {
		k.open = s.String()
	}
	return k
}

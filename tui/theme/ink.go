package theme

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// reset ends every inked piece.
const reset = "\x1b[m"

// Ink is a style with its escape sequence, which is made once. The zero value does not change text.
type Ink struct {
	open       string
	fg, bg     color.Color
	bold, rev  bool
	line, weak bool
}

// Render returns s, one line without styles, in this ink.
func (k Ink) Render(s string) string {
	if k.open == "" || s == "" {
		return s
	}
	return k.open + s + reset
}

// Over adds the ink to a line that has styles of its own, such as a selected row.
func (k Ink) Over(line string) string {
	if k.open == "" {
		return line
	}
	return k.open + strings.ReplaceAll(line, reset, reset+k.open) + reset
}

// Style returns the ink for components that use lipgloss.
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

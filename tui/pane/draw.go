package pane

import (
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// Section returns one bordered part of a pane, in the colours of its focus.
func (s *Screen) Section(title, note string, lines []string, w, h int, focus bool) cell.Section {
	border, name := s.Styles.Border, s.Styles.Title
	if focus {
		border, name = s.Styles.BorderFocus, s.Styles.TitleFocus
	}
	return cell.Section{Title: title, Note: note, Lines: lines, Width: w, Height: max(h, 0),
		Border: border.Render, Name: name.Render, Aside: s.Styles.Muted.Render}
}

// Notes joins the notes at the edge of a list; empty ones are left out.
func Notes(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "   ")
}

// Selected draws the selection under a row, paler in a list without the focus.
func (s *Screen) Selected(line string, w int, focused bool) string {
	line = s.Styles.Fit(line, w)
	if focused {
		return s.Styles.Selected.Over(line)
	}
	return s.Styles.Chosen.Over(line)
}

// Marker returns the first cell of a row.
func (s *Screen) Marker(selected bool) string {
	if selected {
		return s.Styles.Marker.Render(theme.Marker)
	}
	return " "
}

// Trouble draws a failed reading with its hint.
func (s *Screen) Trouble(what string, err error, w int) []string {
	st := s.Styles
	e := app.AsError(err)
	out := append(st.Para(st.Bad, what+": "+words.Safe(e.Text), w), st.Para(st.Muted, words.Safe(e.Hint), w)...)
	if IsNotFound(err) {
		return out // it is not read again
	}
	return append(out, " "+st.Faint.Render("Greenroom retries every few seconds."))
}

// Column is one cell of a row.
type Column struct {
	Text  string
	W     int
	Ink   theme.Ink
	Right bool
}

// Columns draws cells side by side. Those without a width are omitted.
func Columns(r cell.Ruler, cells ...Column) string {
	var b strings.Builder
	for _, c := range cells {
		if c.W <= 0 {
			continue
		}
		text := r.Fit(c.Text, c.W)
		if c.Right {
			text = r.FitRight(c.Text, c.W)
		}
		b.WriteString(c.Ink.Render(text))
		b.WriteByte(' ')
	}
	return b.String()
}

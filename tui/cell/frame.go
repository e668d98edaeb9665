package cell

import "strings"

// Paint colours one piece of text; theme.Ink's Render is one. nil paints nothing.
type Paint func(string) string

func (p Paint) on(s string) string {
	if p == nil || s == "" {
		return s
	}
	return p(s)
}

// Section is one bordered area of a [Frame].
type Section struct {
	Title string
	// Note is shown at the right end of the top edge.
	Note string
	// Lines are drawn from the top, each fitted to the width. Those beyond Height are omitted, missing ones are blank.
	Lines  []string
	Width  int
	Height int
	// Border paints the edge, Name the title, Aside the note.
	Border, Name, Aside Paint
}

// Frame draws rows of sections with shared horizontal edges. Each line has the width of the first row; the widths of the
// sections of each row must add up to it.
func (r Ruler) Frame(rows ...[]Section) []string {
	var out []string
	above := map[int]bool{}
	var last []Section
	for i, row := range rows {
		out = append(out, r.edge(row, above, i == 0))
		out = append(out, r.body(row)...)
		above = map[int]bool{}
		x := 0
		for _, s := range row {
			above[x], above[x+s.Width-1] = true, true
			x += s.Width
		}
		last = row
	}
	var b strings.Builder
	for _, s := range last {
		b.WriteString(s.Border.on("╰" + strings.Repeat("─", max(s.Width-2, 0)) + "╯"))
	}
	return append(out, b.String())
}

// edge draws the top edge of a row, with junctions where the row above has its borders.
func (r Ruler) edge(row []Section, above map[int]bool, first bool) string {
	var b strings.Builder
	x := 0
	for _, s := range row {
		open, closing := "╭", "╮"
		if !first && above[x] {
			open = "├"
		}
		if !first && above[x+s.Width-1] {
			closing = "┤"
		}
		inner := s.Width - 2
		title, note := "", ""
		if s.Title != "" && inner > 4 {
			title = r.Clip(s.Title, inner-3)
		}
		tw := 0
		if title != "" {
			tw = r.Width(title) + 2
		}
		nw := 0
		if s.Note != "" && inner-tw > 6 {
			note = r.Clip(s.Note, inner-tw-4)
			nw = r.Width(note) + 2
		}
		b.WriteString(s.Border.on(open))
		if title != "" {
			b.WriteString(" " + s.Name.on(title) + " ")
		}
		tail := 0
		if note != "" {
			tail = 1
		}
		var line strings.Builder
		for c := tw; c < inner-nw-tail; c++ {
			if above[x+1+c] && !first {
				line.WriteString("┴")
			} else {
				line.WriteString("─")
			}
		}
		b.WriteString(s.Border.on(line.String()))
		if note != "" {
			b.WriteString(" " + s.Aside.on(note) + " " + s.Border.on("─"))
		}
		b.WriteString(s.Border.on(closing))
		x += s.Width
	}
	return b.String()
}

func (r Ruler) body(row []Section) []string {
	h := 0
	for _, s := range row {
		h = max(h, s.Height)
	}
	out := make([]string, h)
	var b strings.Builder
	for y := range h {
		b.Reset()
		for _, s := range row {
			bar := s.Border.on("│")
			line := ""
			if y < len(s.Lines) && y < s.Height {
				line = s.Lines[y]
			}
			b.WriteString(bar)
			b.WriteString(r.Fit(line, s.Width-2))
			b.WriteString(bar)
		}
		out[y] = b.String()
	}
	return out
}

package dialog

import (
	"strings"

	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// frame draws the border around a box, as wide as its widest line.
func frame(st *theme.Styles, b Box, maxW, maxH int) []string {
	if b.Bare {
		return b.Lines[:min(len(b.Lines), maxH)]
	}
	w := st.Width(b.Title) + st.Width(b.Note) + 6
	for _, l := range b.Lines {
		w = max(w, st.Width(l))
	}
	w = min(w, maxW-4)
	lines := make([]string, 0, len(b.Lines))
	for _, l := range b.Lines {
		lines = append(lines, " "+st.Fit(l, w)+" ")
	}
	border, title := st.BorderFocus, st.TitleFocus
	if b.Danger {
		border, title = st.Bad, st.Bad
	}
	return st.Frame([]cell.Section{{
		Title: b.Title, Note: b.Note, Lines: lines, Width: w + 4, Height: min(len(lines), maxH-2),
		Border: border.Render, Name: title.Render, Aside: st.Muted.Render,
	}})
}

// joined joins two notes.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "   " + b
}

// wrapped breaks a text of several paragraphs into lines.
func wrapped(st *theme.Styles, text string, w int) []string {
	var out []string
	for _, p := range strings.Split(text, "\n") {
		out = append(out, st.Wrap(p, w)...)
	}
	return out
}

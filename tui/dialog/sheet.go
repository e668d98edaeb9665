package dialog

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// Sheet shows lines and scrolls them: the help, a link, a QR code.
type Sheet struct {
	Title, Note string
	// Draw returns the lines for a width.
	Draw func(s *theme.Styles, w int) []string
	// Bare returns lines that are shown without border and hint, if they would not fit with them. If it is nil or returns
	// none, the lines of Draw are shown.
	Bare func(s *theme.Styles) []string
	// Keys adds commands to keys, which also close the sheet unless Stays is set.
	Keys  map[string]func() tea.Cmd
	Stays bool
	// Hint is shown at the bottom, before "esc close".
	Hint string
	// Through passes keys to the screen that the sheet does not use, and closes it; see [Sheet.Takes].
	Through bool

	list grid.List
}

// Update implements [Dialog].
func (d *Sheet) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case Wheel:
		d.list.Scroll(msg.Rows)
	case tea.KeyPressMsg:
		k := msg.String()
		if f, ok := d.Keys[k]; ok {
			return f(), !d.Stays
		}
		switch k {
		case "esc", "q", "enter", "?":
			return nil, true
		case "down", "j":
			d.list.Scroll(1)
		case "up", "k":
			d.list.Scroll(-1)
		case "ctrl+d", "pgdown", "space":
			d.list.Scroll(max(d.list.Height/2, 1))
		case "ctrl+u", "pgup":
			d.list.Scroll(-max(d.list.Height/2, 1))
		case "g", "home":
			d.list.Scroll(-d.list.Len)
		case "G", "end":
			d.list.Scroll(d.list.Len)
		}
	}
	return nil, false
}

// Takes reports whether the sheet uses a key.
func (d *Sheet) Takes(k string) bool {
	if _, own := d.Keys[k]; own || slices.Contains([]string{"esc", "q", "enter", "?"}, k) {
		return true
	}
	return d.list.Len > d.list.Height && slices.Contains([]string{
		"down", "j", "up", "k", "ctrl+d", "pgdown", "space", "ctrl+u", "pgup", "g", "home", "G", "end",
	}, k)
}

// View implements [Dialog].
func (d *Sheet) View(s *theme.Styles, w, h int) Box {
	if d.Bare != nil {
		if lines := d.Bare(s); len(lines) > 0 {
			return Box{Bare: true, Lines: lines}
		}
	}
	all := d.Draw(s, w)
	d.list.Resize(len(all), max(h-2, 1))
	from, to := d.list.Range()
	lines := append([]string{}, all[from:to]...)
	hint := d.Hint
	if to-from < len(all) {
		hint += "j k scroll   "
	}
	note := joined(d.Note, d.list.More())
	if to < len(all) {
		hint = "more below: " + hint
	}
	return Box{Title: d.Title, Note: note, Lines: append(lines, "", s.KeyHelp.Render(hint+"esc close"))}
}

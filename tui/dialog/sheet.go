package dialog

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// Sheet shows lines that are drawn by its Draw, and scrolls them: the help, a link, a QR code.
type Sheet struct {
	Title, Note string
	// Draw makes the lines for a width.
	Draw func(s *theme.Styles, w int) []string
	// Bare makes the lines that are shown alone, without border and hint, for what is about as high as a small screen;
	// with nil, or when it gives none, Draw is shown.
	Bare func(s *theme.Styles) []string
	// Keys adds commands to keys of the sheet; the key closes it.
	Keys map[string]func() tea.Cmd
	// Hint is shown at the bottom, before "esc closes".
	Hint string

	list grid.List
}

// Update scrolls and closes.
func (d *Sheet) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case Wheel:
		d.list.Scroll(msg.Rows)
	case tea.KeyPressMsg:
		k := msg.String()
		if f, ok := d.Keys[k]; ok {
			return f(), true
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

// View draws the visible part.
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
	return Box{Title: d.Title, Note: d.Note, Lines: append(lines, "", s.KeyHelp.Render(hint+"esc closes"))}
}

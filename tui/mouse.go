package tui

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/dialog"
	"greenroom/tui/grid"
)

// at finds what was drawn last at a place.
func (m *Model) at(x, y int, fits func(zone) bool) (zone, bool) {
	for i := len(m.zones) - 1; i >= 0; i-- {
		z := m.zones[i]
		if x >= z.x && x < z.x+z.w && y >= z.y && y < z.y+z.h && fits(z) {
			return z, true
		}
	}
	return zone{}, false
}

func (m *Model) click(msg tea.MouseClickMsg) tea.Cmd {
	if !m.opts.Mouse || msg.Button != tea.MouseLeft {
		return nil
	}
	if m.dialogs.Front() != nil {
		m.toast.read()
		return m.dialogs.ClickAt(msg.X, msg.Y)
	}
	z, ok := m.at(msg.X, msg.Y, func(z zone) bool { return z.click != nil })
	if !ok {
		return nil
	}
	m.toast.read()
	return z.click(msg.X-z.x, msg.Y-z.y)
}

// turn is the wheel.
func (m *Model) turn(msg wheelMsg) tea.Cmd {
	if !m.opts.Mouse {
		return nil
	}
	const rows = 3
	if m.dialogs.Front() != nil {
		return m.dialogs.Update(dialog.Wheel{Rows: msg.rows * rows})
	}
	if z, ok := m.at(msg.x, msg.y, func(z zone) bool { return z.scroll != nil }); ok {
		return z.scroll(msg.rows * rows)
	}
	if m.tab == tabStatus {
		m.status.view.Scroll(msg.rows * rows)
	}
	return nil
}

// listZone is a list whose rows are picked by a click; the wheel moves the window.
func (m *Model) listZone(x, y, w, h int, l *grid.List, pick func(i int) tea.Cmd) {
	m.zones = append(m.zones, zone{x: x, y: y, w: w, h: h,
		click: func(_, row int) tea.Cmd {
			if i := l.Top + row; i < l.Len {
				return pick(i)
			}
			return nil
		},
		scroll: func(rows int) tea.Cmd {
			before := l.Cursor
			l.Scroll(rows)
			if l.Cursor != before {
				return pick(l.Cursor)
			}
			return m.fillWindow()
		},
	})
}

// rosterZone is the people, whose headings are no place for the cursor.
func (m *Model) rosterZone(x, y, w, h int, click func() tea.Cmd) {
	m.zones = append(m.zones, zone{x: x, y: y, w: w, h: h,
		click: func(int, int) tea.Cmd { return click() },
		scroll: func(rows int) tea.Cmd {
			m.rooms.moveRoster(func(l *grid.List) { l.Scroll(rows) })
			return nil
		},
	})
}

// scrollZone is text that the wheel scrolls.
func (m *Model) scrollZone(x, y, w, h int, l *grid.List, click func() tea.Cmd) {
	m.zones = append(m.zones, zone{x: x, y: y, w: w, h: h,
		click:  func(int, int) tea.Cmd { return click() },
		scroll: func(rows int) tea.Cmd { l.Scroll(rows); return nil },
	})
}

package pane

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/grid"
)

// zone is a part of the screen that reacts to a click or to the wheel.
type zone struct {
	x, y, w, h int
	click      func(x, y int) tea.Cmd
	scroll     func(rows int) tea.Cmd
}

// ClearZones forgets the zones of the last frame.
func (s *Screen) ClearZones() { s.zones = s.zones[:0] }

// AddZone adds a part of the screen that reacts to clicks, with the position inside it, and to the wheel. Either may be
// nil. Later zones cover earlier ones.
func (s *Screen) AddZone(x, y, w, h int, click func(x, y int) tea.Cmd, scroll func(rows int) tea.Cmd) {
	s.zones = append(s.zones, zone{x, y, w, h, click, scroll})
}

// Button adds a part of the screen that runs an action when it is clicked.
func (s *Screen) Button(x, y, w int, name Name) {
	s.AddZone(x, y, w, 1, func(int, int) tea.Cmd { return s.Act(name) }, nil)
}

// ListZone adds a list: a click picks a row, the wheel moves the window. scrolled runs after the window has moved with
// the same row picked; it may be nil.
func (s *Screen) ListZone(x, y, w, h int, l *grid.List, pick func(i int) tea.Cmd, scrolled func() tea.Cmd) {
	s.AddZone(x, y, w, h,
		func(_, row int) tea.Cmd {
			if i := l.Top + row; i < l.Len {
				return pick(i)
			}
			return nil
		},
		func(rows int) tea.Cmd {
			before := l.Cursor
			l.Scroll(rows)
			switch {
			case l.Cursor != before:
				return pick(l.Cursor)
			case scrolled != nil:
				return scrolled()
			}
			return nil
		})
}

// Click runs what was drawn last at a position and reacts to clicks. ok is false if nothing does.
func (s *Screen) Click(x, y int) (cmd func() tea.Cmd, ok bool) {
	z, ok := s.at(x, y, func(z zone) bool { return z.click != nil })
	return func() tea.Cmd { return z.click(x-z.x, y-z.y) }, ok
}

// Wheel scrolls what was drawn last at a position and can be scrolled.
func (s *Screen) Wheel(x, y, rows int) tea.Cmd {
	if z, ok := s.at(x, y, func(z zone) bool { return z.scroll != nil }); ok {
		return z.scroll(rows)
	}
	return nil
}

func (s *Screen) at(x, y int, fits func(zone) bool) (zone, bool) {
	for i := len(s.zones) - 1; i >= 0; i-- {
		z := s.zones[i]
		if x >= z.x && x < z.x+z.w && y >= z.y && y < z.y+z.h && fits(z) {
			return z, true
		}
	}
	return zone{}, false
}

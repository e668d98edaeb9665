package dialog

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/sahilm/fuzzy"

	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// Item is one line of a [Menu].
type Item struct {
	// ID identifies the item when the items are replaced; empty means the label.
	ID    string
	Label string
	// Key is shown at the right.
	Key string
	// Why is the reason why the item is not possible now, or "".
	Why string
	// Do returns the command of the item.
	Do func() tea.Cmd
	// Stay keeps the menu open after the item was selected.
	Stay bool
}

// Note is a remark below the items of a menu.
type Note struct {
	Text string
	Bad  bool
}

// Menu offers items. With Search, typed text narrows them.
type Menu struct {
	Title string
	// Text is shown above the items.
	Text   string
	Items  []Item
	Search bool
	// Busy is shown while items are awaited and there are none.
	Busy string
	// Empty is shown if there are no items.
	Empty string
	// Notes are shown below the items.
	Notes []Note
	// Aside is shown at the right end of the top edge.
	Aside string
	// Wide allows a wider box.
	Wide bool
	// Keys adds commands to keys that are not part of the text; Hint explains them at the bottom.
	Keys map[string]func() tea.Cmd
	Hint string

	query string
	shown []int
	list  grid.List
	head  int
	ready bool
	// off reports that the item under the cursor has disappeared: nothing is selected until the cursor moves.
	off bool
}

// Choose puts the cursor on the i-th item.
func (m *Menu) Choose(i int) {
	m.narrow()
	m.list.Cursor = i
}

// Current returns the item under the cursor; ok is false if there is none.
func (m *Menu) Current() (it Item, ok bool) {
	m.narrow()
	if m.off || m.list.Cursor >= len(m.shown) {
		return it, false
	}
	return m.Items[m.shown[m.list.Cursor]], true
}

// SetItems replaces the items and keeps the typed text. The cursor stays on its item; if that has disappeared, no item is
// selected.
func (m *Menu) SetItems(items []Item) {
	m.narrow()
	chosen, had := "", m.list.Cursor < len(m.shown) && !m.off
	if had {
		chosen = m.Items[m.shown[m.list.Cursor]].id()
	}
	m.Items, m.ready = items, false
	m.narrow()
	if !had {
		return
	}
	for i, n := range m.shown {
		if m.Items[n].id() == chosen {
			m.list.Move(i - m.list.Cursor)
			return
		}
	}
	m.off = true
}

func (i Item) id() string {
	if i.ID != "" {
		return i.ID
	}
	return i.Label
}

// Update implements [Dialog].
func (m *Menu) Update(msg tea.Msg) (tea.Cmd, bool) {
	m.narrow()
	switch msg := msg.(type) {
	case Wheel:
		m.list.Scroll(msg.Rows)
	case Click:
		if i := msg.Y - m.head + m.list.Top; msg.Y >= m.head && i < len(m.shown) && msg.Y < m.head+m.list.Height {
			m.list.Cursor, m.off = i, false
			return m.take()
		}
	case tea.PasteMsg:
		m.typed(msg.Content)
	case tea.KeyPressMsg:
		k := msg.String()
		if f, ok := m.Keys[k]; ok {
			return f(), false
		}
		switch {
		case k == "esc":
			return nil, true
		case k == "enter":
			return m.take()
		case k == "down", k == "ctrl+n", k == "tab", !m.Search && k == "j":
			m.move(func() { m.list.Move(1) })
		case k == "up", k == "ctrl+p", k == "shift+tab", !m.Search && k == "k":
			m.move(func() { m.list.Move(-1) })
		case k == "ctrl+d", k == "pgdown":
			m.move(func() { m.list.Half(1) })
		case k == "ctrl+u", k == "pgup":
			m.move(func() { m.list.Half(-1) })
		case !m.Search && k == "q":
			return nil, true
		case m.Search && k == "backspace":
			if r := []rune(m.query); len(r) > 0 {
				m.query, m.ready = string(r[:len(r)-1]), false
			} else {
				return nil, true
			}
		case m.Search && msg.Text != "":
			m.typed(msg.Text)
		}
	}
	return nil, false
}

func (m *Menu) typed(s string) {
	if !m.Search {
		return
	}
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, s)
	m.query, m.ready = m.query+s, false
	m.list.Cursor, m.off = 0, false
}

// move moves the cursor. If no item was selected, it only appears.
func (m *Menu) move(f func()) {
	if m.off {
		m.off = false
		return
	}
	f()
}

func (m *Menu) take() (tea.Cmd, bool) {
	if m.off || m.list.Cursor >= len(m.shown) {
		return nil, false
	}
	it := m.Items[m.shown[m.list.Cursor]]
	if it.Do == nil {
		return nil, true
	}
	return it.Do(), !it.Stay
}

// narrow finds the items that match the typed text, best first.
func (m *Menu) narrow() {
	if m.ready {
		return
	}
	m.ready = true
	m.shown = m.shown[:0]
	if q := strings.TrimSpace(m.query); q != "" {
		labels := make([]string, len(m.Items))
		for i, it := range m.Items {
			labels[i] = it.Label
		}
		for _, f := range fuzzy.Find(q, labels) {
			m.shown = append(m.shown, f.Index)
		}
	} else {
		for i := range m.Items {
			m.shown = append(m.shown, i)
		}
	}
	m.list.Resize(len(m.shown), m.list.Height)
}

// View implements [Dialog].
func (m *Menu) View(s *theme.Styles, w, h int) Box {
	m.narrow()
	if w = min(w, 96); !m.Wide {
		w = min(w, 64)
	}
	var lines, foot []string
	for _, n := range m.Notes {
		ink := s.Muted
		if n.Bad {
			ink = s.Bad
		}
		for _, l := range wrapped(s, n.Text, w) {
			foot = append(foot, ink.Render(l))
		}
	}
	if len(foot) > 0 {
		foot = append([]string{""}, foot[:min(len(foot), max(h/3, 1))]...)
	}
	if m.Text != "" {
		lines = append(wrapped(s, m.Text, w), "")
	}
	if m.Search {
		lines = append(lines, s.Key.Render(": ")+s.Text.Render(m.query)+s.ButtonOn.Render(" "), "")
	}
	m.head = len(lines)
	m.list.Resize(len(m.shown), max(min(h-m.head-2-len(foot), len(m.Items)), 1))
	from, to := m.list.Range()
	for i := from; i < to; i++ {
		it := m.Items[m.shown[i]]
		mark, label := "  ", s.Text.Render(it.Label)
		on := i == m.list.Cursor && !m.off
		if on {
			mark = s.Marker.Render(theme.Marker) + " "
		}
		right := s.Key.Render(it.Key)
		if it.Why != "" {
			label = s.Faint.Render(it.Label)
			right = s.Faint.Render(s.Clip(it.Why, max(w-s.Width(it.Label)-5, 0)))
		}
		line := s.Fit(s.Spread(mark+label, right, w), w)
		if on {
			line = s.Selected.Over(line)
		}
		lines = append(lines, line)
	}
	if len(m.shown) == 0 {
		lines = append(lines, s.Muted.Render(s.Clip(m.nothing(), w)))
	}
	for len(lines) < m.head+m.list.Height {
		lines = append(lines, s.Fit("", w))
	}
	lines = append(append(lines, foot...), "", s.KeyHelp.Render(s.Clip("enter select   "+m.Hint+"esc close", w)))
	return Box{Title: m.Title, Note: joined(m.Aside, m.list.More()), Lines: lines}
}

// nothing returns why no item is shown.
func (m *Menu) nothing() string {
	switch {
	case len(m.Items) > 0:
		return "No match."
	case m.Busy != "":
		return m.Busy
	case m.Empty != "":
		return m.Empty
	}
	return "Nothing to choose from."
}

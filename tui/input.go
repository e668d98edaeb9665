package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/dialog"
	"greenroom/tui/pane"
)

// press gives a key to the front dialog, to the filter that is typed, or to an action.
func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	m.Dialogs.Direct = true
	defer func() { m.Dialogs.Direct = false }()
	if a := m.Keys.Find(suspend); a.Has(msg) {
		return a.Do()
	}
	if front := m.Dialogs.Front(); front != nil {
		if msg.String() == "ctrl+c" {
			return tea.Quit
		}
		m.Toast.Read()
		if s, ok := front.(*dialog.Sheet); !ok || !s.Through || s.Takes(msg.String()) {
			return m.Dialogs.Update(msg)
		}
		m.Dialogs.Close(front)
	}
	if m.Toast.Bad() {
		m.Toast.Read()
	}
	if f := m.filtering(); f != nil {
		m.Toast.Read()
		return f.Press(msg)
	}
	if a := m.Keys.Pressed(m.Current, msg); a != nil {
		m.Toast.Read()
		return m.act(a)
	}
	return nil
}

func (m *Model) paste(msg tea.PasteMsg) tea.Cmd {
	m.Toast.Read()
	if m.Dialogs.Front() != nil {
		return m.Dialogs.Update(msg)
	}
	if f := m.filtering(); f != nil {
		f.Insert(msg.Content)
		return f.Apply()
	}
	return nil
}

// filtering returns the filter that is typed, nil if none is.
func (m *Model) filtering() *pane.Filter {
	if f := m.Current.Filter(); f != nil && f.Typing {
		return f
	}
	return nil
}

func (m *Model) whyNoFilter() string {
	if m.Current.Filter() == nil {
		return "This tab has no filter"
	}
	return ""
}

// startFilter is the action that edits the filter.
func (m *Model) startFilter() tea.Cmd {
	m.Current.Filter().Typing = true
	return nil
}

func (m *Model) click(msg tea.MouseClickMsg) tea.Cmd {
	if !m.opts.Mouse || msg.Button != tea.MouseLeft {
		return nil
	}
	if m.Dialogs.Front() != nil {
		m.Toast.Read()
		return m.Dialogs.ClickAt(msg.X, msg.Y)
	}
	click, ok := m.Click(msg.X, msg.Y)
	if !ok {
		return nil
	}
	m.Toast.Read()
	cmd := click()
	m.arrange()
	return cmd
}

// turn handles the wheel.
func (m *Model) turn(msg wheelMsg) tea.Cmd {
	if !m.opts.Mouse {
		return nil
	}
	rows := 3 * msg.rows
	if m.Dialogs.Front() != nil {
		return m.Dialogs.Update(dialog.Wheel{Rows: rows})
	}
	return m.Wheel(msg.x, msg.y, rows)
}

// slipped reports whether another row is under the cursor than before. A target that has become more exact is the same.
func slipped(before string, empty bool, tab pane.Pane) bool {
	now, _ := tab.Target()
	return empty && now != "" || before != "" && !strings.HasPrefix(now, before)
}

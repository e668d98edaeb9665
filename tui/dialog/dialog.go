// Package dialog is the screen's boxes in front of it: a [Stack] whose front one gets the keys first, and the kinds that
// there are: questions, forms, menus and sheets of text.
//
// A dialog knows nothing of what it is about: what follows from it is a command that it was given. Text from outside
// must be plain before it is handed over.
package dialog

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/theme"
)

// Box is what a dialog draws: lines of at most the width that it was offered, without a border.
type Box struct {
	Title string
	// Note stands at the right of the top edge.
	Note  string
	Lines []string
	// Danger paints the border as a warning.
	Danger bool
	// Bare leaves the border away: the lines are all that there is room for.
	Bare bool
}

// Dialog is one box.
type Dialog interface {
	// Update takes a key, a paste or a [Click]. done takes the dialog away before the command runs.
	Update(msg tea.Msg) (cmd tea.Cmd, done bool)
	// View draws within w×h cells.
	View(s *theme.Styles, w, h int) Box
}

// Click is a mouse click in coordinates of the dialog's lines.
type Click struct{ X, Y int }

// Wheel is a turn of the wheel by so many rows.
type Wheel struct{ Rows int }

// Unread is how long after a question appears no key answers it: whatever is typed until then was meant for something else.
const Unread = 500 * time.Millisecond

// Stack is the dialogs that are open, the last one in front. The zero value is empty.
type Stack struct {
	// Now is the time, by which questions are protected from keys that were typed before anyone could read them; with
	// nil they aren't.
	Now func() time.Time

	open []Dialog
	// shown is when the front dialog came to the front.
	shown time.Time
	// where the front box was drawn last: of its lines
	x, y, w, h int
}

// Push opens d in front.
func (s *Stack) Push(d Dialog) {
	s.open = append(s.open, d)
	s.appeared()
}

// appeared notes that another dialog is in front.
func (s *Stack) appeared() {
	if s.Now != nil {
		s.shown = s.Now()
	}
}

// early reports whether msg answers a question that nobody can have read yet. Closing it is always possible.
func (s *Stack) early(d Dialog, msg tea.Msg) bool {
	if _, asks := d.(*Confirm); !asks || s.Now == nil || s.Now().Sub(s.shown) >= Unread {
		return false
	}
	k, isKey := msg.(tea.KeyPressMsg)
	return !isKey || k.String() != "esc"
}

// Close takes d away wherever it is.
func (s *Stack) Close(d Dialog) {
	for i, o := range s.open {
		if o == d {
			s.open = append(s.open[:i:i], s.open[i+1:]...)
			if i == len(s.open) {
				s.appeared()
			}
			return
		}
	}
}

// Front gives the dialog that has the keys, nil when none is open.
func (s *Stack) Front() Dialog {
	if len(s.open) == 0 {
		return nil
	}
	return s.open[len(s.open)-1]
}

// Has says whether d is still open.
func (s *Stack) Has(d Dialog) bool {
	for _, o := range s.open {
		if o == d {
			return true
		}
	}
	return false
}

// Update hands msg to the front dialog.
func (s *Stack) Update(msg tea.Msg) tea.Cmd {
	d := s.Front()
	if d == nil || s.early(d, msg) {
		return nil
	}
	cmd, done := d.Update(msg)
	if done {
		s.Close(d)
	}
	return cmd
}

// ClickAt hands a click on the screen to the front dialog. One beside the box does nothing: a slip must not throw away
// what was typed.
func (s *Stack) ClickAt(x, y int) tea.Cmd {
	if s.Front() == nil || x < s.x || y < s.y || x >= s.x+s.w || y >= s.y+s.h {
		return nil
	}
	return s.Update(Click{X: x - s.x, Y: y - s.y})
}

// Draw lays the front dialog over the screen's lines, which fade behind it.
func (s *Stack) Draw(st *theme.Styles, screen []string, w, h int, plain func(string) string) []string {
	d := s.Front()
	if d == nil {
		return screen
	}
	box := d.View(st, max(w-8, 12), max(h-4, 3))
	frame := frame(st, box, max(w-4, 8), h)
	bw := st.Width(frame[0])
	x0, y0 := max((w-bw)/2, 0), max((h-len(frame))/2, 0)
	s.x, s.y, s.w, s.h = x0+2, y0+1, bw-4, len(frame)-2
	out := make([]string, len(screen))
	for i, line := range screen {
		out[i] = st.Backdrop.Render(plain(line))
		if i >= y0 && i < y0+len(frame) {
			out[i] = st.Splice(out[i], frame[i-y0], x0)
		}
	}
	return out
}

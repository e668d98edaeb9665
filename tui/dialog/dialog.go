// Package dialog has the boxes in front of the screen: a [Stack], whose front box gets the keys, and the kinds of boxes:
// questions, forms, menus and sheets of text.
//
// A dialog does not know its subject: it runs the commands that it was given. Its texts must be safe to draw.
package dialog

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/tui/theme"
)

// Box is the drawing of a dialog: lines of at most the given width, without a border.
type Box struct {
	Title string
	// Note is shown at the right end of the top edge.
	Note  string
	Lines []string
	// Danger colours the border as a warning.
	Danger bool
	// Bare omits the border.
	Bare bool
}

// Dialog is one box.
type Dialog interface {
	// Update handles a key, a paste, a [Click] or a [Wheel]. done closes the dialog before the command runs.
	Update(msg tea.Msg) (cmd tea.Cmd, done bool)
	// View draws within w×h cells.
	View(s *theme.Styles, w, h int) Box
}

// Click is a mouse click in coordinates of the dialog's lines.
type Click struct{ X, Y int }

// Wheel is a turn of the wheel, down if Rows is positive.
type Wheel struct{ Rows int }

// Unread is how long a new question ignores keys and clicks: until then they were meant for something else.
const Unread = 500 * time.Millisecond

// Stack holds the open dialogs, the last one in front. The zero value is empty.
type Stack struct {
	// Now returns the time. With nil, new questions do not ignore keys.
	Now func() time.Time
	// Direct reports that a key of the user is being handled: a question that it opens was asked for, and may be answered at once.
	Direct bool

	open []Dialog
	// shown is when the front dialog came to the front.
	shown time.Time
	// position and size of the front box, without its border
	x, y, w, h int
}

// Push opens d in front. It returns no command, so that an action can end with it.
func (s *Stack) Push(d Dialog) tea.Cmd {
	s.open = append(s.open, d)
	if s.appeared(); s.Direct {
		s.shown = time.Time{}
	}
	return nil
}

// appeared notes that another dialog is in front.
func (s *Stack) appeared() {
	if s.Now != nil {
		s.shown = s.Now()
	}
}

// early reports whether msg answers a question that is too new to have been read. It can always be closed.
func (s *Stack) early(d Dialog, msg tea.Msg) bool {
	if _, asks := d.(*Confirm); !asks || s.Now == nil || s.Now().Sub(s.shown) >= Unread {
		return false
	}
	k, isKey := msg.(tea.KeyPressMsg)
	return !isKey || k.String() != "esc"
}

// Close removes d, which need not be in front.
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

// Front returns the front dialog, nil if none is open.
func (s *Stack) Front() Dialog {
	if len(s.open) == 0 {
		return nil
	}
	return s.open[len(s.open)-1]
}

// Has reports whether d is still open.
func (s *Stack) Has(d Dialog) bool {
	for _, o := range s.open {
		if o == d {
			return true
		}
	}
	return false
}

// Update passes msg to the front dialog.
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

// ClickAt passes a click on the screen to the front dialog. A click beside the box does nothing, so that no typed text
// is lost.
func (s *Stack) ClickAt(x, y int) tea.Cmd {
	if s.Front() == nil || x < s.x || y < s.y || x >= s.x+s.w || y >= s.y+s.h {
		return nil
	}
	return s.Update(Click{X: x - s.x, Y: y - s.y})
}

// Draw draws the front dialog over the lines of the screen, which fade.
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

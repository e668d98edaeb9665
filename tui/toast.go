package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// toast is the result of what was done last, shown above the footer for a while, or until something else is done.
type toast struct {
	n          uint64
	text, hint string
	bad, busy  bool
	doubt      bool
}

type toastOver struct{ n uint64 }

func (t *toast) over(o toastOver) {
	if o.n == t.n {
		t.clear()
	}
}

func (t *toast) clear() { *t = toast{n: t.n + 1} }

// read takes a result away that covers what one goes on to. What is under way stays until its outcome.
func (t *toast) read() {
	if !t.busy {
		t.clear()
	}
}

// say shows a result, and what to do next.
func (m *Model) say(text, hint string) tea.Cmd {
	m.toast = toast{n: m.toast.n + 1, text: safe(text), hint: safe(hint)}
	m.keepMessage(message{text: m.toast.text, hint: m.toast.hint, kind: messageDone})
	return m.after(5*time.Second, toastOver{m.toast.n})
}

// complain shows an error with its hint.
func (m *Model) complain(doing string, err error) tea.Cmd {
	e := app.AsError(err)
	text := e.Text
	if doing != "" {
		text = doing + ": " + text
	}
	m.toast = toast{n: m.toast.n + 1, text: safe(text), hint: safe(e.Hint), bad: true}
	m.failed(text, err)
	return m.after(12*time.Second, toastOver{m.toast.n})
}

// refuse says why an action is not possible now.
func (m *Model) refuse(why string) tea.Cmd {
	m.toast = toast{n: m.toast.n + 1, text: safe(why), bad: true}
	m.keepMessage(message{text: m.toast.text, kind: messageRefused})
	return m.after(5*time.Second, toastOver{m.toast.n})
}

// warn shows what works otherwise than was wanted.
func (m *Model) warn(text, hint string) tea.Cmd {
	m.toast = toast{n: m.toast.n + 1, text: safe(text), hint: safe(hint), doubt: true}
	m.failed(text, &app.Error{Text: text, Hint: hint})
	return m.after(12*time.Second, toastOver{m.toast.n})
}

// working shows what is under way until its outcome replaces it.
func (m *Model) working(text string) {
	m.toast = toast{n: m.toast.n + 1, text: safe(text), busy: true}
}

// draw gives the toast's box, nil when there is nothing to show.
func (t *toast) draw(s *theme.Styles, w int) []string {
	if t.text == "" {
		return nil
	}
	w = min(w-8, 64)
	if w < 16 {
		return nil
	}
	mark, ink := theme.Good, s.Toast
	switch {
	case t.bad:
		mark, ink = theme.Bad, s.ToastBad
	case t.doubt:
		mark, ink = theme.Doubtful, s.Warn
	case t.busy:
		mark = "…"
	}
	var lines []string
	width := 0
	for i, l := range s.Wrap(t.text, w-2) {
		lead := mark + " "
		if i > 0 {
			lead = "  "
		}
		lines = append(lines, " "+ink.Render(lead)+s.Text.Render(l)+" ")
	}
	if t.hint != "" {
		for _, l := range s.Wrap(t.hint, w-2) {
			lines = append(lines, "   "+s.Muted.Render(l)+" ")
		}
	}
	for _, l := range lines {
		width = max(width, s.Width(l))
	}
	return s.Frame([]cell.Section{{Lines: lines, Width: width + 2, Height: len(lines), Border: ink.Render}})
}

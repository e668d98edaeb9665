package pane

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// maxMessages is how many messages can be read again.
const maxMessages = 200

// kind is how a message is marked.
type kind int

const (
	done kind = iota
	refused
	failed
	warned
	busy
)

// Message is something that the screen has shown for a while. Its texts are safe to draw.
type Message struct {
	At         time.Time
	Text, Hint string
	kind       kind
}

// Toast is the box above the footer with the last message. It disappears after a while, or with the next action.
type Toast struct {
	Message
	n uint64
}

// Clear removes the message.
func (t *Toast) Clear() { *t = Toast{n: t.n + 1} }

// Read removes a result, which would cover what the user does next. A message about something under way stays until
// its result.
func (t *Toast) Read() {
	if t.kind != busy {
		t.Clear()
	}
}

// Bad reports whether the message is an error or a refusal.
func (t *Toast) Bad() bool { return t.kind == refused || t.kind == failed }

// show replaces the toast for a while and keeps the message.
func (s *Screen) show(k kind, text, hint string, d time.Duration) tea.Cmd {
	s.Toast = Toast{n: s.Toast.n + 1, Message: Message{Text: words.Safe(text), Hint: words.Safe(hint), kind: k}}
	n := s.Toast.n
	return s.After(d, func() tea.Cmd {
		if s.Toast.n == n {
			s.Toast.Clear()
		}
		return nil
	})
}

// keep adds a message to those that can be read again.
func (s *Screen) keep(k kind, text, hint string) {
	m := Message{At: s.Now(), Text: words.Safe(text), Hint: words.Safe(hint), kind: k}
	s.Messages = append([]Message{m}, s.Messages[:min(len(s.Messages), maxMessages-1)]...)
}

// Failed records an error among the messages, in Activity and in the log.
func (s *Screen) Failed(text string, err error) {
	e := app.AsError(err)
	s.keep(failed, text, e.Hint)
	s.Activity.Add([]app.Activity{{At: app.At(s.Now()), Kind: Failure, Detail: text, Source: app.FromHere}})
	if s.Logger != nil {
		s.Logger.Error(text, "hint", e.Hint, "error", err)
	}
}

// Say shows a result and what to do next.
func (s *Screen) Say(text, hint string) tea.Cmd {
	s.keep(done, text, hint)
	return s.show(done, text, hint, 5*time.Second)
}

// Complain shows an error with its hint. doing, which may be empty, names what failed.
func (s *Screen) Complain(doing string, err error) tea.Cmd {
	text := cant(doing, err)
	s.Failed(text, err)
	return s.show(failed, text, app.AsError(err).Hint, 12*time.Second)
}

// cant returns an error as a sentence. doing, which may be empty, names what failed.
func cant(doing string, err error) string {
	if doing == "" {
		return app.AsError(err).Text
	}
	return "Can't " + doing + ": " + app.AsError(err).Text
}

// Refuse shows why an action is not possible now.
func (s *Screen) Refuse(why string) tea.Cmd {
	s.keep(refused, why, "")
	return s.show(refused, why, "", 5*time.Second)
}

// Warn shows a problem that does not prevent the work.
func (s *Screen) Warn(text, hint string) tea.Cmd {
	s.Failed(text, &app.Error{Text: text, Hint: hint})
	return s.show(warned, text, hint, 12*time.Second)
}

// Working shows what is under way until its result replaces it.
func (s *Screen) Working(text string) {
	s.Toast = Toast{n: s.Toast.n + 1, Message: Message{Text: words.Safe(text), kind: busy}}
}

// Draw returns the toast's box for a screen of w cells, nil if there is nothing to show.
func (t *Toast) Draw(s *theme.Styles, w int) []string {
	w = min(w-8, 64)
	if t.Text == "" || w < 16 {
		return nil
	}
	mark, ink := theme.Good, s.Toast
	switch t.kind {
	case refused, failed:
		mark, ink = theme.Bad, s.ToastBad
	case warned:
		mark, ink = theme.Doubtful, s.Warn
	case busy:
		mark = "…"
	}
	var lines []string
	width := 0
	for i, l := range s.Wrap(t.Text, w-2) {
		lead := mark + " "
		if i > 0 {
			lead = "  "
		}
		lines = append(lines, " "+ink.Render(lead)+s.Text.Render(l)+" ")
	}
	if t.Hint != "" {
		for _, l := range s.Wrap(t.Hint, w-2) {
			lines = append(lines, "   "+s.Muted.Render(l)+" ")
		}
	}
	for _, l := range lines {
		width = max(width, s.Width(l))
	}
	return s.Frame([]cell.Section{{Lines: lines, Width: width + 2, Height: len(lines), Border: ink.Render}})
}

// MessageSheet lists the messages.
func (s *Screen) MessageSheet() dialog.Dialog {
	return &dialog.Sheet{Title: "Messages", Draw: func(st *theme.Styles, w int) []string {
		if len(s.Messages) == 0 {
			return []string{st.Muted.Render("No messages yet. Results and errors are listed here.")}
		}
		var out []string
		for _, m := range s.Messages {
			mark, ink := theme.Good, st.Good
			switch m.kind {
			case refused:
				mark, ink = theme.Doubtful, st.Warn
			case failed:
				mark, ink = theme.Bad, st.Bad
			}
			lead := st.Faint.Render(s.TimeOfDay(app.At(m.At))) + " " + ink.Render(mark) + " "
			for _, l := range st.Wrap(m.Text, max(w-12, 8)) {
				out = append(out, st.Fit(lead, 11)+st.Text.Render(l))
				lead = ""
			}
			if m.Hint != "" {
				for _, l := range st.Wrap(m.Hint, max(w-12, 8)) {
					out = append(out, st.Fit("", 11)+st.Muted.Render(l))
				}
			}
		}
		return out
	}}
}

package tui

import (
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// maxMessages is how many messages can be read again.
const maxMessages = 200

// messageKind is how a message is marked.
type messageKind int

const (
	messageDone messageKind = iota
	messageRefused
	messageFailed
)

// message is something that the screen has shown for a while. Its texts are safe to draw.
type message struct {
	at         time.Time
	text, hint string
	kind       messageKind
}

// failureShown is the kind of the rows of Activity that report errors of this screen.
const failureShown provider.EventKind = "screen.error"

// keepMessage keeps a message to be read again, newest first.
func (m *Model) keepMessage(msg message) {
	msg.at = m.now()
	m.messages = append([]message{msg}, m.messages[:min(len(m.messages), maxMessages-1)]...)
}

// failed keeps an error where it can be found again: among the messages, in Activity, and in the log.
func (m *Model) failed(text string, err error) {
	e := app.AsError(err)
	m.keepMessage(message{text: safe(text), hint: safe(e.Hint), kind: messageFailed})
	m.addActivity([]app.Activity{{At: app.At(m.now()), Kind: failureShown, Detail: text, Source: app.FromHere}})
	if m.opts.Logger != nil {
		m.opts.Logger.Error(text, "hint", e.Hint, "error", err)
	}
}

// keepFailures puts the errors of this screen among rows that were read, newest first.
func keepFailures(rows, before []app.Activity) []app.Activity {
	out := slices.Clone(rows)
	for _, a := range before {
		if a.Kind == failureShown {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b app.Activity) int { return b.At.Compare(a.At.Time) })
	return out[:min(len(out), maxShownActivity)]
}

// messageSheet shows the messages in full.
func (m *Model) messageSheet() dialog.Dialog {
	return &dialog.Sheet{Title: "Messages", Draw: func(s *theme.Styles, w int) []string {
		if len(m.messages) == 0 {
			return []string{s.Muted.Render("No messages yet. Results and errors are listed here.")}
		}
		var out []string
		for _, msg := range m.messages {
			mark, ink := theme.Good, s.Good
			switch msg.kind {
			case messageRefused:
				mark, ink = theme.Doubtful, s.Warn
			case messageFailed:
				mark, ink = theme.Bad, s.Bad
			}
			lead := s.Faint.Render(m.hhmmss(app.At(msg.at))) + " " + ink.Render(mark) + " "
			for _, l := range s.Wrap(msg.text, max(w-12, 8)) {
				out = append(out, s.Fit(lead, 11)+s.Text.Render(l))
				lead = ""
			}
			if msg.hint != "" {
				for _, l := range s.Wrap(msg.hint, max(w-12, 8)) {
					out = append(out, s.Fit("", 11)+s.Muted.Render(l))
				}
			}
		}
		return out
	}}
}

package pane

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// maxTerminalCopy is the longest text, in bytes, that terminals are known to put on the clipboard.
const maxTerminalCopy = 64 << 10

// Copied names a text in messages about copying it.
type Copied struct {
	What string
	// Hint is shown if the text was certainly copied.
	Hint string
	// Instead is the command that prints the text. With it the text is secret and never shown.
	Instead string
}

// CopyText writes the clipboard twice: through the terminal, which works over ssh, and natively, which alone reports
// success. If neither is certain the text is shown, unless it is secret.
func (s *Screen) CopyText(c Copied, text string) tea.Cmd {
	native := s.Copy
	text = plain.Lines(text)
	terminal := tea.SetClipboard(text)
	if len(text) > maxTerminalCopy {
		terminal = nil
	}
	return tea.Batch(terminal, Try(s, "copy", nil,
		func(context.Context) (bool, error) { return native != nil && native(text) == nil, nil },
		func(certain bool) tea.Cmd {
			switch {
			case certain:
				return s.Say(c.What+" copied", c.Hint)
			case c.Instead != "":
				return s.Say(c.What+" sent to your clipboard", "If it isn't there: "+c.Instead+" prints it.")
			case terminal == nil:
				return s.Complain("", &app.Error{Text: c.What + " is too long for the terminal's clipboard (" + words.Bytes(int64(len(text))) + ")",
					Hint: "Copying that much needs a clipboard program on this machine, such as xclip or wl-copy."})
			}
			s.ShowText("Sent to your clipboard. If it isn't there, copy it here:", c.What, text)
			return nil
		}))
}

// ShowText shows a text to be copied by hand. Keys other than the sheet's own close it and work as usual.
func (s *Screen) ShowText(title, what, text string) {
	s.Dialogs.Push(&dialog.Sheet{Title: title, Through: true, Draw: func(st *theme.Styles, w int) []string {
		out := []string{st.Muted.Render(st.Clip(words.Safe(what), w)), ""}
		for _, para := range strings.Split(plain.Lines(text), "\n") {
			for _, line := range st.Break(para, w) {
				out = append(out, st.Link.Render(line))
			}
		}
		return out
	}})
}

// OpenURL opens a URL with the system's opener. byHand runs if there is none (nil), or if it failed.
func (s *Screen) OpenURL(url, done string, byHand func(error) tea.Cmd) tea.Cmd {
	open := s.Open
	if open == nil {
		return byHand(nil)
	}
	return Try(s, "open", nil, func(context.Context) (error, error) { return open(url), nil }, func(err error) tea.Cmd {
		if err != nil {
			return byHand(err)
		}
		return s.Say(done, "")
	})
}

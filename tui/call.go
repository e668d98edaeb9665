package tui

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/notify"
)

// mostMessages is how many messages one batch of calls shows on the desktop.
const mostMessages = 3

// called calls the user: once with the bell, a few times on the desktop, and with a message on the screen.
func (m *Model) called(calls []app.Call) tea.Cmd {
	if len(calls) == 0 {
		return nil
	}
	raw, shown := "", 0
	for _, c := range calls {
		if slices.Contains(m.opts.Desktop, c.Event) && shown < mostMessages {
			text := notify.Sentence(c)
			if m.ASCII {
				text = m.Styles.ASCII(text)
			}
			raw += notify.Desktop(lookIn(m.opts.Env), text)
			shown++
		}
	}
	if slices.ContainsFunc(calls, func(c app.Call) bool { return slices.Contains(m.opts.Bell, c.Event) }) {
		raw += notify.Bell
	}
	last := notify.Sentence(calls[len(calls)-1])
	if n := len(calls) - 1; n > 0 {
		last += fmt.Sprintf(" (and %d more)", n)
	}
	cmds := []tea.Cmd{m.Say(last, "")}
	if raw != "" {
		cmds = append(cmds, tea.Raw(raw))
	}
	return tea.Batch(cmds...)
}

package tui

import (
	tea "charm.land/bubbletea/v2"

	"greenroom/tui/dialog"
	"greenroom/tui/words"
)

// quit is the action that quits. It asks only if quitting stops downloads or the reception of webhooks.
func (m *Model) quit() tea.Cmd {
	text, fetching := "", m.recordings.Fetching()
	owner := m.Status.Store.Owner == m.PID && !m.Demo
	switch {
	case owner && m.receiving():
		text = "Webhooks won't be received after you quit."
		if m.Status.Tunnel.StoreAndForward {
			text = "The relay keeps webhooks after you quit, until something is listening again."
		}
		if n := m.rooms.OpenMeetings(); n > 0 {
			text += " " + words.Plural(n, "meeting continues", "meetings continue") + "."
		}
		if fetching > 0 {
			text += " " + words.Plural(fetching, "download stops", "downloads stop") + " until Greenroom runs again."
		}
		text += " To keep receiving without a screen: greenroom listen"
	case owner && fetching > 0:
		text = words.Plural(fetching, "download stops", "downloads stop") + ". The data fetched so far is kept, and the next screen or `listen` resumes."
	default:
		return tea.Quit
	}
	return m.Dialogs.Push(&dialog.Confirm{Title: "Quit?", Text: text, Yes: "Quit", No: "Stay", OnYes: func() tea.Cmd { return tea.Quit }})
}

// receiving reports whether this process receives webhooks, and some can be expected.
func (m *Model) receiving() bool {
	return m.Status.Listener.URL != "" && (m.rooms.OpenMeetings() > 0 || m.Status.Tunnel.State == "live")
}

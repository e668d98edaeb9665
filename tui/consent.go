package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
)

// openLink opens the meeting in the browser. A recorded one is opened only by somebody who agreed: the answer is stored
// with the meeting first, and a yes is not asked for again.
func (m *Model) openLink(host bool) tea.Cmd {
	v, _ := m.rooms.room()
	mt, _ := m.rooms.meeting()
	if !app.NeedsConsent(mt, v.Room) {
		return m.open(mt, host)
	}
	b := m.backend
	answer := func(given bool, then func() tea.Cmd) func() tea.Cmd {
		return func() tea.Cmd {
			return try(m, "store the answer", nil,
				func(ctx context.Context) (app.Meeting, error) {
					return b.Consent(ctx, app.ConsentAnswer{Meeting: mt.ID, Given: given})
				},
				func(now app.Meeting) tea.Cmd {
					m.rooms.meetingChanged(now)
					return then()
				})
		}
	}
	text := "What you say and show in " + safe(mt.Room) + " may be recorded. Open it only if you and those who come agree to that."
	switch mt.Recording {
	case app.IsRecording, app.StartingRecording:
		text = "What you say and show in " + safe(mt.Room) + " is being recorded. Open it only if you and those who come agree to that."
	}
	m.dialogs.Push(&dialog.Confirm{
		Title: "This meeting is recorded", Text: text + " Your answer is kept with the meeting.",
		Yes: "I agree, open it", No: "Don't open",
		OnYes: answer(true, func() tea.Cmd { return m.open(mt, host) }),
		OnNo:  answer(false, func() tea.Cmd { return m.refuse("Nothing was opened: you didn't agree to be recorded.") }),
	})
	return nil
}

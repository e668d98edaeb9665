package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
)

// switchRecording starts the recording of the chosen meeting, or asks whether to stop the one that runs: what was not
// recorded can't be had back.
func (m *Model) switchRecording() tea.Cmd {
	mt, _ := m.rooms.meeting()
	b, ref := m.backend, app.RecordingSwitch{Meeting: mt.ID}
	if mt.Recording == app.NotRecording || mt.Recording == "" {
		m.working("Starting the recording of " + mt.Room)
		return try(m, "start the recording", nil,
			func(ctx context.Context) (app.Meeting, error) { return b.StartRecording(ctx, ref) },
			func(now app.Meeting) tea.Cmd {
				m.rooms.meetingChanged(now)
				text := "The recording of " + mt.Room + " runs"
				if now.Recording != app.IsRecording {
					text = "The recording of " + mt.Room + " starts"
				}
				return tea.Batch(m.want(slotRooms), m.say(text, m.keys.name(actRecord)+" stops it"))
			})
	}
	m.dialogs.Push(&dialog.Confirm{
		Title: "Stop recording " + safe(mt.Room) + "?", Yes: "Stop", No: "Keep recording", Danger: true,
		Text: "The platform keeps what was recorded.",
		OnYes: func() tea.Cmd {
			m.working("Stopping the recording of " + mt.Room)
			return try(m, "stop the recording", nil,
				func(ctx context.Context) (app.Meeting, error) { return b.StopRecording(ctx, ref) },
				func(now app.Meeting) tea.Cmd {
					m.rooms.meetingChanged(now)
					return tea.Batch(m.want(slotRooms), m.want(slotRecordings),
						m.say("The recording of "+mt.Room+" has stopped", m.keys.name(actRecs)+" lists the recordings"))
				})
		},
	})
	return nil
}

// whyNoRemoval says why nobody can be removed now; empty when the chosen person can.
func (m *Model) whyNoRemoval(mt app.Meeting) string {
	if why := m.cannot(mt.Account, app.AbilityEject); why != "" {
		return why
	}
	st, ok := m.rooms.person()
	switch {
	case !ok:
		return "Select a participant first: " + m.keys.name(actIn) + " focuses the list"
	case !st.LeftAt.IsZero():
		return personName(st) + " has left already"
	case st.Bot:
		return personName(st) + " is a bot of the platform; " + m.keys.name(actRecord) + " stops a recording"
	case st.Session == "":
		return personName(st) + " can't be told apart from others yet"
	}
	return ""
}

// removePerson asks whether to remove the chosen person.
func (m *Model) removePerson() dialog.Dialog {
	mt, _ := m.rooms.meeting()
	st, _ := m.rooms.person()
	b, who := m.backend, personName(st)
	remove := func(ban bool) func() tea.Cmd {
		return func() tea.Cmd {
			m.working("Removing " + who)
			return try(m, "remove "+who, nil,
				func(ctx context.Context) (app.MeetingDetail, error) {
					return b.Eject(ctx, app.Ejection{Meeting: mt.ID, Session: st.Session, Ban: ban})
				},
				func(app.MeetingDetail) tea.Cmd {
					text := who + " was removed"
					if ban {
						text += " and banned"
					}
					return tea.Batch(m.want(slotRooms), m.want(slotMeeting), m.say(text, ""))
				})
		}
	}
	c := &dialog.Confirm{
		Title: "Remove " + who + "?", Yes: "Remove", No: "Keep", Danger: true, OnYes: remove(false),
		Text: "They are removed from the meeting in " + safe(mt.Room) + " immediately. They can rejoin with the link.",
	}
	if st.UserID != "" && st.UserID != st.Session { // platforms keep out whom they know; a session's own id is gone with it
		c.Also, c.OnAlso = "Remove and ban", remove(true)
	} else {
		c.Text += " Only people with a user id can be banned; this one has none."
	}
	return c
}

// personName is a person in a sentence.
func personName(st app.Stay) string {
	if st.Name == "" {
		return "A participant without a name"
	}
	return safe(st.Name)
}

package rooms

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// whyNoRecording returns why the meeting's recording can't be started or stopped.
func (p *Pane) whyNoRecording() string {
	if why := p.whyNoMeeting(); why != "" {
		return why
	}
	mt, _ := p.Meeting()
	return p.Cannot(mt.Account, provider.AbilityRecord)
}

// record starts the recording of the meeting, or stops the one that runs after a question: what was not recorded is lost.
func (p *Pane) record() tea.Cmd {
	mt, _ := p.Meeting()
	ref := app.RecordingSwitch{Meeting: mt.ID}
	if mt.Recording == app.NotRecording || mt.Recording == "" {
		p.Working("Starting the recording of " + mt.Room)
		return pane.Try(p.Screen, "start the recording", nil,
			func(ctx context.Context) (app.Meeting, error) { return p.Backend.StartRecording(ctx, ref) },
			func(now app.Meeting) tea.Cmd {
				p.meetingChanged(now)
				text := "Recording " + mt.Room
				if now.Recording != app.IsRecording {
					text = "The recording of " + mt.Room + " is starting"
				}
				return tea.Batch(p.readRooms.Want(), p.Say(text, p.Key(switchRecording)+" stops it"))
			})
	}
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Stop recording " + words.Safe(mt.Room) + "?", Yes: "Stop", No: "Keep recording", Danger: true,
		Text: "The recording up to now is kept.",
		OnYes: func() tea.Cmd {
			p.Working("Stopping the recording of " + mt.Room)
			return pane.Try(p.Screen, "stop the recording", nil,
				func(ctx context.Context) (app.Meeting, error) { return p.Backend.StopRecording(ctx, ref) },
				func(now app.Meeting) tea.Cmd {
					p.meetingChanged(now)
					return tea.Batch(p.readRooms.Want(), p.RecordingsRead.Want(),
						p.Say("The recording of "+mt.Room+" has stopped", p.Key(pane.TabRecordings)+" lists the recordings"))
				})
		},
	})
}

// whyNoRemoval returns why the selected person can't be removed.
func (p *Pane) whyNoRemoval() string {
	st, why := p.whyNot(provider.AbilityEject)
	switch {
	case why != "":
		return why
	case st.Bot:
		return personName(st) + " is a bot of the platform; " + p.Key(switchRecording) + " stops a recording"
	case st.Session == "":
		return personName(st) + " can't be identified yet"
	}
	return ""
}

// whyNoMute returns why the selected person can't be muted.
func (p *Pane) whyNoMute() string {
	st, why := p.whyNot(provider.AbilityMute)
	if why == "" && st.Bot {
		why = personName(st) + " is a bot of the platform"
	}
	return why
}

// whyNot returns the selected person, and why an ability of the platform can't be used on anyone or on one who has left.
func (p *Pane) whyNot(a provider.Ability) (st app.Stay, why string) {
	if why := p.whyNoMeeting(); why != "" {
		return st, why
	}
	mt, _ := p.Meeting()
	if why := p.Cannot(mt.Account, a); why != "" {
		return st, why
	}
	st, ok := p.person()
	switch {
	case !ok:
		why = "Select a participant first: " + p.Key(pane.MoveIn) + " focuses the list"
	case !st.LeftAt.IsZero():
		why = personName(st) + " has already left"
	}
	return st, why
}

// mute asks what of the selected person to mute.
func (p *Pane) mute() tea.Cmd {
	mt, _ := p.Meeting()
	st, _ := p.person()
	who := personName(st)
	mute := func(video bool) func() tea.Cmd {
		return func() tea.Cmd {
			p.Working("Muting " + who)
			return pane.Try(p.Screen, "mute "+who, nil,
				func(ctx context.Context) (app.Muted, error) {
					return p.Backend.Mute(ctx, app.Muting{Meeting: mt.ID, Session: st.Session, Audio: true, Video: video})
				},
				func(done app.Muted) tea.Cmd {
					if done.Tracks == 0 {
						return p.Say(who+" was already muted, or sends nothing", "")
					}
					return p.Say(who+" was muted", "they can unmute at any time")
				})
		}
	}
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Mute " + who + "?", Yes: "Mute", No: "Cancel", OnYes: mute(false), Also: "Mute and stop video", OnAlso: mute(true),
		Text: "Others won't hear them until they unmute, which they can do at any time.",
	})
}

// remove asks whether to remove the selected person.
func (p *Pane) remove() tea.Cmd {
	mt, _ := p.Meeting()
	st, _ := p.person()
	who := personName(st)
	remove := func(ban bool) func() tea.Cmd {
		return func() tea.Cmd {
			p.Working("Removing " + who)
			return pane.Try(p.Screen, "remove "+who, nil,
				func(ctx context.Context) (app.MeetingDetail, error) {
					return p.Backend.Eject(ctx, app.Ejection{Meeting: mt.ID, Session: st.Session, Ban: ban})
				},
				func(app.MeetingDetail) tea.Cmd {
					text := who + " was removed"
					if ban {
						text += " and banned"
					}
					return tea.Batch(p.readRooms.Want(), p.readMeeting.Want(), p.Say(text, ""))
				})
		}
	}
	c := &dialog.Confirm{
		Title: "Remove " + who + "?", Yes: "Remove", No: "Keep", Danger: true, OnYes: remove(false),
		Text: "They are removed from the meeting in " + words.Safe(mt.Room) + " immediately. They can rejoin with the link.",
	}
	if st.UserID != "" && st.UserID != st.Session { // the id of a session is gone with it
		c.Also, c.OnAlso = "Remove and ban", remove(true)
	} else {
		c.Text += " Only people with a user id can be banned; this one has none."
	}
	return p.Dialogs.Push(c)
}

// personName returns a person's name for a sentence.
func personName(st app.Stay) string {
	if st.Name == "" {
		return "A participant without a name"
	}
	return words.Safe(st.Name)
}

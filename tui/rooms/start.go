package rooms

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// whyNoStart returns why no meeting can be started in the selected room.
func (p *Pane) whyNoStart() string {
	if why := p.whyNoRoom(); why != "" || p.many() {
		return why
	}
	v, _ := p.Room()
	if _, open := p.open(); open {
		return "The meeting of " + words.Safe(v.Name) + " is already open: " + p.Key(openHost) + " opens it, " + p.Key(endMeeting) + " ends it"
	}
	return words.Safe(v.Would.Problem)
}

// chooseLength asks how long the meeting may last, and starts it.
func (p *Pane) chooseLength() tea.Cmd {
	if p.many() {
		return p.startMarked()
	}
	v, _ := p.Room()
	text := "On " + words.Safe(v.CurrentAccount()) + "."
	if v.Would.Why != "" {
		text = "On " + words.Safe(v.CurrentAccount()) + " " + because(v.Would.Why) + "."
	}
	menu := &dialog.Menu{Title: "Start a meeting in " + words.Safe(v.Name), Text: text}
	for _, c := range lengths {
		menu.Items = append(menu.Items, dialog.Item{Label: c.label, Do: func() tea.Cmd { return p.start(v, c.d) }})
	}
	return p.Dialogs.Push(menu)
}

func (p *Pane) start(v app.RoomView, length time.Duration) tea.Cmd {
	p.Working("Starting a meeting in " + v.Name)
	return pane.Try(p.Screen, "start the meeting", nil,
		func(ctx context.Context) (app.StartedMeeting, error) {
			return p.Backend.StartMeeting(ctx, app.StartMeeting{Room: v.ID, For: length})
		},
		func(s app.StartedMeeting) tea.Cmd {
			hint := p.Key(copyGuest) + " copies the guest link, " + p.Key(openHost) + " opens it as host"
			if len(s.Notes) > 0 {
				hint = strings.Join(s.Notes, ". ") + ". " + hint
			}
			text := "Meeting started on " + s.Account
			if s.Reused {
				text = "The meeting was already open"
			}
			return tea.Batch(p.readRooms.Want(), p.Say(text, hint))
		})
}

// end asks whether to end the meeting.
func (p *Pane) end() tea.Cmd {
	mt, _ := p.Meeting()
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "End the meeting in " + words.Safe(mt.Room) + "?", Text: endText(mt, p.Account(mt.Account).AfterEnd), Danger: true,
		Yes: "End meeting", No: "Keep meeting",
		OnYes: func() tea.Cmd {
			p.Working("Ending the meeting in " + mt.Room)
			return pane.Try(p.Screen, "end the meeting", nil,
				func(ctx context.Context) (app.Meeting, error) {
					return p.Backend.EndMeeting(ctx, app.MeetingRef{Ref: mt.ID})
				},
				func(app.Meeting) tea.Cmd {
					return tea.Batch(p.readRooms.Want(), p.readMeeting.Want(), p.Say("The meeting in "+mt.Room+" has ended", ""))
				})
		},
	})
}

// endText explains what ending a meeting does. A lasting room stays, and some platforms leave the people in it.
func endText(mt app.Meeting, after app.AfterEnd) string {
	people := words.Plural(mt.Here, "person", "people")
	text := "No one is in the meeting."
	switch {
	case mt.Here > 0 && mt.KeepsRoom() && after == app.PeopleStay:
		text = people + " can stay in the room: " + platformName(mt.Platform) + " has no way to remove them."
	case mt.Here > 0:
		text = people + " will be disconnected."
	}
	if mt.KeepsRoom() {
		return text + " The room stays on " + platformName(mt.Platform) + ", and its links keep working."
	}
	return text + " Its links will stop working."
}

// whyNoDeletion returns why the selected room can't be deleted.
func (p *Pane) whyNoDeletion() string {
	if why := p.whyNoRoom(); why != "" || p.many() {
		return why
	}
	if _, open := p.open(); open {
		return "The room has an open meeting: end it first with " + p.Key(endMeeting)
	}
	return ""
}

// deleteText explains what deleting a room does, to the platform rooms of its lasting link too.
func deleteText(r app.Room) string {
	text := "The room is deleted. Past meetings and webhooks are kept."
	for _, place := range r.Places {
		if place.Made() && !place.Adopted {
			text += " Its room on " + platformName(place.Platform) + " is removed, and the lasting link stops working."
		}
	}
	return text
}

// deleteRoom asks whether to delete the selected room.
func (p *Pane) deleteRoom() tea.Cmd {
	if p.many() {
		return p.deleteMarked()
	}
	v, _ := p.Room()
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Delete " + words.Safe(v.Name) + "?", Danger: true,
		Text: deleteText(v.Room), Yes: "Delete", No: "Keep",
		OnYes: func() tea.Cmd {
			return pane.Try(p.Screen, "delete the room", nil,
				func(ctx context.Context) (app.Room, error) { return p.Backend.DeleteRoom(ctx, app.RoomRef{Ref: v.ID}) },
				func(app.Room) tea.Cmd {
					return tea.Batch(p.readRooms.Want(), p.Say("Room "+v.Name+" deleted", p.Key(undo)+" restores it, for a minute"))
				})
		},
	})
}

// undo brings back what was deleted last.
func (p *Pane) undo() tea.Cmd {
	return pane.Try(p.Screen, "undo the deletion", nil,
		func(ctx context.Context) (app.Undone, error) { return p.Backend.Undo(ctx, app.UndoRequest{}) },
		func(u app.Undone) tea.Cmd {
			text := "The " + string(u.Kind) + " " + u.Name + " is back"
			if u.Kind == app.DeletedBooking {
				text = "The booking of " + u.Name + " is back"
			}
			if u.Room != nil {
				p.chosen, p.wanted = u.ID, u.Name
			}
			return tea.Batch(p.readRooms.Want(), p.Say(text, strings.Join(u.Notes, " ")))
		})
}

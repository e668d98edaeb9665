package rooms

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// mark marks the selected room or unmarks it, and goes to the next.
func (p *Pane) mark() tea.Cmd {
	v, _ := p.Room()
	if p.marked[v.ID] {
		delete(p.marked, v.ID)
	} else {
		p.marked[v.ID] = true
	}
	return p.selecting(func() { p.moveInList(func(l *grid.List) { l.Move(1) }) })
}

// markAll marks all rooms that are shown; if they are marked, none.
func (p *Pane) markAll() tea.Cmd {
	all := true
	for _, v := range p.shown {
		all = all && p.marked[v.ID]
	}
	clear(p.marked)
	for _, v := range p.shown {
		if !all {
			p.marked[v.ID] = true
		}
	}
	return nil
}

// chosenRooms are the marked rooms in the order of the list, or the selected one if none is marked.
func (p *Pane) chosenRooms() (list []app.RoomView) {
	for _, v := range p.rooms {
		if p.marked[v.ID] {
			list = append(list, v)
		}
	}
	if v, ok := p.Room(); len(list) == 0 && ok {
		list = append(list, v)
	}
	return list
}

// many reports whether rooms are marked.
func (p *Pane) many() bool { return len(p.marked) > 0 }

// few lists names for a sentence, at most four.
func few(rooms []app.RoomView) string {
	var names []string
	for i, v := range rooms {
		if i == 4 {
			names = append(names, fmt.Sprintf("%d more", len(rooms)-i))
			break
		}
		names = append(names, words.Safe(v.Name))
	}
	return strings.Join(names, ", ")
}

// startMarked asks how long the meetings of the marked rooms may last, and starts those that have none.
func (p *Pane) startMarked() tea.Cmd {
	var idle []app.RoomView
	for _, v := range p.chosenRooms() {
		if v.Meeting == nil || v.Meeting.Status == app.Ended {
			idle = append(idle, v)
		}
	}
	if len(idle) == 0 {
		return p.Refuse("All marked rooms already have a meeting.")
	}
	menu := &dialog.Menu{Title: "Start " + words.Plural(len(idle), "meeting", "meetings"), Text: "In " + few(idle) + "."}
	for _, c := range lengths {
		menu.Items = append(menu.Items, dialog.Item{Label: c.label, Do: func() tea.Cmd {
			return p.each(idle, "Starting meetings", "start the meeting", "started", func(ctx context.Context, v app.RoomView) error {
				_, err := p.Backend.StartMeeting(ctx, app.StartMeeting{Room: v.ID, For: c.d})
				return err
			})
		}})
	}
	return p.Dialogs.Push(menu)
}

// deleteMarked asks whether to delete the marked rooms.
func (p *Pane) deleteMarked() tea.Cmd {
	rooms := p.chosenRooms()
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Delete " + words.Plural(len(rooms), "room", "rooms") + "?", Danger: true,
		Text: few(rooms) + ". Past meetings and webhooks are kept. Rooms with a meeting are not deleted.", Yes: "Delete", No: "Keep",
		OnYes: func() tea.Cmd {
			return p.each(rooms, "Deleting rooms", "delete the room", "deleted", func(ctx context.Context, v app.RoomView) error {
				_, err := p.Backend.DeleteRoom(ctx, app.RoomRef{Ref: v.ID})
				return err
			})
		},
	})
}

// each does something with rooms, one after the other, and reports what became of it. Rooms with which it failed stay marked, and
// those that it did not come to because the user stopped it.
func (p *Pane) each(rooms []app.RoomView, under, doing, done string, do func(context.Context, app.RoomView) error) tea.Cmd {
	if p.running {
		return p.Refuse("An action on several rooms is still running: press esc to stop it.")
	}
	p.running, p.stopped = true, false
	var failed []string
	var last error
	var next func(i int) tea.Cmd
	end := func(n int) tea.Cmd {
		p.running = false
		text, hint := fmt.Sprintf("%d %s", n-len(failed), done), few(rooms[:n])
		if n < len(rooms) {
			text, hint = fmt.Sprintf("%s, stopped before %d more", text, len(rooms)-n), ""
		}
		again := p.readRooms.Soon()
		if last == nil {
			return tea.Batch(again, p.Say(text, hint))
		}
		e := app.AsError(last)
		return tea.Batch(again, p.Complain("", &app.Error{
			Text: fmt.Sprintf("%s, %d failed: %s: %s", text, len(failed), strings.Join(failed[:min(len(failed), 4)], ", "), e.Text), Hint: e.Hint, Err: last,
		}))
	}
	next = func(i int) tea.Cmd {
		if i == len(rooms) || p.stopped {
			return end(i)
		}
		v := rooms[i]
		p.Working(fmt.Sprintf("%s: %d of %d, %s (esc stops)", under, i+1, len(rooms), v.Name))
		return pane.Try(p.Screen, "", nil, func(ctx context.Context) (error, error) { return do(ctx, v), nil }, func(err error) tea.Cmd {
			if err != nil {
				failed, last = append(failed, v.Name), err
				p.Failed("Can't "+doing+" "+v.Name+": "+app.AsError(err).Text, err)
			} else {
				delete(p.marked, v.ID)
			}
			return next(i + 1)
		})
	}
	return next(0)
}

// lengths are the offered lengths of a meeting.
var lengths = []struct {
	label string
	d     time.Duration
}{
	{"8 hours (default)", 0}, {"30 minutes", 30 * time.Minute}, {"1 hour", time.Hour}, {"2 hours", 2 * time.Hour}, {"4 hours", 4 * time.Hour},
}

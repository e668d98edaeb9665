package rooms

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/order"
	"greenroom/tui/grid"
)

// pick selects a row of the list.
func (p *Pane) pick(i int) tea.Cmd {
	p.inner = false
	return p.selecting(func() { p.list.Cursor = i })
}

// selecting reads the meeting if f has selected another one.
func (p *Pane) selecting(f func()) tea.Cmd {
	before, _ := p.Meeting()
	f()
	if v, ok := p.Room(); ok {
		p.chosen = v.ID
	}
	return p.follow(before)
}

// follow reads the meeting if it is another one than before.
func (p *Pane) follow(before app.Meeting) tea.Cmd {
	now, ok := p.Meeting()
	if now.ID == before.ID {
		return nil
	}
	p.detail, p.people, p.roster = nil, nil, grid.List{}
	if !ok {
		p.inner = false
		return nil
	}
	return p.readMeeting.Read()
}

func (p *Pane) askMeeting() func(context.Context) (app.MeetingDetail, error) {
	mt, ok := p.Meeting()
	if !ok {
		return nil
	}
	return func(ctx context.Context) (app.MeetingDetail, error) {
		return p.Backend.Meeting(ctx, app.MeetingRef{Ref: mt.ID})
	}
}

// Room returns the selected room.
func (p *Pane) Room() (app.RoomView, bool) {
	if p.list.Cursor >= len(p.shown) {
		return app.RoomView{}, false
	}
	return p.shown[p.list.Cursor], true
}

// Meeting returns the last meeting of the selected room.
func (p *Pane) Meeting() (app.Meeting, bool) {
	v, ok := p.Room()
	if !ok || v.Meeting == nil {
		return app.Meeting{}, false
	}
	return *v.Meeting, true
}

// open returns the meeting of the selected room, if it has not ended.
func (p *Pane) open() (app.Meeting, bool) {
	mt, ok := p.Meeting()
	return mt, ok && mt.Status != app.Ended
}

// OpenMeetings counts the meetings that have not ended.
func (p *Pane) OpenMeetings() (n int) {
	for _, v := range p.rooms {
		if v.Meeting != nil && v.Meeting.Status != app.Ended {
			n++
		}
	}
	return n
}

// Live counts the live meetings, the people in them, and those who wait to be let in.
func (p *Pane) Live() (meetings, people, waiting int) {
	for _, v := range p.rooms {
		if v.Meeting == nil || v.Meeting.Status == app.Ended {
			continue
		}
		waiting += v.Meeting.Waiting
		if v.Meeting.Status == app.Live {
			meetings++
			people += v.Meeting.Here
		}
	}
	return meetings, people, waiting
}

// setRooms applies a reading.
func (p *Pane) setRooms(rooms []app.RoomView) tea.Cmd {
	p.rooms = slices.Clone(rooms)
	order.Rooms(p.rooms, p.Language)
	cmd := p.narrow()
	if len(p.shown) == 0 && len(p.rooms) > 0 && !p.filter.Typing && p.had {
		// The last room that matches was deleted: an empty list would look as if all were.
		p.filter.Clear()
		cmd = tea.Batch(cmd, p.narrow())
	}
	p.had = len(p.shown) > 0
	return cmd
}

// narrow applies the filter and keeps the cursor on its room.
func (p *Pane) narrow() tea.Cmd {
	before, _ := p.Meeting()
	p.shown = p.shown[:0]
	for _, v := range p.rooms {
		if p.filter.Matches(v.Name, v.Account, v.Would.Account, string(v.Would.Platform)) {
			p.shown = append(p.shown, v)
		}
	}
	p.measure()
	p.list.Resize(len(p.shown), p.list.Height)
	for i, v := range p.shown {
		if (p.wanted != "" && v.Name == p.wanted) || (p.wanted == "" && v.ID == p.chosen) {
			p.list.Cursor = i
		}
	}
	p.list.Resize(len(p.shown), p.list.Height)
	if v, ok := p.Room(); ok {
		if v.Name == p.wanted {
			p.wanted = ""
		}
		if p.wanted == "" {
			p.chosen = v.ID
		}
	}
	return p.follow(before)
}

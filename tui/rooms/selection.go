package rooms

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/order"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
)

// pick selects a row of the list.
func (p *Pane) pick(i int) tea.Cmd {
	p.inner = false
	return p.selecting(func() {
		p.list.Move(i - p.list.Cursor)
		p.moveInList(func(*grid.List) {}) // from a heading down
	})
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
	if p.list.Cursor >= len(p.rows) || p.rows[p.list.Cursor].room < 0 {
		return app.RoomView{}, false
	}
	return p.shown[p.rows[p.list.Cursor].room], true
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

// askRooms reads the rooms, with their people if the filter may ask for them.
func (p *Pane) askRooms() func(context.Context) ([]app.RoomView, error) {
	q := app.RoomQuery{People: p.filter.Text != ""}
	return func(ctx context.Context) ([]app.RoomView, error) { return p.Backend.Rooms(ctx, q) }
}

// setRooms applies a reading.
func (p *Pane) setRooms(rooms []app.RoomView) tea.Cmd {
	p.rooms, p.hasPeople = slices.Clone(rooms), p.filter.Text != ""
	for id := range p.marked {
		if !slices.ContainsFunc(p.rooms, func(v app.RoomView) bool { return v.ID == id }) {
			delete(p.marked, id)
		}
	}
	cmd := p.sort()
	if len(p.shown) == 0 && len(p.rooms) > 0 && !p.filter.Typing && p.had {
		// The last room that matches was deleted: an empty list would look as if all were.
		p.filter.Clear()
		cmd = tea.Batch(cmd, p.narrow())
	}
	p.had = len(p.shown) > 0
	return tea.Batch(cmd, p.wake())
}

// by is the order of the rooms now.
func (p *Pane) by() order.By {
	return order.By{Language: p.Language, Now: p.Now(), Failing: order.FailingAccounts(p.Status.Accounts)}
}

// sort puts the rooms in order.
func (p *Pane) sort() tea.Cmd {
	p.by().Rooms(p.rooms)
	return p.narrow()
}

// wake reads the rooms again when the time changes their order: before the next booking, and after it.
func (p *Pane) wake() tea.Cmd {
	p.turn++
	n, now := p.turn, p.Now()
	var due time.Time
	for _, v := range p.rooms {
		b := v.Booking
		if b == nil || b.Next.IsZero() {
			continue
		}
		for _, at := range []time.Time{b.Next.Add(-order.Ahead), b.Next.Add(b.EndsAt.Sub(b.StartsAt.Time))} {
			if at.After(now) && (due.IsZero() || at.Before(due)) {
				due = at
			}
		}
	}
	if due.IsZero() {
		return nil
	}
	return p.After(due.Sub(now), func() tea.Cmd {
		if n != p.turn {
			return nil
		}
		return p.readRooms.Want()
	})
}

// soon returns the time until a room's next booking begins, if that is soon and no one is there. It is negative if it should have
// begun.
func (p *Pane) soon(v app.RoomView) (time.Duration, bool) {
	if p.by().State(v) != order.Soon {
		return 0, false
	}
	return v.Booking.Next.Sub(p.Now()), true
}

// anySoon reports whether a booking begins soon in a visible room.
func (p *Pane) anySoon() bool {
	from, to := p.list.Range()
	return slices.ContainsFunc(p.rows[min(from, len(p.rows)):min(to, len(p.rows))], func(r listRow) bool {
		if r.room < 0 {
			return false
		}
		_, soon := p.soon(p.shown[r.room])
		return soon
	})
}

// listRow is the heading of a group, or a room: an index of shown, -1 for a heading.
type listRow struct {
	head string
	room int
}

// group makes the rows of the list.
func (p *Pane) group() {
	p.rows = p.rows[:0]
	by, head := p.by(), ""
	for i, v := range p.shown {
		if h := by.Heading(v); h != head {
			if head = h; h != "" {
				p.rows = append(p.rows, listRow{head: h, room: -1})
			}
		}
		p.rows = append(p.rows, listRow{room: i})
	}
}

// moveInList moves the cursor among the rooms. Headings are skipped.
func (p *Pane) moveInList(f func(*grid.List)) {
	p.list.Over(f, func(i int) bool { return i < len(p.rows) && p.rows[i].room < 0 })
}

// favour makes the selected room a favourite, or no longer one.
func (p *Pane) favour() tea.Cmd {
	v, _ := p.Room()
	on := !v.Favourite
	text := v.Name + " is a favourite"
	if !on {
		text = v.Name + " is no longer a favourite"
	}
	return pane.Try(p.Screen, "change the room", nil,
		func(ctx context.Context) (app.Room, error) {
			return p.Backend.EditRoom(ctx, app.RoomPatch{Ref: v.ID, Favourite: &on})
		},
		func(app.Room) tea.Cmd {
			return tea.Batch(p.readRooms.Soon(), p.Say(text, ""))
		})
}

// search applies the filter. While it can't be used, the one before it counts.
func (p *Pane) search() tea.Cmd {
	cmd := p.narrow()
	if p.filter.Text != "" && !p.hasPeople {
		return tea.Batch(cmd, p.readRooms.Want())
	}
	return cmd
}

// matches returns what a filter selects.
func (p *Pane) matches(text string) (func(app.RoomView) bool, error) {
	f, err := filter.Parse(text, filter.Options{Now: p.Now().In(p.Zone), Of: filter.Rooms})
	by := p.by()
	return func(v app.RoomView) bool {
		var flags filter.Flag
		switch by.State(v) {
		case order.Failing:
			flags = filter.Failing
		case order.Soon:
			flags = filter.Soon
		}
		// People may be in the room already.
		if b := v.Booking; b != nil && b.Next.After(by.Now) && b.Next.Sub(by.Now) <= order.Ahead {
			flags |= filter.Soon
		}
		return f.MatchItem(filter.RoomItem(v, flags))
	}, err
}

// narrow applies the filter and keeps the cursor on its room.
func (p *Pane) narrow() tea.Cmd {
	before, _ := p.Meeting()
	match, err := p.matches(p.filter.Text)
	if p.filter.Wrong = ""; err != nil {
		p.filter.Wrong = pane.WhyWrong(err)
		match, _ = p.matches(p.valid)
	} else {
		p.valid = p.filter.Text
	}
	p.shown = p.shown[:0]
	for _, v := range p.rooms {
		if match(v) {
			p.shown = append(p.shown, v)
		}
	}
	p.measure()
	p.group()
	p.list.Resize(len(p.rows), p.list.Height)
	for i, r := range p.rows {
		if r.room < 0 {
			continue
		}
		if v := p.shown[r.room]; (p.wanted != "" && v.Name == p.wanted) || (p.wanted == "" && v.ID == p.chosen) {
			p.list.Cursor = i
		}
	}
	p.list.Resize(len(p.rows), p.list.Height)
	p.moveInList(func(*grid.List) {})
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

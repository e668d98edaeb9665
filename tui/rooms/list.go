package rooms

import (
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/order"
	"greenroom/tui/cell"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// Body implements [pane.Pane]: on a wide screen the meeting is beside the list, with the activity below both; on a narrow
// one all are below each other.
func (p *Pane) Body(y, h int) []string {
	if p.W >= pane.Wide {
		act := min(max(h/4, 3), 12)
		top := h - act - 3
		lw := min(max(p.widest+p.widestAccount+15, p.W/4, 30), p.W*45/100)
		rw := p.W - lw
		list := p.listSection(y+1, lw, top)
		meeting := p.meetingSection(lw, y+1, rw, top)
		return p.Styles.Frame([]cell.Section{list, meeting}, []cell.Section{p.activitySection(act)})
	}
	inner := h - 4 // three edges between the sections, one below
	act := min(max(inner/6, 1), 4)
	list := min(max(len(p.rows), 2), max((inner-act)/3, 2))
	if p.inner {
		list = min(list, 3)
	} else if len(p.rows) == 0 {
		list = min(max(len(p.empty(p.W-2)), 2), max(inner/3, 2))
	} else if len(p.rows) > list { // the list has the focus: it gets half, and the activity less
		act = min(max(inner/9, 1), 4)
		list = min(len(p.rows), max((inner-act)*9/16, 2))
	}
	detail := inner - act - list
	if inner < 9 { // the meeting matters most
		act, list = 0, 2
		detail = inner + 1 - list
	}
	rows := [][]cell.Section{{p.listSection(y+1, p.W, list)}, {p.meetingSection(0, y+2+list, p.W, detail)}}
	if act > 0 {
		rows = append(rows, []cell.Section{p.activitySection(act)})
	}
	return p.Styles.Frame(rows...)
}

func (p *Pane) listSection(y, w, h int) cell.Section {
	var wrong []string
	if len(p.rows) > 0 {
		wrong = p.WrongLines(&p.filter, w-2, h)
	}
	p.list.Resize(len(p.rows), h-len(wrong))
	lines := append(p.lines(w-2), wrong...)
	p.ListZone(1, y, w-2, h-len(wrong), &p.list, p.pick, nil)
	filtered, marked := p.filter.Note(len(p.shown), len(p.rooms)), ""
	if p.filter.Wrong != "" {
		filtered = pane.NotApplied
	}
	if n := len(p.marked); n > 0 {
		marked = strconv.Itoa(n) + " marked"
	}
	under := ""
	if i := p.list.Above(func(i int) bool { return p.rows[i].room < 0 }); i >= 0 {
		under = words.Safe(p.rows[i].head)
	}
	note := pane.Notes(marked, filtered, under, p.list.More())
	return p.Section("Rooms", note, lines, w, h, !p.inner)
}

func (p *Pane) meetingSection(x, y, w, h int) cell.Section {
	name := "Meeting"
	if v, ok := p.Room(); ok {
		name = words.Safe(v.Name)
	}
	p.AddZone(x, y, w, h, func(int, int) tea.Cmd { return p.Act(pane.MoveIn) }, func(rows int) tea.Cmd {
		p.moveInRoster(func(l *grid.List) { l.Scroll(rows) })
		return nil
	})
	return p.Section(name, "", p.meetingLines(w-2, h, x+1, y), w, h, p.inner)
}

func (p *Pane) activitySection(h int) cell.Section {
	return p.Section("Activity", "", p.activityLines(p.W-2, h), p.W, h, false)
}

// measure notes the widths that the columns need. It runs when the list changes, so that the cost of a frame depends on
// the visible rows alone.
func (p *Pane) measure() {
	p.widest, p.widestAccount = 0, 0
	first, differ := "", false
	for i, v := range p.shown {
		name := words.Safe(v.CurrentAccount())
		p.widest = max(p.widest, p.Styles.Width(words.Safe(v.Name)))
		p.widestAccount = max(p.widestAccount, p.Styles.Width(name))
		if i == 0 {
			first = name
		}
		differ = differ || name != first
	}
	if !differ {
		p.widestAccount = 0 // the column would be the same in every row
	}
}

// sign returns the glyph of a room and the number of people in it.
func (p *Pane) sign(v app.RoomView) (glyph, count string) {
	left, soon := p.soon(v)
	minutes := p.Styles.Warn.Render("now")
	if left > 0 {
		minutes = p.Styles.Warn.Render(strconv.Itoa(int((left+time.Minute-1)/time.Minute)) + "m")
	}
	switch idle := v.Meeting == nil || v.Meeting.Status == app.Ended; {
	case soon && idle:
		return p.Styles.Warn.Render(theme.Soon), minutes
	case soon:
		return p.Styles.Accent.Render(theme.Open), minutes
	case idle:
		return p.Styles.Faint.Render(theme.Ended), p.Styles.Faint.Render(theme.Nothing)
	}
	n := strconv.Itoa(v.Meeting.Here)
	if v.Meeting.Status == app.Live {
		return p.Styles.Live.Render(theme.Live), p.Styles.Live.Render(n)
	}
	return p.Styles.Accent.Render(theme.Open), p.Styles.Muted.Render(theme.Nothing)
}

// knocking returns the number of people who wait to be let in, at most three cells wide; empty if no one does.
func (p *Pane) knocking(v app.RoomView) string {
	if v.Meeting == nil || v.Meeting.Status == app.Ended || v.Meeting.Waiting == 0 {
		return ""
	}
	return p.Styles.Warn.Render(theme.Pending + strconv.Itoa(min(v.Meeting.Waiting, 99)))
}

// lines draws the visible rooms in w cells.
func (p *Pane) lines(w int) []string {
	s := p.Styles
	if len(p.shown) == 0 {
		return p.empty(w)
	}
	from, to := p.list.Range()
	knock := 0 // in a narrow list this column is left to the names while no one waits
	for _, r := range p.rows[from:to] {
		if w > 40 || r.room >= 0 && p.knocking(p.shown[r.room]) != "" {
			knock = 3
		} else if r.room >= 0 && knock == 0 {
			if _, count := p.sign(p.shown[r.room]); s.Width(count) == 3 {
				knock = 1 // a space before the minutes
			}
		}
	}
	// Names come first: the account gets the rest, if that is enough to recognise it.
	acct := min(p.widestAccount, 20, max(w-knock-10-p.widest, w/5))
	if acct < min(p.widestAccount, 5) {
		acct = 0
	}
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		r := p.rows[i]
		if r.room < 0 {
			out = append(out, " "+s.Title.Render(s.Clip(words.Safe(r.head), w-2)))
			continue
		}
		v := p.shown[r.room]
		glyph, count := p.sign(v)
		name := s.Text.Render(s.Fit(words.Safe(v.Name), w-acct-knock-10))
		if i == p.list.Cursor {
			name = s.Strong.Render(s.Fit(words.Safe(v.Name), w-acct-knock-10))
		}
		rec, mark := " ", " "
		switch {
		case p.marked[v.ID]:
			mark = s.Accent.Render(theme.Good)
		case v.Favourite:
			mark = s.Warn.Render(theme.Host)
		}
		if p.by().State(v) == order.Failing {
			rec = s.Bad.Render(theme.Bad)
		}
		if v.Meeting != nil && v.Meeting.Status != app.Ended {
			switch {
			case v.Meeting.Recording == app.IsRecording:
				rec = s.Rec.Render(theme.Rec)
			case v.Meeting.Recording == app.StartingRecording:
				rec = s.Warn.Render(theme.Pending)
			case v.Meeting.RecordingError != "":
				rec = s.Bad.Render(theme.Bad)
			}
		}
		line := p.Marker(i == p.list.Cursor) + glyph + mark + name + " " + rec + " " + s.Muted.Render(s.Fit(words.Safe(v.CurrentAccount()), acct)) +
			s.FitRight(p.knocking(v), knock) + s.FitRight(count, 3) + " "
		if i == p.list.Cursor {
			line = p.Selected(line, w, !p.inner)
		}
		out = append(out, line)
	}
	return out
}

// empty explains what to do while no room is shown.
func (p *Pane) empty(w int) []string {
	s := p.Styles
	of := filter.Rooms
	if why, ok := p.Empty("room", p.readRooms.Err, p.readRooms.Ready, &p.filter, &of, w); ok {
		return why
	}
	next := "Press " + p.Key(newRoom) + " to create your first room."
	if p.NoAccount() {
		next = "Press " + p.Key(pane.SetUp) + " to set up an account, then " + p.Key(newRoom) + " to create your first room."
	}
	return append(s.Para(s.Muted, "No rooms yet.", w), s.Para(s.Text, next, w)...)
}

package meetings

import (
	"fmt"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/tui/cell"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// row is the heading of a day, or a meeting: an index, -1 for a heading.
type row struct {
	head    string
	meeting int
}

// byDay returns the meetings with a heading for each day.
func (p *Pane) byDay() []row {
	var rows []row
	day := ""
	for i, m := range p.all {
		if d := began(m).In(p.Zone).Format(time.DateOnly); d != day || i == 0 {
			day = d
			rows = append(rows, row{head: p.heading(began(m)), meeting: -1})
		}
		rows = append(rows, row{meeting: i})
	}
	return rows
}

// began is when someone was first in a meeting, else when it was opened.
func began(m app.Meeting) app.Time {
	if m.StartedAt.IsZero() {
		return m.StartsAt
	}
	return m.StartedAt
}

// heading names a day.
func (p *Pane) heading(t app.Time) string {
	if t.IsZero() {
		return "Unknown day"
	}
	day, now := t.In(p.Zone), p.Now().In(p.Zone)
	text := day.Format("Mon 2006-01-02")
	switch day.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return "Today, " + text
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return "Yesterday, " + text
	}
	return text
}

// Body implements [pane.Pane]: on a wide screen the meeting is beside the list, on a narrow one below it.
func (p *Pane) Body(y, h int) []string {
	if p.W >= pane.Wide {
		lw := min(max(p.W*2/5, 40), 64)
		return p.Styles.Frame([]cell.Section{p.listSection(y+1, lw, h-2), p.detailSection(lw, y+1, p.W-lw, h-2)})
	}
	inner := h - 3
	list := min(max(len(p.rows), 2), max(inner*2/5, 2))
	if len(p.rows) == 0 {
		list = min(len(p.lines(p.W-2)), max(inner/2, 2))
	}
	if p.inner {
		list = min(list, 3)
	}
	return p.Styles.Frame([]cell.Section{p.listSection(y+1, p.W, list)}, []cell.Section{p.detailSection(0, y+2+list, p.W, inner-list)})
}

func (p *Pane) listSection(y, w, h int) cell.Section {
	var wrong []string
	if len(p.rows) > 0 {
		wrong = p.WrongLines(&p.filter, w-2, h)
	}
	p.list.Resize(len(p.rows), h-len(wrong))
	lines := append(p.lines(w-2), wrong...)
	p.ListZone(1, y, w-2, h-len(wrong), &p.list, func(i int) tea.Cmd {
		p.inner = false
		p.list.Move(i - p.list.Cursor)
		return p.selecting(func(*grid.List) {}) // from a heading down
	}, p.Fill)
	note := ""
	switch {
	case p.filter.Wrong != "":
		note = pane.NotApplied
	case p.fresh:
		note = "reading…  / " + words.Safe(p.filter.Text)
	case p.filter.Text != "":
		note = words.Plural(p.total, "match", "matches") + "  / " + words.Safe(p.filter.Text)
	case p.total > len(p.all) && len(p.all) > 0:
		note = fmt.Sprintf("newest %d of %d", len(p.all), p.total)
	}
	day := ""
	if i := p.list.Above(func(i int) bool { return p.rows[i].meeting < 0 }); i >= 0 {
		day = p.rows[i].head
	}
	return p.Section("Meetings", pane.Notes(note, day, p.list.More()), lines, w, h, !p.inner)
}

// lines draws the visible rows, or why there are none.
func (p *Pane) lines(w int) []string {
	s := p.Styles
	if len(p.rows) == 0 {
		of := filter.Rooms
		if why, ok := p.Empty("meeting", p.readPage.Err, p.readPage.Ready && !p.readPage.Busy, &p.filter, &of, w); ok {
			return why
		}
		return append(s.Para(s.Muted, "No meetings yet.", w), s.Para(s.Muted, "Meetings will be listed here by day, with a chart of who was "+
			"in them and when. Start one on "+p.Key(pane.TabRooms)+" Rooms.", w)...)
	}
	account := 0
	if w >= 56 {
		account = 9
	}
	from, to := p.list.Range()
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		r := p.rows[i]
		if r.meeting < 0 {
			out = append(out, " "+s.Title.Render(s.Clip(r.head, w-2)))
			continue
		}
		on := i == p.list.Cursor
		line := p.Marker(on) + p.meetingLine(p.all[r.meeting], w-2, account, on)
		if on {
			line = p.Selected(line, w, !p.inner)
		}
		out = append(out, line)
	}
	return out
}

// meetingLine draws one meeting: state, time, room, account, length and peak.
func (p *Pane) meetingLine(m app.Meeting, w, account int, on bool) string {
	s := p.Styles
	glyph, length := s.Faint.Render(theme.Ended), lengthOf(m, p.Now())
	people := theme.Nothing
	if m.Peak > 0 {
		people = strconv.Itoa(m.Peak)
	}
	switch m.Status {
	case app.Live:
		glyph = s.Live.Render(theme.Live)
	case app.Open:
		glyph = s.Accent.Render(theme.Open)
	}
	rec := " "
	switch {
	case m.RecordingError != "" && m.Recording != app.IsRecording:
		rec = s.Bad.Render(theme.Bad)
	case m.Recording == app.IsRecording:
		rec = s.Rec.Render(theme.Rec)
	}
	name := s.Text
	if on {
		name = s.Strong
	}
	at := theme.Nothing
	if t := began(m); !t.IsZero() {
		at = t.In(p.Zone).Format("15:04")
	}
	return glyph + " " + pane.Columns(s.Ruler,
		pane.Column{Text: at, W: 5, Ink: s.Muted}, pane.Column{Text: words.Safe(m.Room), W: w - account - 25, Ink: name}) + rec + " " +
		pane.Columns(s.Ruler, pane.Column{Text: words.Safe(m.Account), W: account - 1, Ink: s.Muted},
			pane.Column{Text: length, W: 8, Ink: s.Muted, Right: true}, pane.Column{Text: people, W: 4, Ink: s.Muted, Right: true})
}

// lengthOf returns how long people were in a meeting, so far if it lasts.
func lengthOf(m app.Meeting, now time.Time) string {
	switch {
	case m.StartedAt.IsZero():
		return theme.Nothing
	case m.Status == app.Live:
		return words.Span(words.Since(m.StartedAt, now))
	case m.EndedAt.After(m.StartedAt.Time):
		return words.Span(m.EndedAt.Sub(m.StartedAt.Time))
	}
	return theme.Nothing
}

// inWords is lengthOf for sentences, in which a clock's 19:00 would read as a time of day.
func inWords(m app.Meeting, now time.Time) string {
	switch {
	case m.StartedAt.IsZero():
		return ""
	case m.Status == app.Live:
		return words.Length(words.Since(m.StartedAt, now))
	case m.EndedAt.After(m.StartedAt.Time):
		return words.Length(m.EndedAt.Sub(m.StartedAt.Time))
	}
	return ""
}

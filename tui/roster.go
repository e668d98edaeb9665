package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// rosterRow is a heading or a person.
type rosterRow struct {
	head string
	stay *app.Stay
}

// rosterRows orders the stays: here, waiting, left.
func rosterRows(stays []app.Stay) []rosterRow {
	var here, waiting, left []rosterRow
	for i := range stays {
		st := &stays[i]
		switch {
		case st.Present():
			here = append(here, rosterRow{stay: st})
		case st.LeftAt.IsZero():
			waiting = append(waiting, rosterRow{stay: st})
		default:
			left = append(left, rosterRow{stay: st})
		}
	}
	var out []rosterRow
	add := func(name string, rows []rosterRow) {
		if len(rows) > 0 {
			out = append(append(out, rosterRow{head: name}), rows...)
		}
	}
	add("Waiting to be let in", waiting)
	add("Here", here)
	add("Left", left)
	return out
}

// person gives the chosen one, while the roster has the keys.
func (r *roomsTab) person() (app.Stay, bool) {
	if !r.inner || r.roster.Cursor >= len(r.rows) || r.rows[r.roster.Cursor].stay == nil {
		return app.Stay{}, false
	}
	return *r.rows[r.roster.Cursor].stay, true
}

// keepPerson puts in new rows and keeps the cursor on its person.
func (r *roomsTab) keepPerson(rows []rosterRow) {
	st, ok := r.person()
	r.rows = rows
	r.roster.Resize(len(rows), r.roster.Height)
	if !ok {
		return
	}
	for i, row := range rows {
		if row.stay != nil && row.stay.Session == st.Session && row.stay.Name == st.Name {
			r.roster.Move(i - r.roster.Cursor)
			return
		}
	}
	r.moveRoster(func(*grid.List) {})
}

// moveRoster moves among the people: headings are passed over.
func (r *roomsTab) moveRoster(f func(*grid.List)) {
	before := r.roster.Cursor
	f(&r.roster)
	step := 1
	if r.roster.Cursor < before {
		step = -1
	}
	for range 2 {
		if i := r.roster.Cursor; i < len(r.rows) && r.rows[i].stay == nil {
			if i == 0 {
				step = 1
				r.roster.Top = 0
			}
			top := r.roster.Top
			r.roster.Move(step)
			if i == 0 {
				r.roster.Top = top // the first heading stays in view
			}
		}
	}
}

// rosterLines draws as much of the roster as fits. x0 and y0 are where it will stand on screen.
func (m *Model) rosterLines(w, h, x0, y0 int) []string {
	s, r := m.st, &m.rooms
	l := &m.loads[slotMeeting]
	if r.detail == nil {
		switch {
		case h <= 0:
			return nil
		case l.err != nil:
			return m.trouble("Who is there can't be read", l.err, w)
		case l.busy:
			return []string{" " + s.Faint.Render("reading who is there…")}
		}
		return nil
	}
	rows := r.rows
	r.roster.Resize(len(rows), h)
	if len(rows) == 0 && r.detail.Status != app.Ended {
		return []string{" " + s.Muted.Render("No one has joined yet. Send the guest link: "+m.keys.name(actCopyGuest)+" copies it.")}
	}
	if i := r.roster.Cursor; r.inner && i < len(rows) && rows[i].stay == nil {
		r.moveRoster(func(*grid.List) {})
	}
	from, to := r.roster.Range()
	m.zone(x0, y0, w, to-from, func(_, y int) tea.Cmd {
		r.inner = true
		r.roster.Move(r.roster.Top + y - r.roster.Cursor)
		r.moveRoster(func(*grid.List) {})
		m.arrange()
		return nil
	})
	reason := 8 // what the reasons need, of what the names leave
	for _, row := range rows[from:to] {
		if row.stay != nil {
			reason = max(reason, s.Width(safe(row.stay.Reason))+1)
		}
	}
	name := min(max(w-27-reason, 16), 34)
	why := w - name - 26
	now := m.now()
	var out []string
	for i := from; i < to; i++ {
		row := rows[i]
		if row.stay == nil {
			cols := []column{{text: row.head, w: name + 2, ink: s.Title}}
			switch row.head {
			case "Here":
				cols = append(cols, column{text: "joined", w: 9, ink: s.Head}, column{text: "for", w: 8, ink: s.Head, right: true})
			case "Left":
				cols = append(cols, column{text: "joined", w: 9, ink: s.Head}, column{text: "for", w: 8, ink: s.Head, right: true},
					column{text: " why", w: why, ink: s.Head})
			default:
				cols = append(cols, column{text: "since", w: 9, ink: s.Head}, column{text: "for", w: 8, ink: s.Head, right: true})
			}
			out = append(out, m.rosterMark(i)+columns(s.Ruler, cols...))
			continue
		}
		out = append(out, m.rosterMark(i)+m.stayLine(*row.stay, name, why, func(a, b app.Time) string {
			if a.IsZero() {
				return theme.Nothing
			}
			if b.IsZero() {
				return span(now.Sub(a.Time))
			}
			return span(b.Sub(a.Time))
		}))
	}
	if to < len(rows) && len(out) > 0 {
		out[len(out)-1] = m.withMore(out[len(out)-1], len(rows)-to, w)
	}
	return out
}

// withMore says on the last line that more follow, at the cost of what stands there. Padding costs nothing.
func (m *Model) withMore(line string, n, w int) string {
	s := m.st
	note := "↓ " + itoa(n) + " more "
	if room := w - s.Width(note) - 1; s.Width(line) > room {
		if bare := strings.TrimRight(ansi.Strip(line), " "); s.Width(bare) > room {
			line = s.Clip(line, room)
		} else {
			line = s.Method.Truncate(line, room, "")
		}
	}
	return s.Spread(line, s.Faint.Render(note), w)
}

func (m *Model) rosterMark(i int) string {
	if m.rooms.inner && i == m.rooms.roster.Cursor {
		return m.st.Marker.Render(theme.Marker)
	}
	return " "
}

func (m *Model) stayLine(st app.Stay, name, why int, lasted func(a, b app.Time) string) string {
	s := m.st
	who := safe(st.Name)
	if who == "" {
		who = "no name"
	}
	mark, ink := "  ", s.Text
	switch {
	case st.Bot:
		mark, ink = s.Word.Render(theme.Bot+" "), s.Muted
		role := safe(st.Role)
		if role == "" {
			role = "bot"
		}
		who += " (" + role + ")"
	case st.Waiting:
		mark, ink = s.Warn.Render(theme.Pending+" "), s.Warn
	case st.Owner:
		mark = s.Warn.Render(theme.Host + " ")
	}
	if !st.LeftAt.IsZero() {
		ink = s.Muted
	}
	cols := []column{
		{text: who, w: name, ink: ink},
		{text: m.hhmmss(st.JoinedAt), w: 9, ink: s.Muted},
	}
	if st.Waiting && st.LeftAt.IsZero() {
		cols[1].text = m.hhmmss(st.WaitingSince)
		cols = append(cols, column{text: lasted(st.WaitingSince, app.Time{}), w: 8, ink: s.Warn, right: true})
		return mark + columns(s.Ruler, cols...)
	}
	cols = append(cols, column{text: lasted(st.JoinedAt, st.LeftAt), w: 8, ink: s.Muted, right: true})
	if !st.LeftAt.IsZero() {
		cols = append(cols, column{text: " " + safe(st.Reason), w: why, ink: s.Faint})
	}
	return mark + columns(s.Ruler, cols...)
}

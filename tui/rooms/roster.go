package rooms

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// row is a heading or a person.
type row struct {
	head string
	stay *app.Stay
}

// byPresence groups the stays: waiting, here, left.
func byPresence(stays []app.Stay) []row {
	var here, waiting, left []row
	for i := range stays {
		st := &stays[i]
		switch {
		case st.Present():
			here = append(here, row{stay: st})
		case st.LeftAt.IsZero():
			waiting = append(waiting, row{stay: st})
		default:
			left = append(left, row{stay: st})
		}
	}
	var out []row
	add := func(head string, rows []row) {
		if len(rows) > 0 {
			out = append(append(out, row{head: head}), rows...)
		}
	}
	add("Waiting to be let in", waiting)
	add("Here", here)
	add("Left", left)
	return out
}

// declined names the guests who declined to be recorded on the room's page and didn't join.
func declined(guests []app.Guest) []row {
	var names []string
	for _, g := range guests {
		if g.Consent == app.ConsentNo && g.Session == "" {
			names = append(names, words.Safe(g.Name))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []row{{head: "Declined: " + strings.Join(names, ", ")}}
}

// person returns the selected person, while the people have the focus.
func (p *Pane) person() (app.Stay, bool) {
	if !p.inner || p.roster.Cursor >= len(p.people) || p.people[p.roster.Cursor].stay == nil {
		return app.Stay{}, false
	}
	return *p.people[p.roster.Cursor].stay, true
}

// setPeople replaces the people and keeps the cursor on its person.
func (p *Pane) setPeople(rows []row) {
	st, ok := p.person()
	p.people = rows
	p.roster.Resize(len(rows), p.roster.Height)
	if !ok {
		return
	}
	for i, row := range rows {
		if row.stay != nil && row.stay.Session == st.Session && row.stay.Name == st.Name {
			p.roster.Move(i - p.roster.Cursor)
			return
		}
	}
	p.skipHeading()
}

// skipHeading moves the cursor from a heading to a person.
func (p *Pane) skipHeading() { p.moveInRoster(func(*grid.List) {}) }

// moveInRoster moves the cursor among the people. Headings are skipped.
func (p *Pane) moveInRoster(f func(*grid.List)) {
	p.roster.Over(f, func(i int) bool { return i < len(p.people) && p.people[i].stay == nil })
}

// rosterLines draws as many of the people as fit. x0 and y0 are the position of the first line.
func (p *Pane) rosterLines(w, h, x0, y0 int) []string {
	s := p.Styles
	if p.detail == nil {
		switch l := p.readMeeting; {
		case h <= 0:
			return nil
		case l.Err != nil:
			return p.Trouble("The participants can't be read", l.Err, w)
		case l.Busy:
			return []string{" " + s.Faint.Render("reading who is there…")}
		}
		return nil
	}
	rows := p.people
	p.roster.Resize(len(rows), h)
	if len(rows) == 0 && p.detail.Status != app.Ended {
		return []string{" " + s.Muted.Render("No one has joined yet. Send the guest link: "+p.Key(copyGuest)+" copies it.")}
	}
	if i := p.roster.Cursor; p.inner && i < len(rows) && rows[i].stay == nil {
		p.skipHeading()
	}
	from, to := p.roster.Range()
	p.AddZone(x0, y0, w, to-from, func(_, y int) tea.Cmd {
		p.inner = true
		p.roster.Move(p.roster.Top + y - p.roster.Cursor)
		p.skipHeading()
		return nil
	}, nil)
	reason := 8 // the width of the reasons, after that of the names
	for _, row := range rows[from:to] {
		if row.stay != nil {
			reason = max(reason, s.Width(words.Safe(row.stay.Reason))+1)
		}
	}
	name := min(max(w-27-reason, 16), 34)
	why := w - name - 26
	now := p.Now()
	var out []string
	for i := from; i < to; i++ {
		row, mark := rows[i], p.Marker(p.inner && i == p.roster.Cursor)
		if row.stay == nil {
			if strings.HasPrefix(row.head, "Declined") {
				out = append(out, mark+s.Warn.Render(s.Clip(row.head, max(w-3, 1))))
				continue
			}
			cols := []pane.Column{{Text: row.head, W: name + 2, Ink: s.Title}, {Text: "joined", W: 9, Ink: s.Head}, {Text: "for", W: 8, Ink: s.Head, Right: true}}
			switch row.head {
			case "Here":
			case "Left":
				cols = append(cols, pane.Column{Text: " why", W: why, Ink: s.Head})
			default:
				cols[1].Text = "since"
			}
			out = append(out, mark+pane.Columns(s.Ruler, cols...))
			continue
		}
		out = append(out, mark+p.stayLine(*row.stay, name, why, func(a, b app.Time) string {
			if a.IsZero() {
				return theme.Nothing
			}
			if b.IsZero() {
				return words.Span(now.Sub(a.Time))
			}
			return words.Span(b.Sub(a.Time))
		}))
	}
	if to < len(rows) && len(out) > 0 {
		out[len(out)-1] = p.withMore(out[len(out)-1], len(rows)-to, w)
	}
	return out
}

// withMore notes on the last line that n more follow. It shortens the text of the line only if its padding is too short.
func (p *Pane) withMore(line string, n, w int) string {
	s := p.Styles
	note := "↓ " + strconv.Itoa(n) + " more "
	if room := w - s.Width(note) - 1; s.Width(line) > room {
		if bare := strings.TrimRight(ansi.Strip(line), " "); s.Width(bare) > room {
			line = s.Clip(line, room)
		} else {
			line = s.Method.Truncate(line, room, "")
		}
	}
	return s.Spread(line, s.Faint.Render(note), w)
}

// stayLine draws one person.
func (p *Pane) stayLine(st app.Stay, name, why int, lasted func(a, b app.Time) string) string {
	s := p.Styles
	who := words.Safe(st.Name)
	if who == "" {
		who = "no name"
	}
	mark, ink := "  ", s.Text
	switch {
	case st.Bot:
		mark, ink = s.Word.Render(theme.Bot+" "), s.Muted
		role := words.Safe(st.Role)
		if role == "" {
			role = "bot"
		}
		who += " (" + role + ")"
	case st.Waiting:
		mark, ink = s.Warn.Render(theme.Pending+" "), s.Warn
	case st.Owner:
		mark = s.Warn.Render(theme.Host + " ")
	}
	switch {
	case st.Consent == app.ConsentYes:
		who += " (consented)"
	case st.Consent == app.ConsentNo:
		who += " (declined)"
	case p.detail != nil && recorded(p.detail.Meeting) && len(p.detail.Guests) > 0 && !st.Bot:
		who += " (not asked)"
	}
	if !st.LeftAt.IsZero() {
		ink = s.Muted
	}
	cols := []pane.Column{
		{Text: who, W: name, Ink: ink},
		{Text: p.TimeOfDay(st.JoinedAt), W: 9, Ink: s.Muted},
	}
	if st.Waiting && st.LeftAt.IsZero() {
		cols[1].Text = p.TimeOfDay(st.WaitingSince)
		cols = append(cols, pane.Column{Text: lasted(st.WaitingSince, app.Time{}), W: 8, Ink: s.Warn, Right: true})
		return mark + pane.Columns(s.Ruler, cols...)
	}
	cols = append(cols, pane.Column{Text: lasted(st.JoinedAt, st.LeftAt), W: 8, Ink: s.Muted, Right: true})
	if !st.LeftAt.IsZero() {
		cols = append(cols, pane.Column{Text: " " + words.Safe(st.Reason), W: why, Ink: s.Faint})
	}
	return mark + pane.Columns(s.Ruler, cols...)
}

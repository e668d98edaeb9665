package meetings

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/timeline"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// chart draws the moment, the head count, the recordings, a bar for each visible person, and the axis. A click moves the
// moment.
func (p *Pane) chart(d *detail, w, x0, y0 int) []string {
	s := p.Styles
	gutter := 9 // 10:24:05
	for _, person := range d.line.People {
		gutter = max(gutter, s.Width(nameOf(person))+2)
	}
	gutter = min(gutter, max(w/3, 11), 26)
	bar := max(w-gutter-3, 1)
	at := d.at.At(&d.line)
	column := d.line.Column(at, bar)
	row := func(label, cells string) string { return " " + s.Fit(label, gutter) + " " + cells }

	here := d.line.Here(at)
	out := []string{row(s.Strong.Render(p.TimeOfDay(app.At(at))), cell.Spaces(column)+s.Marker.Render(theme.Here))}
	out = append(out, row(s.Strong.Render(fmt.Sprintf("%d here", here)), p.counts(d, bar, column)))
	if len(d.line.Recordings) > 0 {
		label := s.Muted.Render("  recorded")
		if d.line.Recorded(at) {
			label = s.Rec.Render(theme.Rec + " recorded")
		}
		recorded := d.line.RecordingBar(bar)
		out = append(out, row(label, p.cells(bar, column, func(i int) (string, theme.Ink) {
			if recorded[i] {
				return theme.Recorded, s.Rec
			}
			return "", theme.Ink{}
		})))
	}
	from, to := p.people.Range()
	for i := from; i < to; i++ {
		out = append(out, p.personLine(d, d.line.People[i], at, gutter, bar, column, p.inner && i == p.people.Cursor))
	}
	p.AddZone(x0+gutter+2, y0, bar, len(out), func(x, _ int) tea.Cmd {
		p.inner = true
		d.at.Go(&d.line, d.line.Moment(x, bar))
		if x == bar-1 {
			d.at.Go(&d.line, d.line.To)
		}
		return nil
	}, nil)
	return append(out, row("", s.Faint.Render(p.axis(d, bar))))
}

// personLine draws a person's name, marked as they are at the moment, and their bar.
func (p *Pane) personLine(d *detail, person timeline.Person, at time.Time, gutter, bar, column int, on bool) string {
	s := p.Styles
	mark, name := " ", s.Muted.Render(s.Clip(nameOf(person), gutter-2))
	if v, ok := person.At(at); ok {
		var ink theme.Ink
		if mark, ink, _ = p.mark(presence{person, v}); !person.Bot && !v.Waiting {
			ink = s.Strong
		}
		if mark == " " {
			mark = s.Good.Render(theme.Live)
		}
		name = ink.Render(s.Clip(nameOf(person), gutter-2))
	}
	kinds := d.line.Bar(person, bar)
	inside := s.Good
	if person.Bot {
		inside = s.Word
	}
	cells := p.cells(bar, column, func(i int) (string, theme.Ink) {
		switch kinds[i] {
		case timeline.Inside:
			return theme.Full, inside
		case timeline.Lobby:
			return theme.Lobby, s.Warn
		}
		return "", theme.Ink{}
	})
	return p.Marker(on) + s.Fit(mark+" "+name, gutter) + " " + cells
}

// cells draws a bar of w cells. Empty ones are blank, except in the column of the moment. Cells of one ink are one piece.
func (p *Pane) cells(w, column int, at func(i int) (string, theme.Ink)) string {
	s := p.Styles
	var b, piece strings.Builder
	var ink theme.Ink
	flush := func() {
		b.WriteString(ink.Render(piece.String()))
		piece.Reset()
	}
	for i := range w {
		text, next := at(i)
		switch {
		case text == "" && i == column:
			text, next = theme.Line, s.Marker
		case text == "":
			text = " "
		case i == column:
			next = s.Marker
		}
		if next != ink {
			flush()
			ink = next
		}
		piece.WriteString(text)
	}
	flush()
	return b.String()
}

// counts draws the head count over time.
func (p *Pane) counts(d *detail, w, column int) string {
	s := p.Styles
	counts := d.line.Counts(w)
	most := 1
	for _, n := range counts {
		most = max(most, n)
	}
	return p.cells(w, column, func(i int) (string, theme.Ink) {
		if counts[i] == 0 {
			return "", theme.Ink{}
		}
		return theme.Heights[(counts[i]*len(theme.Heights)-1)/most], s.Accent
	})
}

// steps are the distances between the labels of an axis.
var steps = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	4 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

// axis returns the times below the chart, as many as fit.
func (p *Pane) axis(d *detail, w int) string {
	const label = 5 // 10:00
	step := steps[len(steps)-1]
	for _, s := range steps {
		// A label and two spaces for each step.
		if int64(d.line.To.Sub(d.line.From)/s)*(label+2) <= int64(w) {
			step = s
			break
		}
	}
	line, used := strings.Builder{}, 0
	day := d.line.From.In(p.Zone)
	for at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, p.Zone); !at.After(d.line.To); at = at.Add(step) {
		if at.Before(d.line.From) {
			continue
		}
		x := d.line.Column(at, w)
		if x < used || x+label > w {
			continue
		}
		text := at.In(p.Zone).Format("15:04")
		line.WriteString(cell.Spaces(x-used) + text)
		used = x + label + 1
		line.WriteByte(' ')
	}
	if used == 0 && w >= label {
		return d.line.From.In(p.Zone).Format("15:04")
	}
	return line.String()
}

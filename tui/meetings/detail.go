package meetings

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/timeline"
	"greenroom/provider"
	"greenroom/tui/cell"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// askDetail reads the selected meeting with its recordings.
func (p *Pane) askDetail() func(context.Context) (*detail, error) {
	m, ok := p.chosen()
	if !ok {
		return nil
	}
	return func(ctx context.Context) (*detail, error) {
		d, err := p.Backend.Meeting(ctx, app.MeetingRef{Ref: m.ID})
		if err != nil {
			return nil, err
		}
		recordings, err := p.Backend.Recordings(ctx, app.RecordingQuery{Meeting: m.ID})
		return &detail{MeetingDetail: d, recordings: recordings}, err
	}
}

// setDetail applies a reading and keeps the moment. A meeting that has ended is opened where most people were in it, one
// that lasts at its end.
func (p *Pane) setDetail(d *detail) tea.Cmd {
	if d.ID != p.want {
		return nil
	}
	d.compute(p)
	if p.detail != nil {
		d.at = p.detail.at
	} else if d.Status == app.Ended {
		d.at.Go(&d.line, d.line.Peak())
	}
	p.detail = d
	return nil
}

// compute makes the timeline up to now.
func (d *detail) compute(p *Pane) {
	d.drawn = p.Now()
	d.line = timeline.New(d.MeetingDetail, d.recordings, d.drawn)
}

func (p *Pane) detailSection(x, y, w, h int) cell.Section {
	name := "Meeting"
	if m, ok := p.chosen(); ok {
		name = words.Safe(m.Room)
	}
	p.AddZone(x, y, w, h, func(int, int) tea.Cmd { return p.Act(pane.MoveIn) }, func(rows int) tea.Cmd {
		p.people.Scroll(rows)
		return nil
	})
	return p.Section(name, p.people.More(), p.detailLines(w-2, h, x+1, y), w, h, p.inner)
}

// detailLines draws the selected meeting: what it was, who was there when, and who was there at the moment.
func (p *Pane) detailLines(w, h, x0, y0 int) []string {
	s := p.Styles
	m, ok := p.chosen()
	if !ok {
		return nil
	}
	out := []string{p.stateLine(m, w)}
	if h > 8 {
		out = append(out, " "+s.Muted.Render(s.Clip(p.about(m), w-2)))
	}
	d := p.detail
	if d == nil {
		p.people = grid.List{}
		switch l := p.readDetail; {
		case l.Err != nil:
			return append(out, p.Trouble("The participants can't be read", l.Err, w)...)
		case l.Busy:
			return append(out, " "+s.Faint.Render("reading who was there…"))
		}
		return out
	}
	if d.Status != app.Ended && p.Now().Sub(d.drawn) >= time.Second/2 {
		d.compute(p)
	}
	if len(d.line.People) == 0 {
		p.people = grid.List{}
		text := "No one came."
		if d.Status != app.Ended {
			text = "No one has come yet."
		}
		return append(out, "", " "+s.Muted.Render(text))
	}
	if h > 12 {
		out = append(out, "")
	}
	left := h - len(out) - 3 // the moment, the head count and the axis
	if len(d.line.Recordings) > 0 {
		left--
	}
	// The chart is complete if there is room for that beside the names of those who are there.
	there, people := d.there(d.at.At(&d.line)), len(d.line.People)
	roster := min(1+len(p.names(there, w, h)), max(left/2, 2), max(left-1, 0))
	roster = max(roster, left-people)
	p.people.Resize(people, min(max(left-roster, 1), people))
	out = append(out, p.chart(d, w, x0, y0+len(out))...)
	return append(out, p.roster(d, there, w, roster)...)
}

// stateLine draws the state, when the meeting was, and its counts.
func (p *Pane) stateLine(m app.Meeting, w int) string {
	s := p.Styles
	var parts []string
	state, since, lasted := s.Muted.Render(theme.Ended+" ended "), "  began ", ", lasted "
	switch m.Status {
	case app.Live:
		state, since, lasted = s.Live.Render(theme.Live+" LIVE "), "since ", ", for "
		parts = append(parts, fmt.Sprintf("%d here", m.Here))
	case app.Open:
		state, since, lasted = s.Accent.Render(theme.Open+" OPEN "), "since ", ", for "
	}
	when := since + p.Day(began(m))
	if l := inWords(m, p.Now()); l != "" {
		when += lasted + l
	}
	if m.Peak > 0 {
		parts = append(parts, fmt.Sprintf("peak %d", m.Peak))
	}
	if m.Status != app.Ended && m.Waiting > 0 {
		parts = append(parts, fmt.Sprintf("%s %d waiting", theme.Pending, m.Waiting))
	}
	return s.Clip(" "+state+s.Strong.Render(when)+"   "+s.Text.Render(strings.Join(parts, ", ")), w)
}

// about describes the meeting in a line.
func (p *Pane) about(m app.Meeting) string {
	parts := []string{words.Safe(m.Account)}
	if m.EndReason != "" {
		parts = append(parts, words.Safe(m.EndReason))
	}
	if m.RecordingError != "" {
		parts = append(parts, theme.Bad+" not recorded: "+words.Safe(m.RecordingError))
	}
	if d := p.detail; d != nil {
		if n := len(d.recordings); n > 0 {
			parts = append(parts, words.Plural(n, "recording", "recordings")+" ("+p.Key(pane.TabRecordings)+")")
		}
	}
	if m.Adopted {
		parts = append(parts, "adopted")
	}
	return strings.Join(append(parts, words.Safe(m.PlatformRoom)), " · ")
}

// presence is a person at a moment.
type presence struct {
	person timeline.Person
	visit  timeline.Visit
}

// there returns who is inside at a moment, then who waits, in the order of the chart.
func (d *detail) there(at time.Time) (out []presence) {
	var waiting []presence
	for _, person := range d.line.People {
		v, ok := person.At(at)
		switch {
		case !ok:
		case v.Waiting:
			waiting = append(waiting, presence{person, v})
		default:
			out = append(out, presence{person, v})
		}
	}
	return append(out, waiting...)
}

// roster draws who is there at the moment in h lines, with what happens then.
func (p *Pane) roster(d *detail, there []presence, w, h int) []string {
	s := p.Styles
	if h <= 0 {
		return nil
	}
	at := d.at.At(&d.line)
	var said []string
	for _, e := range d.line.EventsAt(at) {
		said = append(said, sentence(e))
	}
	// What happened is beside the heading, and continues below it if there is room.
	lines := s.Wrap(strings.Join(said, ", "), max(w-24, 8))
	if room := max(h-len(there)-1, 0); len(lines) > room+1 {
		lines = lines[:room+1]
		lines[room] += "…"
	}
	out := []string{}
	for i, l := range lines {
		lead := cell.Spaces(19)
		if i == 0 {
			lead = " " + s.Title.Render(s.Fit("Here at "+p.TimeOfDay(app.At(at)), 18))
		}
		out = append(out, s.Clip(lead+"  "+s.Accent.Render(l), w))
	}
	h -= len(out) - 1
	if h <= 1 {
		return out
	}
	if len(there) > 0 && len(there) < h {
		for _, x := range there {
			out = append(out, p.presenceLine(x, at, w))
		}
		return out
	}
	return append(out, p.names(there, w, h-1)...)
}

// presenceLine draws one person with the time of joining and the time inside.
func (p *Pane) presenceLine(x presence, at time.Time, w int) string {
	s := p.Styles
	mark, ink, text := p.mark(x)
	name := min(max(w-28, 12), 34)
	tail := ""
	if x.visit.Waiting {
		tail = "waiting"
	}
	return " " + mark + " " + pane.Columns(s.Ruler, pane.Column{Text: text, W: name, Ink: ink}, pane.Column{Text: p.TimeOfDay(app.At(x.visit.From)), W: 8, Ink: s.Muted},
		pane.Column{Text: words.Span(at.Sub(x.visit.From)), W: 8, Ink: s.Muted, Right: true}, pane.Column{Text: tail, W: w - name - 23, Ink: s.Warn})
}

// names draws the people one after the other in at most h lines.
func (p *Pane) names(there []presence, w, h int) (out []string) {
	s := p.Styles
	line := ""
	if len(there) == 0 {
		return []string{" " + s.Muted.Render("No one.")}
	}
	for i, x := range there {
		mark, ink, text := p.mark(x)
		item := ink.Render(s.Clip(text, max(w-6, 1)))
		if mark != " " {
			item = mark + " " + item
		}
		if line != "" && s.Width(line)+2+s.Width(item) > w-1 {
			out = append(out, line)
			line = ""
			if len(out) == h {
				out[h-1] = s.Spread(out[h-1], s.Faint.Render(fmt.Sprintf("+%d ", len(there)-i)), w)
				return out
			}
		}
		if line == "" {
			line = " " + item
		} else {
			line += "  " + item
		}
	}
	return append(out, line)
}

// mark returns the glyph, the ink and the name of a person.
func (p *Pane) mark(x presence) (glyph string, ink theme.Ink, name string) {
	s := p.Styles
	name = nameOf(x.person)
	switch {
	case x.person.Bot:
		return s.Word.Render(theme.Bot), s.Muted, name
	case x.visit.Waiting:
		return s.Warn.Render(theme.Pending), s.Warn, name
	case x.person.Owner:
		return s.Warn.Render(theme.Host), s.Text, name
	}
	return " ", s.Text, name
}

func nameOf(x timeline.Person) string {
	name := words.Safe(x.Name)
	switch {
	case name == "" && x.Bot:
		name = "bot"
	case name == "":
		name = "no name"
	}
	if role := words.Safe(x.Role); x.Bot && role != "" && role != name {
		name += " (" + role + ")"
	}
	return name
}

// sentence returns an event in words.
func sentence(e timeline.Event) string {
	who := words.Safe(e.Who)
	if who == "" {
		who = "a participant"
	}
	text := map[provider.EventKind]string{
		provider.KindParticipantJoined: who + " joined", provider.KindParticipantLeft: who + " left",
		provider.KindParticipantWaiting: who + " asked to be let in", provider.KindParticipantWaitingLeft: who + " stopped waiting",
		provider.KindRecordingStarted: "recording started", timeline.RecordingStopped: "recording stopped",
	}[e.Kind]
	if why := words.Safe(e.Reason); why != "" && why != "left" {
		text += " (" + why + ")"
	}
	return text
}

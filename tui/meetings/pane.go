// Package meetings is the Meetings tab: every meeting by day, also those of deleted rooms, and who was in the selected one
// when.
package meetings

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/timeline"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
)

// Pane is the tab.
type Pane struct {
	*pane.Screen

	// all are the meetings that were read, newest first. total is how many match the filter.
	all   []app.Meeting
	total int
	// rows are the meetings with the headings of their days.
	rows   []row
	list   grid.List
	filter pane.Filter
	// older asks for the page after the last meeting. ended reports that there is none.
	older, ended bool
	// fresh reports that the list belongs to an earlier filter, until the answer arrives.
	fresh bool

	detail *detail
	// want is the meeting whose detail was asked for.
	want string
	// inner reports that the detail has the focus.
	inner  bool
	people grid.List

	readPage, readDetail *pane.Slot
}

// detail is the selected meeting.
type detail struct {
	app.MeetingDetail
	recordings []app.Recording
	line       timeline.Timeline
	at         timeline.Rewind
	drawn      time.Time // for which line was computed
}

// New makes the tab.
func New(s *pane.Screen) *Pane {
	p := &Pane{Screen: s}
	p.filter.Hint = "words, person: room: account: is: date: since:   "
	p.filter.Apply = p.search
	p.readPage = pane.NewSlot(s, "the meetings", p.askPage, p.setPage)
	p.readDetail = pane.NewSlot(s, "the meeting", p.askDetail, p.setDetail)
	return p
}

// The actions that sentences of this tab refer to.
const (
	showAttendance pane.Name = "meeting.attendance"
	back           pane.Name = "moment.back"
	forward        pane.Name = "moment.forward"
)

// Actions implements [pane.Pane], as do the methods below.
func (p *Pane) Actions() []pane.Action {
	within := func() bool { return p.inner }
	move := func(d time.Duration) func() tea.Cmd {
		return p.rewind(func(d2 *detail) { d2.at.Move(&d2.line, d) })
	}
	return []pane.Action{
		{Name: showAttendance, Keys: "a", Word: "attendance", Long: "Show, copy or export the attendance " +
			"list", Footer: true, Aims: true, Why: p.whyNoMeeting, Do: p.attendance},
		{Name: back, Keys: "left", Word: "back", Long: "Go back by a minute", Footer: true, Shown: within, While: within, Do: move(-time.Minute)},
		{Name: forward, Keys: "right", Word: "forward", Long: "Go forward by a minute", Footer: true, Shown: within, While: within, Do: move(time.Minute)},
		{Name: "moment.back-ten", Keys: "shift+left H", Word: "back ten", Long: "Go back by ten minutes", While: within, Do: move(-10 * time.Minute)},
		{Name: "moment.forward-ten", Keys: "shift+right L", Word: "forward ten", Long: "Go forward by ten minutes", While: within, Do: move(10 * time.Minute)},
		{Name: "moment.first", Keys: "home", Word: "start", Long: "Go to the start of the meeting", While: within,
			Do: p.rewind(func(d *detail) { d.at.Go(&d.line, d.line.From) })},
		{Name: "moment.last", Keys: "end", Word: "end", Long: "Go to the end of the meeting, or to now", While: within,
			Do: p.rewind(func(d *detail) { d.at.Go(&d.line, d.line.To) })},
		{Name: "moment.next", Keys: "n", Word: "next event", Long: "Go to the next event", Footer: true, Shown: within, While: within,
			Do: p.rewind(func(d *detail) { d.at.Step(&d.line, 1) })},
		{Name: "moment.previous", Keys: "N", Word: "previous", Long: "Go to the previous event", Footer: true, Shown: within, While: within,
			Do: p.rewind(func(d *detail) { d.at.Step(&d.line, -1) })},
	}
}

// rewind returns an action that moves the moment.
func (p *Pane) rewind(f func(*detail)) func() tea.Cmd {
	return func() tea.Cmd {
		if p.detail != nil {
			f(p.detail)
		}
		return nil
	}
}

func (p *Pane) whyNoMeeting() string {
	if _, ok := p.chosen(); !ok {
		return "No meeting selected"
	}
	return ""
}

// Title implements [pane.Pane].
func (p *Pane) Title() string { return "Meetings" }

// Filter implements [pane.Pane].
func (p *Pane) Filter() *pane.Filter { return &p.filter }

// Enter implements [pane.Enterer]. Before the tab was opened nothing is read for it.
func (p *Pane) Enter() tea.Cmd {
	if !p.readPage.Asked() {
		return p.readPage.Want()
	}
	return p.readDetail.Want()
}

// Refresh implements [pane.Pane].
func (p *Pane) Refresh() tea.Cmd {
	if !p.readPage.Asked() && p.Current != pane.Pane(p) {
		return nil
	}
	p.older = false
	return tea.Batch(p.readPage.Want(), p.readDetail.Want())
}

// Target implements [pane.Pane].
func (p *Pane) Target() (id string, empty bool) {
	m, ok := p.chosen()
	return m.ID, !ok && p.readPage.Ready
}

// Pace implements [pane.Pane]: a visible meeting that lasts counts seconds.
func (p *Pane) Pace() time.Duration {
	live := func(m app.Meeting) bool { return m.Status == app.Live }
	from, to := p.list.Range()
	for _, r := range p.rows[min(from, len(p.rows)):min(to, len(p.rows))] {
		if r.meeting >= 0 && live(p.all[r.meeting]) {
			return time.Second
		}
	}
	if m, ok := p.chosen(); ok && live(m) {
		return time.Second
	}
	return 0
}

// Inner implements [pane.Split].
func (p *Pane) Inner() *bool {
	if _, ok := p.chosen(); ok {
		return &p.inner
	}
	return nil
}

// Move implements [pane.Pane].
func (p *Pane) Move(m pane.Motion) tea.Cmd {
	switch {
	case m == pane.In:
		_, p.inner = p.chosen()
	case m == pane.Out && p.inner:
		p.inner = false
	case m == pane.Out:
		if p.filter.Text == "" {
			return nil
		}
		p.filter.Clear()
		return p.search()
	case p.inner:
		m.Move(&p.people)
	default:
		return p.selecting(m.Move)
	}
	return nil
}

// Guide implements [pane.Pane].
func (p *Pane) Guide() string {
	if p.inner {
		return p.Key(back) + " and " + p.Key(forward) + " move through the meeting, " + p.Key(showAttendance) + " lists who attended."
	}
	return p.Key(pane.MoveIn) + " goes through a meeting minute by minute, " + p.Key(showAttendance) + " lists who attended."
}

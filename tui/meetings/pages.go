package meetings

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
)

const (
	// pageSize is how many meetings are read at once, most how many are listed. A filter finds those beyond.
	pageSize = 100
	most     = 10_000
	// most at once when the list is read again
	mostAgain = 1000
)

// page is the answer to a reading.
type page struct {
	meetings []app.Meeting
	older    bool
	// total is how many match, -1 if it was not counted.
	total int
	limit int
}

// askPage reads the newest meetings, or the page after the last one.
func (p *Pane) askPage() func(context.Context) (page, error) {
	if p.filter.Wrong != "" {
		return nil
	}
	q := app.MeetingQuery{ByTime: true, Filter: p.filter.Text, TimeZone: p.ZoneName, Limit: pageSize}
	older := p.older && len(p.all) > 0
	if older {
		q.Before = p.all[len(p.all)-1].ID
	} else {
		if q.Limit = min(max(len(p.all), pageSize), mostAgain); p.fresh {
			q.Limit = pageSize
		}
	}
	return func(ctx context.Context) (page, error) {
		list, err := p.Backend.Meetings(ctx, q)
		got := page{meetings: list, older: older, total: -1, limit: q.Limit}
		if err != nil || older {
			return got, err
		}
		if got.total = len(list); len(list) == q.Limit {
			all := q
			all.Before, all.Limit = "", 0
			n, err := p.Backend.Counts(ctx, app.CountQuery{Meetings: &all})
			got.total = max(got.total, n.Meetings)
			return got, err
		}
		return got, nil
	}
}

// setPage applies a reading.
func (p *Pane) setPage(got page) tea.Cmd {
	if got.older {
		p.all = append(p.all, got.meetings...)
	} else {
		p.all, p.total = slices.Clone(got.meetings), got.total
	}
	p.total = max(p.total, len(p.all))
	p.ended = len(got.meetings) < got.limit || len(p.all) >= most
	p.older, p.fresh = false, false
	return p.arrange()
}

// search applies the filter. A filter that can't be used leaves the list as it is.
func (p *Pane) search() tea.Cmd {
	p.filter.Wrong = ""
	if _, err := p.ReadFilter(&p.filter, filter.Rooms); err != nil {
		p.filter.Wrong = pane.WhyWrong(err)
		return nil
	}
	p.older, p.fresh = false, true
	return p.readPage.Read()
}

// Fill implements [pane.Filler]: it reads the next page when the view comes near its beginning.
func (p *Pane) Fill() tea.Cmd {
	if p.ended || p.readPage.Busy || !p.readPage.Ready || p.list.Top+3*p.list.Height < p.list.Len {
		return nil
	}
	p.older = true
	return p.readPage.Read()
}

// Changed implements [pane.Pane].
func (p *Pane) Changed(c pane.Changes) tea.Cmd {
	if !p.readPage.Asked() {
		return nil
	}
	var cmds []tea.Cmd
	again := false
	for id, m := range c.Meetings {
		i := slices.IndexFunc(p.all, func(had app.Meeting) bool { return had.ID == id })
		if i >= 0 {
			p.all[i] = m
		}
		// Only the backend knows whether people match.
		again = again || i < 0 || p.filter.Text != ""
		if p.want == id {
			cmds = append(cmds, p.readDetail.Want())
		}
	}
	for id, m := range c.Confirmed {
		if i := slices.IndexFunc(p.all, func(had app.Meeting) bool { return had.ID == id }); i >= 0 {
			p.all[i] = m
		}
	}
	if again && !c.Missed {
		p.older = false
		cmds = append(cmds, p.readPage.Want())
	}
	if len(c.Meetings) > 0 {
		cmds = append(cmds, p.arrange())
	}
	if p.detail != nil {
		for _, r := range c.News {
			if r.Meeting == p.detail.ID {
				cmds = append(cmds, p.readDetail.Want())
				break
			}
		}
	}
	return tea.Batch(cmds...)
}

// arrange makes the rows of the list, and keeps the cursor on its meeting.
func (p *Pane) arrange() tea.Cmd {
	was, had := p.chosen()
	p.rows = p.byDay()
	p.list.Resize(len(p.rows), p.list.Height)
	if i := slices.IndexFunc(p.rows, func(r row) bool { return r.meeting >= 0 && p.all[r.meeting].ID == was.ID }); had && i >= 0 {
		p.list.Move(i - p.list.Cursor)
	}
	return p.selecting(func(*grid.List) {})
}

// chosen returns the meeting under the cursor.
func (p *Pane) chosen() (app.Meeting, bool) {
	if p.list.Cursor >= len(p.rows) || p.rows[p.list.Cursor].meeting < 0 || p.rows[p.list.Cursor].meeting >= len(p.all) {
		return app.Meeting{}, false
	}
	return p.all[p.rows[p.list.Cursor].meeting], true
}

// selecting moves the cursor, and reads the meeting if another one is selected then.
func (p *Pane) selecting(f func(*grid.List)) tea.Cmd {
	p.list.Over(f, func(i int) bool { return i < len(p.rows) && p.rows[i].meeting < 0 })
	m, ok := p.chosen()
	if !ok {
		p.inner = false
	}
	cmds := []tea.Cmd{p.Fill()}
	if m.ID != p.want {
		p.want, p.detail, p.people = m.ID, nil, grid.List{}
		if ok && p.Current == pane.Pane(p) {
			cmds = append(cmds, p.readDetail.Read())
		}
	}
	return tea.Batch(cmds...)
}

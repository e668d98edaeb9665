package webhooks

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/tui/pane"
)

// pageSize is how many deliveries are read at once.
const pageSize = 200

// where is the place of a page.
type where int

const (
	newest where = iota
	older
	newer
	oldest
)

// load reads a page. An earlier one that is still awaited no longer counts, and its scan is cancelled.
func (p *Pane) load(w where) tea.Cmd {
	q := p.query
	q.Limit = pageSize
	before, after := p.feed.Want()
	switch w {
	case older:
		q.Before = before
	case newer:
		q.After = max(after, p.feed.Newest())
	case oldest:
		q.Forward = true
	}
	if p.cancel != nil {
		p.cancel()
	}
	ctx, cancel := context.WithCancel(p.Ctx)
	p.cancel = cancel
	p.page++
	p.busy, p.pending = true, false
	n, b := p.page, p.Backend
	return func() tea.Msg {
		defer cancel()
		// A page may be empty although more follows: the scan's budget was used up. The search continues until it finds
		// something, reaches the end, or is cancelled.
		for {
			page, err := b.Events(ctx, q)
			if err != nil || len(page.Events) > 0 || !page.More || page.Next == 0 {
				return pane.Call(func() tea.Cmd { return p.loaded(n, w, page, err) })
			}
			if q.After > 0 {
				q.After = page.Next
			} else {
				q.Before = page.Next
			}
		}
	}
}

// loaded applies page n, unless a later one was asked for.
func (p *Pane) loaded(n uint64, w where, page app.EventPage, err error) tea.Cmd {
	if n != p.page {
		return nil
	}
	known := p.err != nil
	p.busy, p.err = false, err
	if err != nil {
		p.pending = false
		if p.Ctx.Err() != nil || !p.Linked {
			return nil // everything is read again once there is a connection
		}
		again := p.After(pane.RetryGap, func() tea.Cmd {
			if n != p.page {
				return nil
			}
			return p.load(w)
		})
		if known || p.feed.Held() == 0 {
			return again // the list shows the error
		}
		return tea.Batch(again, p.Complain("read the webhooks", err))
	}
	p.ready = true
	before := p.seq()
	switch w {
	case newest:
		follow := p.feed.Follow
		p.feed.Reset(page.Events, page.More)
		p.feed.Follow = follow
		if !p.filtering() {
			p.sample = page.Events
		}
	case older:
		p.feed.Older(page.Events, page.More)
		if p.bottom {
			p.feed.Last()
		}
	case newer:
		p.feed.Newer(page.Events, page.More)
	case oldest:
		p.feed.ResetOldest(page.Events, page.More)
	}
	cmd := p.show(before)
	if p.pending {
		return tea.Batch(cmd, p.later())
	}
	return tea.Batch(cmd, p.Fill())
}

// Fill implements [pane.Filler]: it reads the page that the view needs next.
func (p *Pane) Fill() tea.Cmd {
	if p.busy || !p.ready {
		return nil
	}
	switch before, after := p.feed.Want(); {
	case before > 0:
		return p.load(older)
	case after > 0:
		return p.load(newer)
	}
	return nil
}

// filtering reports whether a filter restricts the list.
func (p *Pane) filtering() bool { return p.query.Filter != "" }

// later reads what is new under a filter after a short delay.
func (p *Pane) later() tea.Cmd {
	p.pending = true
	return p.After(250*time.Millisecond, func() tea.Cmd {
		switch {
		case !p.pending:
			return nil
		case p.busy:
			return p.later()
		}
		p.pending = false
		switch {
		case p.feed.Held() == 0:
			return p.load(newest)
		case !p.feed.AtNewest && !p.feed.Follow:
			return nil
		}
		return p.load(newer)
	})
}

// search applies the filter, beginning with the newest delivery. It does not change whether the newest is followed. A text
// that can't be read leaves the list as it is.
func (p *Pane) search() tea.Cmd {
	f, err := p.ReadFilter(&p.filter, filter.Events)
	if p.filter.Wrong = ""; err != nil {
		p.filter.Wrong = pane.WhyWrong(err)
		return nil
	}
	p.query.Filter = f.String()
	return p.load(newest)
}

// complete completes the filter's last word.
func (p *Pane) complete(text string) (string, []string) {
	return filter.Complete(text, filter.Events, func(f filter.Field) []string {
		var out []string
		for _, d := range p.sample {
			out = append(out, filter.Delivery{Delivery: &d}.Text(f))
		}
		slices.Sort(out)
		return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
	})
}

// Refresh implements [pane.Pane]. Further down the list keeps its place: the rows there are still true, only those above
// them are unknown.
func (p *Pane) Refresh() tea.Cmd {
	if p.ready && !p.feed.Follow && p.feed.Held() > 0 && !p.busy {
		p.feed.AtNewest = false
		return p.Fill()
	}
	return p.load(newest)
}

// Settled reports whether no page is awaited.
func (p *Pane) Settled() bool { return p.ready && !p.busy }

// Held is how many deliveries are in memory.
func (p *Pane) Held() int { return p.feed.Held() }

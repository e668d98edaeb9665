package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/grid"
)

// What the webhooks list fetches at once, and how many rows it holds.
const (
	pageSize = 200
	heldRows = 2000
)

// hooksTab is the list of deliveries and the chosen one.
type hooksTab struct {
	feed   *grid.Feed[app.Delivery]
	filter filter
	query  app.EventQuery
	// wrong says what is not understood of the filter.
	wrong error

	n       uint64 // number of the page that is awaited
	busy    bool
	cancel  context.CancelFunc
	err     error
	ready   bool
	pending bool // something arrived that only a query can place
	bottom  bool // the oldest row is wanted, wherever it turns out to be

	doc   *document
	inner bool
	body  grid.List
	hex   bool
	cache rendered
}

func (h *hooksTab) init() {
	h.feed = grid.NewFeed(heldRows, func(d app.Delivery) uint64 { return d.Seq })
}

// redraw forgets what was laid out for other styles.
func (h *hooksTab) redraw() { h.cache = rendered{} }

// where says which page is meant.
type where int

const (
	pageNewest where = iota
	pageOlder
	pageNewer
	pageOldest
)

// page is a page of deliveries, or why there is none.
type page struct {
	n     uint64
	where where
	page  app.EventPage
	err   error
}

// pageAgain asks for a page that could not be read, unless another one was asked for since.
type pageAgain struct {
	n     uint64
	where where
}

// load fetches a page. What was awaited before no longer counts, and its scan is cancelled.
func (h *hooksTab) load(m *Model, w where) tea.Cmd {
	q := h.query
	q.Limit = pageSize
	before, after := h.feed.Want()
	switch w {
	case pageOlder:
		q.Before = before
	case pageNewer:
		q.After = max(after, h.feed.Newest())
	case pageOldest:
		q.Forward = true
	}
	if h.cancel != nil {
		h.cancel()
	}
	ctx, cancel := context.WithCancel(m.ctx)
	h.cancel = cancel
	h.n++
	h.busy, h.pending = true, false
	n, b := h.n, m.backend
	return func() tea.Msg {
		defer cancel()
		// A page may come back empty with more behind it: the scan's budget ran out. The search goes on until it finds
		// something, comes to the end, or is no longer wanted.
		for {
			p, err := b.Events(ctx, q)
			if err != nil || len(p.Events) > 0 || !p.More || p.Next == 0 {
				return page{n: n, where: w, page: p, err: err}
			}
			if q.After > 0 {
				q.After = p.Next
			} else {
				q.Before = p.Next
			}
		}
	}
}

// paged takes a page over.
func (h *hooksTab) paged(m *Model, p page) tea.Cmd {
	if p.n != h.n {
		return nil
	}
	known := h.err != nil
	h.busy, h.err = false, p.err
	if p.err != nil {
		h.pending = false
		if m.ctx.Err() != nil || !m.linked {
			return nil // everything is read anew once there is a connection
		}
		again := m.after(retryGap, pageAgain{n: h.n, where: p.where})
		if known || h.feed.Held() == 0 {
			return again // it is said in the list's place
		}
		return tea.Batch(again, m.complain("read the webhooks", p.err))
	}
	h.ready = true
	before := h.seq()
	switch p.where {
	case pageNewest:
		follow := h.feed.Follow
		h.feed.Reset(p.page.Events, p.page.More)
		h.feed.Follow = follow
	case pageOlder:
		h.feed.Older(p.page.Events, p.page.More)
		if h.bottom {
			h.feed.Last()
		}
	case pageNewer:
		h.feed.Newer(p.page.Events, p.page.More)
	case pageOldest:
		h.feed.ResetOldest(p.page.Events, p.page.More)
	}
	cmd := h.chosen(m, before)
	if h.pending {
		return tea.Batch(cmd, h.later(m))
	}
	return tea.Batch(cmd, h.fill(m))
}

// fill fetches the page that the view will need next.
func (h *hooksTab) fill(m *Model) tea.Cmd {
	if h.busy || !h.ready {
		return nil
	}
	switch before, after := h.feed.Want(); {
	case before > 0:
		return h.load(m, pageOlder)
	case after > 0:
		return h.load(m, pageNewer)
	}
	return nil
}

func (m *Model) fillWindow() tea.Cmd {
	if m.tab != tabWebhooks {
		return nil
	}
	return m.hooks.fill(m)
}

// filtering says whether a filter decides what is shown.
func (h *hooksTab) filtering() bool {
	q := h.query
	return q.Account != "" || len(q.Kinds) > 0 || q.Verdict != "" || q.Meeting != "" || q.Grep != ""
}

// arrived takes new deliveries. Under a filter only the backend knows which of them match.
func (h *hooksTab) arrived(m *Model, rows []app.Delivery, total int) tea.Cmd {
	if !h.ready {
		return nil
	}
	if h.filtering() {
		if h.pending || h.busy {
			h.pending = true
			return nil
		}
		return h.later(m)
	}
	before := h.seq()
	h.feed.Arrived(rows, total)
	return tea.Batch(h.chosen(m, before), h.fill(m))
}

// searchSoon asks for what is new under a filter, a little later.
type searchSoon struct{}

func (h *hooksTab) later(m *Model) tea.Cmd {
	h.pending = true
	return m.after(250*time.Millisecond, searchSoon{})
}

func (h *hooksTab) soon(m *Model) tea.Cmd {
	if !h.pending {
		return nil
	}
	if h.busy {
		return h.later(m)
	}
	h.pending = false
	if h.feed.Held() == 0 {
		return h.load(m, pageNewest)
	}
	if !h.feed.AtNewest && !h.feed.Follow {
		return nil
	}
	return h.load(m, pageNewer)
}

// search applies the filter, from the newest on. Whether what arrives is followed stays as it was.
func (h *hooksTab) search(m *Model) tea.Cmd {
	h.query, h.wrong = parseFilter(h.filter.text)
	return h.load(m, pageNewest)
}

// again reads anew after something may have been missed. Who reads further down keeps their place: what is held stays
// true, only what lies above it is unknown.
func (h *hooksTab) again(m *Model) tea.Cmd {
	if h.ready && !h.feed.Follow && h.feed.Held() > 0 && !h.busy {
		h.feed.AtNewest = false
		return h.fill(m)
	}
	return h.load(m, pageNewest)
}

func (h *hooksTab) seq() uint64 {
	d, _ := h.feed.Chosen()
	return d.Seq
}

// chosen reads the delivery under the cursor when it is another one than before.
func (h *hooksTab) chosen(m *Model, before uint64) tea.Cmd {
	if h.seq() == before && h.doc != nil {
		return nil
	}
	if h.seq() != before {
		h.body = grid.List{Height: h.body.Height}
	}
	if m.tab != tabWebhooks {
		h.doc = nil
		return nil
	}
	return m.want(slotDelivery)
}

// settle reads the chosen delivery if it isn't there, when the tab is entered.
func (h *hooksTab) settle(m *Model) tea.Cmd {
	if h.doc == nil || h.doc.seq != h.seq() {
		return m.want(slotDelivery)
	}
	return nil
}

func (h *hooksTab) move(m *Model, a Action, by func(*grid.List)) tea.Cmd {
	h.bottom = false
	switch {
	case a == actIn:
		h.inner = h.feed.Held() > 0
		h.feed.Follow = h.feed.Follow && !h.inner
		m.arrange()
		return nil
	case a == actOut && h.inner:
		h.inner = false
		m.arrange()
		return nil
	case a == actOut:
		if h.filter.text == "" {
			return nil
		}
		h.filter = filter{}
		return h.search(m)
	case h.inner:
		switch a {
		case actUp:
			h.body.Scroll(-1)
		case actDown:
			h.body.Scroll(1)
		case actHalfUp:
			h.body.Scroll(-max(h.body.Height/2, 1))
		case actHalfDown:
			h.body.Scroll(max(h.body.Height/2, 1))
		case actTop:
			h.body.Scroll(-h.body.Len)
		case actBottom:
			h.body.Scroll(h.body.Len)
		}
		return nil
	case a == actTop:
		h.feed.Follow = true
		h.feed.Unseen = 0
		if !h.feed.AtNewest {
			return h.load(m, pageNewest)
		}
	case a == actBottom && !h.feed.AtOldest:
		h.bottom = true
		return h.load(m, pageOldest)
	default:
		h.feed.Follow = false
	}
	before := h.seq()
	by(&h.feed.List)
	if h.feed.Cursor == 0 && h.feed.AtNewest {
		h.feed.Unseen = 0
	}
	return tea.Batch(h.chosen(m, before), h.fill(m))
}

// copiedCurl is a command and the file of its body, if it has one.
type copiedCurl struct{ text, body string }

func (h *hooksTab) act(m *Model, a Action) tea.Cmd {
	switch a {
	case actFollow:
		h.feed.Follow = !h.feed.Follow
		if !h.feed.Follow {
			return m.say("Following no longer", "New deliveries are counted; "+m.keys.name(actFollow)+" follows again.")
		}
		h.inner = false
		h.feed.Unseen = 0
		if !h.feed.AtNewest {
			return h.load(m, pageNewest)
		}
		before := h.seq()
		h.feed.First()
		return h.chosen(m, before)
	case actHex:
		h.hex = !h.hex
		h.body = grid.List{Height: h.body.Height}
		return m.read(slotDelivery)
	case actCurl:
		row, _ := h.feed.Chosen()
		base, b := m.status.status.Listener.URL, m.backend
		return try(m, "copy the delivery", nil, func(ctx context.Context) (copiedCurl, error) {
			d, err := b.Event(ctx, app.EventRef{Seq: row.Seq})
			if err != nil {
				return copiedCurl{}, err
			}
			text, path, err := curlWithFile(d, base)
			return copiedCurl{text, path}, err
		}, func(c copiedCurl) tea.Cmd {
			what := "Delivery " + itoa(int(row.Seq)) + " as curl"
			if c.body != "" {
				what += " (its body is in " + c.body + ")"
			}
			return m.copyText(what, c.text, "")
		})
	}
	return nil
}

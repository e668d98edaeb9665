// Package webhooks is the Webhooks tab: the deliveries as they arrived, and the selected one in full.
package webhooks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
)

// Pane is the tab.
type Pane struct {
	*pane.Screen

	feed   *grid.Feed[app.Delivery]
	filter pane.Filter
	query  app.EventQuery
	sample []app.Delivery // the newest ones without a filter, whose values complete it
	marked uint64         // the delivery to compare with
	target string         // the URL that was replayed to last

	page uint64 // number of the page that counts
	// busy reports that a page is awaited, ready that one has arrived, err why the last one failed.
	busy, ready bool
	err         error
	cancel      context.CancelFunc
	pending     bool // there are new deliveries, and only a query can tell which match
	bottom      bool // the oldest row is wanted

	doc   *document
	inner bool // the document has the focus
	body  grid.List
	hex   bool
	fold  int // depth from which JSON is folded, 0 for none
	laid  *layout

	readDelivery *pane.Slot
}

// heldRows is how many deliveries the list holds.
const heldRows = 2000

// New makes the tab.
func New(s *pane.Screen) *Pane {
	p := &Pane{Screen: s, feed: grid.NewFeed(heldRows, func(d app.Delivery) uint64 { return d.Seq })}
	p.filter.Hint = "kind: room: body.PATH: or any text   tab   "
	p.filter.Apply, p.filter.Complete = p.search, p.complete
	p.readDelivery = pane.NewSlot(s, "the event", p.askDelivery, func(d *document) tea.Cmd {
		p.doc = d
		return nil
	})
	return p
}

// follow is the action that sentences of this tab refer to.
const follow pane.Name = "webhook.follow"

// Actions implements [pane.Pane], as do the methods below.
func (p *Pane) Actions() []pane.Action {
	selected := func() string {
		if _, ok := p.feed.Chosen(); !ok {
			return "No event selected"
		}
		return ""
	}
	return []pane.Action{
		{Name: follow, Keys: "f", Word: "follow", Long: "Follow the newest event", Footer: true, Do: p.follow},
		{Name: "webhook.replay", Keys: "r", Word: "replay", Long: "Send the event again, to a URL or to Greenroom " +
			"itself", Footer: true, Aims: true, Why: selected, Do: p.replay},
		{Name: "webhook.edit", Keys: "e", Word: "edit and replay", Long: "Edit the event in $EDITOR, then send " +
			"it", Aims: true, Why: selected, Do: p.edit},
		{Name: "webhook.mark", Keys: "m", Word: "mark", Long: "Mark the event, to compare another with it", Aims: true, Why: selected, Do: p.mark},
		{Name: "webhook.diff", Keys: "d", Word: "diff", Long: "Compare the event with the marked " +
			"one", Footer: true, Shown: func() bool { return p.marked != 0 }, Aims: true, Why: p.whyNoDiff, Do: p.diff},
		{Name: "webhook.export", Keys: "x", Word: "export", Long: "Export events to a file", Footer: true, Aims: true, Why: selected, Do: p.export},
		{Name: "webhook.chain", Keys: "w", Word: "receipt", Long: "Show when the event arrived and where it was " +
			"forwarded", Footer: true, Aims: true, Why: selected, Do: p.chain},
		{Name: "webhook.values", Keys: "v", Word: "values", Long: "Search the values in the body, and copy one or its path", Footer: true, Aims: true, Why: selected, Do: p.values},
		{Name: "webhook.fold", Keys: "z", Word: "fold", Long: "Fold the JSON to its first or second level, or unfold it", Why: selected, Do: p.refold},
		{Name: "webhook.curl", Keys: "y", Word: "copy as curl", Long: "Copy the event as a curl " +
			"command", Footer: true, Aims: true, Why: selected, Do: p.copyCurl},
		{Name: "webhook.hex", Keys: "b", Word: "hex", Long: "Show the body as bytes, or as text", Footer: true, Why: selected, Do: p.toggleHex},
		{Name: "webhook.forwards", Keys: "F", Word: "forwards", Long: "Show the forwards with their queues and last answers", Do: p.forwards},
	}
}

// Title implements [pane.Pane].
func (p *Pane) Title() string { return "Webhooks" }

// Filter implements [pane.Pane].
func (p *Pane) Filter() *pane.Filter { return &p.filter }

// Target implements [pane.Pane]. The newest delivery is no target while it is followed: the user means whichever it is.
func (p *Pane) Target() (id string, empty bool) {
	if p.feed.Follow || p.seq() == 0 {
		return "", false
	}
	return strconv.FormatUint(p.seq(), 10), false
}

// Pace implements [pane.Pane].
func (p *Pane) Pace() time.Duration { return 0 }

// Guide implements [pane.Pane].
func (p *Pane) Guide() string {
	return "each line is a signed request that arrived. " + p.Key(pane.MoveIn) + " reads it, " + p.Key(pane.TabRooms) + " goes back."
}

// Inner implements [pane.Split].
func (p *Pane) Inner() *bool {
	if p.feed.Held() == 0 {
		return nil
	}
	return &p.inner
}

// Enter implements [pane.Enterer].
func (p *Pane) Enter() tea.Cmd {
	p.ReadWebhooks = true
	if p.doc == nil || p.doc.seq != p.seq() {
		return tea.Batch(p.readDelivery.Want(), p.Fill())
	}
	return p.Fill()
}

// Changed implements [pane.Pane]. Under a filter only the backend knows which of the deliveries match.
func (p *Pane) Changed(c pane.Changes) tea.Cmd {
	switch {
	case c.Total == 0 || c.Missed || !p.ready:
		return nil
	case p.filtering() && (p.pending || p.busy):
		p.pending = true
		return nil
	case p.filtering():
		return p.later()
	}
	return p.selecting(func() { p.feed.Arrived(c.Deliveries, c.Total) })
}

// Move implements [pane.Pane].
func (p *Pane) Move(m pane.Motion) tea.Cmd {
	p.bottom = false
	switch {
	case m == pane.In:
		p.inner = p.feed.Held() > 0
		p.feed.Follow = p.feed.Follow && !p.inner
		return nil
	case m == pane.Out && p.inner:
		p.inner = false
		return nil
	case m == pane.Out && p.filter.Text == "":
		return nil
	case m == pane.Out:
		p.filter.Clear()
		return p.search()
	case p.inner:
		m.Scroll(&p.body)
		return nil
	case m == pane.Top:
		p.feed.Follow = true
		p.feed.Unseen = 0
		if !p.feed.AtNewest {
			return p.load(newest)
		}
	case m == pane.Bottom && !p.feed.AtOldest:
		p.bottom = true
		return p.load(oldest)
	default:
		p.feed.Follow = false
	}
	return p.selecting(func() {
		m.Move(&p.feed.List)
		if p.feed.Cursor == 0 && p.feed.AtNewest {
			p.feed.Unseen = 0
		}
	})
}

// pick selects a row of the list.
func (p *Pane) pick(i int) tea.Cmd {
	return p.selecting(func() {
		p.inner, p.feed.Follow = false, false
		p.feed.Cursor = i
	})
}

// seq is the number of the selected delivery, 0 if there is none.
func (p *Pane) seq() uint64 {
	d, _ := p.feed.Chosen()
	return d.Seq
}

// selecting runs f, and reads the delivery if another one is selected then, and the pages that the view needs.
func (p *Pane) selecting(f func()) tea.Cmd {
	before := p.seq()
	f()
	return tea.Batch(p.show(before), p.Fill())
}

// show reads the selected delivery if it is not the one before.
func (p *Pane) show(before uint64) tea.Cmd {
	if p.seq() == before && p.doc != nil {
		return nil
	}
	if p.seq() != before {
		p.body = grid.List{Height: p.body.Height}
	}
	if p.Current != pane.Pane(p) {
		p.doc = nil
		return nil
	}
	return p.readDelivery.Want()
}

func (p *Pane) askDelivery() func(context.Context) (*document, error) {
	row, ok := p.feed.Chosen()
	if !ok {
		return nil
	}
	hex, fold := p.hex, p.fold
	return func(ctx context.Context) (*document, error) {
		d, err := p.Backend.Event(ctx, app.EventRef{Seq: row.Seq})
		if err != nil {
			return nil, err
		}
		return newDocument(d, hex, fold), nil
	}
}

// follow follows the newest delivery, or stops following.
func (p *Pane) follow() tea.Cmd {
	p.feed.Follow = !p.feed.Follow
	if !p.feed.Follow {
		return p.Say("Stopped following", "New events are counted; "+p.Key(follow)+" follows again.")
	}
	p.inner = false
	p.feed.Unseen = 0
	if !p.feed.AtNewest {
		return p.load(newest)
	}
	before := p.seq()
	p.feed.First()
	return p.show(before)
}

// toggleHex shows the body as bytes, or as text again.
func (p *Pane) toggleHex() tea.Cmd {
	p.hex = !p.hex
	p.body = grid.List{Height: p.body.Height}
	return p.readDelivery.Read()
}

// copyCurl copies the delivery as a command. What can't be pasted is in temporary files, which only their owner can read.
func (p *Pane) copyCurl() tea.Cmd {
	type command struct {
		text  string
		files []string
	}
	seq, base := p.seq(), p.Status.Listener.URL
	if base == "" {
		base = "http://127.0.0.1:7070"
	}
	return pane.Try(p.Screen, "copy the event", nil, func(ctx context.Context) (c command, err error) {
		d, err := p.Backend.Event(ctx, app.EventRef{Seq: seq})
		if err != nil {
			return c, err
		}
		c.text, err = export.Curl(d, base, func(name string, content []byte) (string, error) {
			path, err := saveTemporary(name, content)
			c.files = append(c.files, path)
			return path, err
		})
		return c, err
	}, func(c command) tea.Cmd {
		what := "Delivery " + strconv.FormatUint(seq, 10) + " as curl"
		if len(c.files) > 0 {
			what += " (with " + strings.Join(c.files, " and ") + ")"
		}
		return p.CopyText(pane.Copied{What: what}, c.text)
	})
}

// saveTemporary writes a file that only its owner can read.
func saveTemporary(name string, content []byte) (string, error) {
	f, err := os.CreateTemp("", strings.TrimSuffix(name, filepath.Ext(name))+"-*"+filepath.Ext(name))
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

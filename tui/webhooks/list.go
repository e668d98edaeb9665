package webhooks

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
	"greenroom/tui/cell"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// Body implements [pane.Pane]: the list beside the selected delivery, or above it.
func (p *Pane) Body(y, h int) []string {
	if p.W >= pane.Wide {
		lw, h := max(p.W*54/100, 56), h-2
		return p.Styles.Frame([]cell.Section{p.listSection(y+1, lw, h), p.deliverySection(lw, y+1, p.W-lw, h)})
	}
	inner := h - 3
	list := max(inner*2/5, 3)
	if p.inner {
		list = min(3, list)
	}
	return p.Styles.Frame([]cell.Section{p.listSection(y+1, p.W, list)}, []cell.Section{p.deliverySection(0, y+2+list, p.W, inner-list)})
}

func (p *Pane) listSection(y, w, h int) cell.Section {
	title, note := "Webhooks", ""
	switch {
	case p.filter.Wrong != "":
		note = pane.NotApplied
	case p.feed.Follow:
		note = "following"
	case p.feed.Unseen > 0:
		note = words.Plural(p.feed.Unseen, "new above", "new above")
	}
	note = pane.Notes(note, p.more())
	if p.busy && p.ready && p.filtering() && p.feed.Held() == 0 {
		note = "searching…"
	}
	if p.filter.Text != "" && !p.filter.Typing {
		title += " / " + words.Safe(p.filter.Text)
	}
	var wrong []string
	if p.feed.Held() > 0 {
		wrong = p.WrongLines(&p.filter, w-2, h)
	}
	lines := append(p.listLines(w-2, h-len(wrong)), wrong...)
	p.ListZone(1, y, w-2, h-len(wrong), &p.feed.List, p.pick, p.Fill)
	return p.Section(title, note, lines, w, h, !p.inner)
}

func (p *Pane) deliverySection(x, y, w, h int) cell.Section {
	name := "Delivery"
	if d, ok := p.feed.Chosen(); ok {
		name = kindWord(d)
	}
	p.AddZone(x, y, w, h, func(int, int) tea.Cmd { return p.Act(pane.MoveIn) }, func(rows int) tea.Cmd { p.body.Scroll(rows); return nil })
	lines := p.detailLines(w-2, h)
	return p.Section(name, p.scrolled(), lines, w, h, p.inner)
}

// more marks rows above and below. Of rows that are not held only their existence is known.
func (p *Pane) more() string {
	from, to := p.feed.Range()
	above, below := "", ""
	if from > 0 || !p.feed.AtNewest && p.feed.Held() > 0 {
		above = "↑"
	}
	if to < p.feed.Held() || !p.feed.AtOldest && p.feed.Held() > 0 {
		below = "↓"
	}
	return strings.TrimSpace(above + " " + below)
}

// scrolled returns how far a long delivery is scrolled.
func (p *Pane) scrolled() string {
	if _, to := p.body.Range(); p.doc != nil && p.body.Len > p.body.Height {
		return fmt.Sprintf("%d of %d lines", to, p.body.Len)
	}
	return ""
}

// sign returns the word of a verdict with its glyph, and its ink.
func (p *Pane) sign(v provider.Verdict) (string, theme.Ink) {
	switch v {
	case provider.Verified:
		return theme.Good + " verified", p.Styles.Good
	case provider.Rejected:
		return theme.Bad + " rejected", p.Styles.Bad
	}
	return theme.Doubtful + " unverified", p.Styles.Warn
}

// listLines draws the visible deliveries, or why there are none.
func (p *Pane) listLines(w, height int) []string {
	s := p.Styles
	p.feed.Size(height)
	if p.feed.Held() == 0 {
		return p.emptyLines(w)
	}
	// Columns that do not fit are left out, the least important first.
	longest, acct1, accounts := 10, "", false
	first, last := p.feed.Range()
	for i := first; i < last; i++ {
		d := p.feed.Row(i)
		longest = max(longest, s.Width(kindWord(d)))
		if i == first {
			acct1 = d.Account
		}
		accounts = accounts || d.Account != acct1
	}
	kind, code, note := min(longest, max(w-32, 10), 24), 3, 3
	if w < 46 {
		kind, code, note = max(w-24, 4), 0, 0
	}
	left := w - 1 - 9 - 13 - 4 - 4 - kind - 1
	room, acct, size := 0, 0, 0
	if left >= 10 {
		room = 9
		left -= 10
	}
	if left >= 8 && accounts {
		acct = 7
		left -= 8
	}
	if left >= 8 {
		size = 7
		left -= 8
	}
	if room > 0 {
		more := min(left, 11)
		room, left = room+more, left-more
	}
	if acct > 0 {
		acct += min(left, 7)
	}
	from, to := p.feed.Range()
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		d := p.feed.Row(i)
		word, ink := p.sign(d.Verdict)
		dup := ""
		switch {
		case d.DuplicateOf != 0:
			dup = "dup"
		case d.Unapplied != "":
			dup = "n/a"
		case d.ReplayOf != 0:
			dup = "rep"
		case d.Imported:
			dup = "imp"
		}
		if d.Seq == p.marked {
			dup = "mrk"
		}
		line := p.Marker(i == p.feed.Cursor) + pane.Columns(s.Ruler,
			pane.Column{Text: p.TimeOfDay(d.At), W: 8, Ink: s.Muted},
			pane.Column{Text: word, W: 12, Ink: ink},
			pane.Column{Text: strconv.Itoa(d.Status), W: code, Ink: p.statusInk(d.Status)},
			pane.Column{Text: kindWord(d), W: kind, Ink: s.Text},
			pane.Column{Text: words.Safe(d.Room), W: room, Ink: s.Muted},
			pane.Column{Text: words.Safe(d.Account), W: acct, Ink: s.Muted},
			pane.Column{Text: words.Bytes(d.Size), W: size, Ink: s.Faint, Right: true},
			pane.Column{Text: dup, W: note, Ink: s.Warn})
		if i == p.feed.Cursor {
			line = p.Selected(line, w, !p.inner)
		}
		out = append(out, line)
	}
	return out
}

// kindWord returns the common kind, or the platform's own word if there is none.
func kindWord(d app.Delivery) string {
	if (d.Kind == provider.KindUnknown || d.Kind == "") && d.Type != "" {
		return words.Safe(d.Type)
	}
	return words.Safe(string(d.Kind))
}

// statusInk returns the ink of an HTTP status.
func (p *Pane) statusInk(code int) theme.Ink {
	switch {
	case code >= 500:
		return p.Styles.Bad
	case code >= 400:
		return p.Styles.Warn
	}
	return p.Styles.Muted
}

// emptyLines explains why there are no deliveries.
func (p *Pane) emptyLines(w int) []string {
	s := p.Styles
	if p.err == nil && p.ready && p.busy && p.filtering() {
		return s.Para(s.Muted, "searching…", w)
	}
	of := filter.Events
	if why, ok := p.Empty("webhook", p.err, p.ready, &p.filter, &of, w); ok {
		return why
	}
	out := []string{"", " " + s.Strong.Render("No webhook has arrived yet.")}
	text := "Each one will be listed here exactly as it arrived, with the verdict on its signature."
	if l := p.Status.Listener.URL; l != "" {
		text += " The listener is at " + words.Safe(l) + "; " + p.Key(pane.TabStatus) + " shows the URLs for the platforms."
	} else {
		text += " Nothing is listening at the moment: " + p.Key(pane.TabStatus) + " shows why."
	}
	return append(out, s.Para(s.Muted, text, w)...)
}

package tui

import (
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/theme"
)

// verdictSign gives a verdict's glyph with its word, and its ink.
func (m *Model) verdictSign(v provider.Verdict) (string, theme.Ink) {
	switch v {
	case provider.Verified:
		return theme.Good + " verified", m.st.Good
	case provider.Rejected:
		return theme.Bad + " rejected", m.st.Bad
	}
	return theme.Doubtful + " unverified", m.st.Warn
}

// listLines draws the visible deliveries.
func (h *hooksTab) listLines(m *Model, w, height int) []string {
	s := m.st
	h.feed.Size(height)
	if h.feed.Held() == 0 {
		return h.emptyLines(m, w)
	}
	// What the width has room for, in the order in which it is missed.
	longest, acct1, accounts := 10, "", false
	first, last := h.feed.Range()
	for i := first; i < last; i++ {
		d := h.feed.Row(i)
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
	from, to := h.feed.Range()
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		d := h.feed.Row(i)
		word, ink := m.verdictSign(d.Verdict)
		mark := " "
		if i == h.feed.Cursor {
			mark = s.Marker.Render(theme.Marker)
		}
		dup := ""
		switch {
		case d.DuplicateOf != 0:
			dup = "dup"
		case d.Unapplied != "":
			dup = "n/a"
		}
		line := mark + columns(s.Ruler,
			column{text: m.hhmmss(d.At), w: 8, ink: s.Muted},
			column{text: word, w: 12, ink: ink},
			column{text: itoa(d.Status), w: code, ink: m.statusInk(d.Status)},
			column{text: kindWord(d), w: kind, ink: s.Text},
			column{text: safe(d.Room), w: room, ink: s.Muted},
			column{text: safe(d.Account), w: acct, ink: s.Muted},
			column{text: bytes(d.Size), w: size, ink: s.Faint, right: true},
			column{text: dup, w: note, ink: s.Warn})
		if i == h.feed.Cursor {
			line = m.under(line, w, !h.inner)
		}
		out = append(out, line)
	}
	return out
}

// kindWord is the common kind, or the platform's own word for what has none.
func kindWord(d app.Delivery) string {
	if (d.Kind == provider.KindUnknown || d.Kind == "") && d.Type != "" {
		return safe(d.Type)
	}
	return safe(string(d.Kind))
}

func (m *Model) statusInk(code int) theme.Ink {
	switch {
	case code >= 500:
		return m.st.Bad
	case code >= 400:
		return m.st.Warn
	}
	return m.st.Muted
}

func (h *hooksTab) emptyLines(m *Model, w int) []string {
	s := m.st
	switch {
	case h.err != nil:
		return m.trouble("The webhooks can't be read", h.err, w)
	case !h.ready:
		return []string{" " + s.Muted.Render("reading…")}
	case h.busy && h.filtering():
		return []string{" " + s.Muted.Render("searching…")}
	case h.filtering():
		return []string{" " + s.Muted.Render(s.Clip("No delivery matches. esc clears the filter.", w-2))}
	}
	out := []string{"", " " + s.Strong.Render("No webhook has arrived yet.")}
	p := "Each one will be listed here exactly as it came, with the verdict on its signature."
	if l := m.status.status.Listener.URL; l != "" {
		p += " The listener waits on " + safe(l) + "; " + m.keys.name(actStatus) + " shows the URLs for the platforms."
	} else {
		p += " Nothing listens at the moment: " + m.keys.name(actStatus) + " says why."
	}
	for _, line := range s.Wrap(p, w-2) {
		out = append(out, " "+s.Muted.Render(line))
	}
	return out
}

// rendered is a document laid out for a width.
type rendered struct {
	doc   *document
	w     int
	lines []string
}

// detailLines draws the visible part of the chosen delivery.
func (h *hooksTab) detailLines(m *Model, w, height int) []string {
	s := m.st
	row, ok := h.feed.Chosen()
	if !ok {
		return nil
	}
	head := h.summary(m, row, w)
	if h.doc == nil || h.doc.seq != row.Seq {
		h.body.Resize(len(head), height)
		if l := &m.loads[slotDelivery]; l.err != nil && !l.busy {
			return append(head, m.trouble("It can't be read", l.err, w)...)
		}
		return head
	}
	if h.cache.doc != h.doc || h.cache.w != w {
		h.cache = rendered{doc: h.doc, w: w, lines: h.doc.layout(s, w)}
	}
	h.body.Resize(len(head)+len(h.cache.lines), height)
	from, to := h.body.Range()
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		if i < len(head) {
			out = append(out, head[i])
		} else {
			out = append(out, h.cache.lines[i-len(head)])
		}
	}
	return out
}

// summary is what is said of a delivery above its headers.
func (h *hooksTab) summary(m *Model, d app.Delivery, w int) []string {
	s := m.st
	word, ink := m.verdictSign(d.Verdict)
	out := []string{s.Spread(" "+ink.Render(word)+s.Muted.Render("  answered ")+m.statusInk(d.Status).Render(itoa(d.Status)),
		s.Faint.Render(m.hhmmss(d.At)+"  #"+fmt.Sprint(d.Seq))+" ", w)}
	say := func(ink theme.Ink, text string) {
		for _, line := range s.Wrap(safe(text), w-2) {
			out = append(out, " "+ink.Render(line))
		}
	}
	if d.Reason != "" {
		say(ink, d.Reason)
	}
	what := string(d.Kind)
	if d.Type != "" && d.Type != what {
		what += ", which " + d.Account + " calls " + d.Type
	}
	say(s.Text, what)
	about := d.Room
	if d.Participant != "" {
		if about != "" {
			about += " · "
		}
		about += d.Participant
	}
	if about != "" {
		say(s.Muted, about)
	}
	if d.DuplicateOf != 0 {
		say(s.Warn, fmt.Sprintf("dup: repeats #%d and changed nothing", d.DuplicateOf))
	}
	if d.Unapplied != "" {
		say(s.Warn, "n/a: had no effect, "+d.Unapplied)
	}
	say(s.Faint, d.Method+" "+d.Target)
	return append(out, "")
}

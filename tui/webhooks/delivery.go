package webhooks

import (
	"fmt"
	"strconv"

	"greenroom/internal/app"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// detailLines draws the visible part of the selected delivery.
func (p *Pane) detailLines(w, height int) []string {
	s := p.Styles
	row, ok := p.feed.Chosen()
	if !ok {
		return nil
	}
	head := p.summary(row, w)
	if p.doc == nil || p.doc.seq != row.Seq {
		p.body.Resize(len(head), height)
		if l := p.readDelivery; l.Err != nil && !l.Busy {
			return append(head, p.Trouble("The event can't be read", l.Err, w)...)
		}
		return head
	}
	if p.laid == nil || p.laid.doc != p.doc || p.laid.styles != s || p.laid.w != w {
		p.laid = newLayout(p.doc, s, w)
	}
	p.body.Resize(len(head)+p.laid.height(), height)
	from, to := p.body.Range()
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		if i < len(head) {
			out = append(out, head[i])
		} else {
			out = append(out, p.laid.line(i-len(head)))
		}
	}
	return out
}

// summary draws what is known of a delivery above its headers.
func (p *Pane) summary(d app.Delivery, w int) []string {
	s := p.Styles
	word, ink := p.sign(d.Verdict)
	out := []string{s.Spread(" "+ink.Render(word)+s.Muted.Render("  answered ")+p.statusInk(d.Status).Render(strconv.Itoa(d.Status)),
		s.Faint.Render(p.TimeOfDay(d.At)+"  #"+fmt.Sprint(d.Seq))+" ", w)}
	say := func(ink theme.Ink, text string) { out = append(out, s.Para(ink, words.Safe(text), w)...) }
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
		say(s.Warn, fmt.Sprintf("dup: duplicate of #%d, changed nothing", d.DuplicateOf))
	}
	if d.ReplayOf != 0 {
		say(s.Muted, fmt.Sprintf("rep: a replay of #%d", d.ReplayOf))
	}
	if d.Imported {
		say(s.Muted, "imp: imported from a file")
	}
	if d.Unapplied != "" {
		say(s.Warn, "n/a: had no effect, "+d.Unapplied)
	}
	say(s.Faint, d.Method+" "+d.Target)
	return append(out, "")
}

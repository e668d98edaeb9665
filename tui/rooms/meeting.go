package rooms

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// meetingLines draws the selected room: its settings, its meeting, the links, and the people. x0 and y0 are the position
// of the first line.
func (p *Pane) meetingLines(w, h, x0, y0 int) []string {
	s := p.Styles
	v, ok := p.Room()
	if !ok {
		return p.welcome(w)
	}
	out := p.about(v, w, h > 13 || len(p.people) == 0)
	out = append(out, p.refusal(v, w)...)
	if h > 9 {
		out = append(out, p.nextLine(v, w, x0, y0+len(out))...)
	}
	mt, ok := p.Meeting()
	if !ok || mt.Status == app.Ended {
		out = append(out, p.startLines(v, w)...)
		if _, _, lasting := p.lastingLink(); lasting {
			out = append(out, p.linkLine(app.Meeting{Account: v.Would.Account, GuestURL: v.GuestURL}, false, w, x0, y0+len(out)))
		}
		out = append(out, p.notes(v, w)...)
		if ok {
			out = append(out, "", " "+s.Muted.Render(s.Clip(p.lastMeeting(mt), w-2)))
			out = append(out, p.rosterLines(w, h-len(out), x0, y0+len(out))...)
		}
		return out
	}
	out = append(out, p.stateLine(mt, w))
	out = append(out, p.warnings(mt, w, h > 9)...)
	if h > 13 {
		out = append(out, p.notes(v, w)...)
	}
	out = append(out, p.linkLine(mt, false, w, x0, y0+len(out)))
	out = append(out, p.linkLine(mt, true, w, x0, y0+len(out)))
	if h > 9 {
		out = append(out, "")
	}
	return append(out, p.rosterLines(w, h-len(out), x0, y0+len(out))...)
}

// refusal draws why the account of the room fails, if it does.
func (p *Pane) refusal(v app.RoomView, w int) []string {
	s := p.Styles
	a := p.Account(v.CurrentAccount())
	if a.Health != "failing" {
		return nil
	}
	text := theme.Bad + " " + words.Safe(a.Name) + " fails: " + words.Safe(a.Detail)
	if a.Hint != "" {
		text += ". " + words.Safe(a.Hint)
	}
	return []string{" " + s.Bad.Render(s.Clip(text, w-2))}
}

// about draws the settings of a room, and why its meeting is on its account: in one line if it fits, else in two if more
// is set.
func (p *Pane) about(v app.RoomView, w int, more bool) []string {
	s, left, why := p.Styles, describe(v), ""
	if mt := v.Meeting; mt != nil && mt.Status != app.Ended && mt.Chosen != "" {
		why = chosenBecause(*mt)
	}
	out := []string{" " + s.Muted.Render(s.Clip(left, w-2))}
	switch {
	case why == "":
	case s.Width(left)+s.Width(why)+4 <= w:
		out[0] = s.Spread(out[0], s.Faint.Render(why)+" ", w)
	case more:
		out = append(out, " "+s.Faint.Render(s.Clip(why, w-2)))
	}
	return out
}

// warnings draws a recording that failed, and a count of people that differs from the platform's.
func (p *Pane) warnings(mt app.Meeting, w int, whole bool) (out []string) {
	s := p.Styles
	if mt.RecordingError != "" && mt.Recording != app.IsRecording {
		lead, text, ink := theme.Bad+" ", "not recording: "+words.Safe(mt.RecordingError), s.Bad
		if mt.Recording == app.StartingRecording {
			lead, text, ink = theme.Doubtful+" ", "not recording yet: "+words.Safe(mt.RecordingError), s.Warn
		}
		lines := s.Wrap(text, w-4)
		if !whole || len(lines) > 3 {
			lines = []string{s.Clip(text, w-4)}
		}
		for _, l := range lines {
			out = append(out, " "+ink.Render(lead+l))
			lead = "  "
		}
	}
	if text := counted(mt); text != "" && whole {
		out = append(out, " "+s.Warn.Render(s.Clip(text+" "+words.Ago(words.Since(mt.ReportedAt, p.Now())), w-2)))
	}
	return out
}

// notes draws what there is to know about a lasting link.
func (p *Pane) notes(v app.RoomView, w int) (out []string) {
	for _, n := range v.Notes {
		out = append(out, " "+p.Styles.Warn.Render(p.Styles.Clip(theme.Doubtful+" "+words.Safe(n), w-2)))
	}
	return out
}

// stateLine draws LIVE or OPEN, with the people, the recording and the age of all that.
func (p *Pane) stateLine(mt app.Meeting, w int) string {
	s, now := p.Styles, p.Now()
	var left string
	if mt.Status == app.Live {
		left = s.Live.Render(theme.Live+" LIVE ") + s.Strong.Render(words.Span(words.Since(mt.StartedAt, now))) +
			"   " + s.Text.Render(fmt.Sprintf("%d here, peak %d", mt.Here, mt.Peak))
	} else {
		left = s.Accent.Render(theme.Open+" OPEN ") + s.Muted.Render("no one here")
		if mt.Peak > 0 {
			left += s.Muted.Render(fmt.Sprintf(", peak %d", mt.Peak))
		}
		if !mt.EndsAt.IsZero() {
			left += s.Muted.Render("   until " + mt.EndsAt.In(p.Zone).Format("15:04"))
		}
	}
	if mt.Waiting > 0 {
		left += "   " + s.Warn.Render(fmt.Sprintf("%s %d waiting", theme.Pending, mt.Waiting))
	}
	switch mt.Recording {
	case app.IsRecording:
		left += "   " + s.Rec.Render(theme.Rec+" REC ") + s.Strong.Render(words.Span(words.Since(mt.RecordingSince, now)))
	case app.StartingRecording:
		left += "   " + s.Warn.Render(theme.Rec+" recording starts")
	}
	why := evidence(mt, now)
	if s.Width(left)+s.Width(why)+4 > w {
		why = ""
	}
	return s.Spread(" "+left, s.Faint.Render(why)+" ", w)
}

// linkLine draws a link without its secret part, and the actions for it.
func (p *Pane) linkLine(mt app.Meeting, host bool, w, x0, y int) string {
	s := p.Styles
	word, tail := "guest", ""
	type hand struct {
		name  pane.Name
		label string
	}
	type place struct {
		name pane.Name
		x, w int
	}
	hands := []hand{{copyGuest, "copy"}, {openGuest, "open"}, {showQR, "QR"}}
	if mt.ID == "" { // a lasting link without a meeting
		hands = []hand{{copyGuest, "copy"}, {showQR, "QR"}}
	}
	if host {
		word, hands = "host ", []hand{{copyHost, "copy"}, {openHost, "open"}}
		tail = "?" + cmp.Or(words.Safe(p.Account(mt.Account).HostParameter), "t") + "=…"
	}
	var keys strings.Builder
	var places []place
	kw := 0
	for i, to := range hands {
		if i > 0 {
			keys.WriteString("  ")
			kw += 2
		}
		k := p.Key(to.name)
		n := s.Width(k) + 1 + s.Width(to.label)
		places = append(places, place{to.name, kw, n})
		keys.WriteString(s.Key.Render(k) + " " + s.KeyHelp.Render(to.label))
		kw += n
	}
	const longest = 20 // c copy  o open  Q QR
	keyCol := w - max(kw, longest) - 1
	lead := " " + s.Muted.Render(word) + "  "
	room := keyCol - s.Width(lead) - 1
	address := mt.GuestURL
	if v, _ := p.Room(); !host && v.PageReach == app.PagePublic {
		address = v.PageURL
	}
	link := words.BareLink(address)
	switch {
	case address == "": // links with tokens are made when they are asked for
		link, tail = "created when you copy or open it", ""
	case host && mt.GuestURL == p.pageURL():
		tail = "#host=…"
	}
	shown := link + tail
	if s.Width(shown) > room {
		shown = s.Clip(link, max(room-s.Width(tail), 0)) + tail
	}
	style := s.Link
	if address == "" {
		style = s.Muted
	}
	text := style.Render(shown)
	if safe, ok := words.WebURL(address); ok && !host && shown == link {
		text = ansi.SetHyperlink(safe) + text + ansi.ResetHyperlink()
	}
	for _, at := range places {
		p.Button(x0+keyCol+at.x, y, at.w, at.name)
	}
	line := lead + text
	return line + cell.Spaces(keyCol-s.Width(line)) + keys.String()
}

// pageURL returns the address of the selected room's page.
func (p *Pane) pageURL() string {
	v, _ := p.Room()
	return v.PageURL
}

// startLines explains how to start a meeting.
func (p *Pane) startLines(v app.RoomView, w int) []string {
	s := p.Styles
	if v.Would.Problem != "" {
		return s.Para(s.Warn, theme.Doubtful+" "+words.Safe(v.Would.Problem), w)
	}
	text := "No meeting now. " + s.Key.Render(p.Key(startMeeting)) + s.Text.Render(" starts one")
	if v.Would.Account != "" {
		text += s.Text.Render(" on " + words.Safe(v.Would.Account))
	}
	why := because(v.Would.Why)
	switch {
	case why == "":
		return []string{" " + text}
	case s.Width(text)+s.Width(why)+3 <= w:
		return []string{" " + text + " " + s.Faint.Render(why)}
	}
	return []string{" " + text, " " + s.Faint.Render(s.Clip(why, w-2))}
}

// welcome explains rooms and accounts while there is no room.
func (p *Pane) welcome(w int) []string {
	s := p.Styles
	if !p.readRooms.Ready || p.filter.Text != "" {
		return nil
	}
	out := s.Para(s.Text, "A room holds the settings for your meetings: name, platform, lock, recording. Each time you start it, Greenroom "+
		"creates a meeting on the platform and gives you the links.", w)
	if p.NoAccount() {
		out = append(append(out, ""), s.Para(s.Text, p.HowToAdd(), w)...)
		for _, l := range p.AccountHelp {
			out = append(out, "   "+s.Accent.Render(s.Clip(l, w-4)))
		}
		out = append(out, s.Para(s.Text, "To look around without one: greenroom demo", w)...)
	}
	return out
}

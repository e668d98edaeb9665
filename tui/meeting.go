package tui

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// meetingLines draws the chosen room: what it is, its meeting, the links, and who is there. y0 and x0 are where the
// lines will stand on screen, for clicks.
func (m *Model) meetingLines(w, h, x0, y0 int) []string {
	s := m.st
	v, ok := m.rooms.room()
	if !ok {
		return m.welcome(w)
	}
	out := m.about(v, w, h > 13 || len(m.rooms.rows) == 0)
	mt, ok := m.rooms.meeting()
	if !ok || mt.Status == app.Ended {
		out = append(out, m.startLines(v, w)...)
		if ok {
			out = append(out, "", " "+s.Muted.Render(s.Clip(m.lastMeeting(mt), w-2)))
			out = append(out, m.rosterLines(w, h-len(out), x0, y0+len(out))...)
		}
		return out
	}
	out = append(out, m.stateLine(mt, w))
	out = append(out, m.warnings(mt, w, h > 9)...)
	out = append(out, m.linkLine(mt, false, w, x0, y0+len(out)))
	out = append(out, m.linkLine(mt, true, w, x0, y0+len(out)))
	if h > 9 {
		out = append(out, "")
	}
	return append(out, m.rosterLines(w, h-len(out), x0, y0+len(out))...)
}

// about describes the room, and says why its meeting is where it is: beside it where that fits, else below it if more
// lines may be had.
func (m *Model) about(v app.RoomView, w int, more bool) []string {
	s, left, why := m.st, describe(v), ""
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

// chosenBecause explains the account of a meeting; of one that was found on a platform there is nothing to explain.
func chosenBecause(mt app.Meeting) string {
	if mt.Adopted && strings.HasPrefix(mt.Chosen, "found on") {
		return ""
	}
	return because(mt.Chosen)
}

// adoptedFrom names the platform that a room was found on.
func adoptedFrom(v app.RoomView) string {
	p := v.Would.Platform
	if v.Meeting != nil {
		p = v.Meeting.Platform
	}
	if p == "" {
		return "adopted"
	}
	return "adopted from " + platformName(p)
}

// platformName is a platform as people write it, safe to draw.
func platformName(p provider.Platform) string { return safe(p.Title()) }

// warnings are what the platform says otherwise than Greenroom, or does otherwise than was wanted.
func (m *Model) warnings(mt app.Meeting, w int, whole bool) (out []string) {
	s := m.st
	if mt.RecordingError != "" && mt.Recording != app.IsRecording {
		lead, text, ink := theme.Bad+" ", "not recording: "+safe(mt.RecordingError), s.Bad
		if mt.Recording == app.StartingRecording {
			lead, text, ink = theme.Doubtful+" ", "not recording yet: "+safe(mt.RecordingError), s.Warn
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
		out = append(out, " "+s.Warn.Render(s.Clip(text+" "+ago(since(mt.ReportedAt, m.now())), w-2)))
	}
	return out
}

// counted tells of a platform that counts other people than are known here; empty while both agree.
func counted(mt app.Meeting) string {
	if mt.Reported == nil || *mt.Reported == mt.Here {
		return ""
	}
	return fmt.Sprintf("%s the platform counted %d, %d known here", theme.Doubtful, *mt.Reported, mt.Here)
}

// describe says in a line what the room is.
func describe(v app.RoomView) string {
	parts := []string{safe(account(v))}
	if parts[0] == "" {
		parts[0] = "no account yet"
	}
	locked, size, rec, trigger := v.Locked, v.Size, v.Recording, v.Trigger
	if mt := v.Meeting; mt != nil && mt.Status != app.Ended {
		locked, size, rec, trigger = mt.Locked, mt.Size, mt.Record, mt.Trigger
	}
	if locked {
		parts = append(parts, "locked")
	}
	if size > 0 {
		parts = append(parts, fmt.Sprintf("up to %d", size))
	}
	parts = append(parts, recordingWords(rec, trigger))
	if v.Adopted || (v.Meeting != nil && v.Meeting.Adopted) {
		parts = append(parts, adoptedFrom(v))
	}
	return strings.Join(parts, " · ")
}

func recordingWords(mode provider.RecordingMode, t provider.Trigger) string {
	switch mode {
	case provider.RecordingCloud:
		switch t {
		case provider.TriggerAutomatic:
			return "records from the start"
		case provider.TriggerAutomatic2nd:
			return "records from the 2nd participant"
		case provider.TriggerPrompt:
			return "asks whether to record"
		}
		return "may be recorded"
	case provider.RecordingLocal:
		return "may be recorded by its host"
	}
	return "not recorded"
}

// stateLine is LIVE with its time, the heads, the recording, and what all that rests on.
func (m *Model) stateLine(mt app.Meeting, w int) string {
	s, now := m.st, m.now()
	var left string
	if mt.Status == app.Live {
		left = s.Live.Render(theme.Live+" LIVE ") + s.Strong.Render(span(since(mt.StartedAt, now))) +
			"   " + s.Text.Render(fmt.Sprintf("%d here, peak %d", mt.Here, mt.Peak))
	} else {
		left = s.Accent.Render(theme.Open+" OPEN ") + s.Muted.Render("no one here")
		if mt.Peak > 0 {
			left += s.Muted.Render(fmt.Sprintf(", peak %d", mt.Peak))
		}
		if !mt.EndsAt.IsZero() {
			left += s.Muted.Render("   until " + mt.EndsAt.In(m.opts.Zone).Format("15:04"))
		}
	}
	if mt.Waiting > 0 {
		left += "   " + s.Warn.Render(fmt.Sprintf("%s %d waiting", theme.Pending, mt.Waiting))
	}
	switch mt.Recording {
	case app.IsRecording:
		left += "   " + s.Rec.Render(theme.Rec+" REC ") + s.Strong.Render(span(since(mt.RecordingSince, now)))
	case app.StartingRecording:
		left += "   " + s.Warn.Render(theme.Rec+" recording starts")
	}
	why := evidence(mt, now)
	if s.Width(left)+s.Width(why)+4 > w {
		why = ""
	}
	return s.Spread(" "+left, s.Faint.Render(why)+" ", w)
}

// evidence says what the state rests on.
func evidence(mt app.Meeting, now time.Time) string {
	if mt.EvidenceAt.IsZero() {
		return ""
	}
	from := map[app.Source]string{
		app.FromWebhook: " (webhook)", app.FromPresence: " (presence)", app.FromPlatform: " (platform)", app.FromClock: " (clock)",
	}[mt.StatusSource]
	return "updated " + ago(now.Sub(mt.EvidenceAt.Time)) + from
}

// linkLine shows a link without what makes it secret, and the keys that hand it out.
func (m *Model) linkLine(mt app.Meeting, host bool, w, x0, y int) string {
	s := m.st
	word, tail := "guest", ""
	acts := []Action{actCopyGuest, actOpenGuest, actQR}
	if host {
		word, acts = "host ", []Action{actCopyHost, actOpenHost}
		a, _ := m.accountStatus(mt.Account)
		tail = "?" + cmp.Or(safe(a.HostParameter), "t") + "=…"
	}
	var keys strings.Builder
	kw := 0
	labels := map[Action]string{actCopyGuest: "copy", actOpenGuest: "open", actQR: "QR", actCopyHost: "copy", actOpenHost: "open"}
	type place struct {
		a    Action
		x, w int
	}
	var places []place
	for i, a := range acts {
		if i > 0 {
			keys.WriteString("  ")
			kw += 2
		}
		k := m.keys.name(a)
		n := s.Width(k) + 1 + s.Width(labels[a])
		places = append(places, place{a, kw, n})
		keys.WriteString(s.Key.Render(k) + " " + s.KeyHelp.Render(labels[a]))
		kw += n
	}
	const longest = 20 // c copy  o open  Q QR
	keyCol := w - max(kw, longest) - 1
	lead := " " + s.Muted.Render(word) + "  "
	room := keyCol - s.Width(lead) - 1
	link := bareLink(mt.GuestURL)
	shown := link + tail
	if s.Width(shown) > room {
		shown = s.Clip(link, max(room-s.Width(tail), 0)) + tail
	}
	text := s.Link.Render(shown)
	if safe, ok := webURL(mt.GuestURL); ok && !host && shown == link {
		text = ansi.SetHyperlink(safe) + text + ansi.ResetHyperlink()
	}
	for _, p := range places {
		m.zone(x0+keyCol+p.x, y, p.w, 1, m.actor(p.a))
	}
	line := lead + text
	return line + cell.Spaces(keyCol-s.Width(line)) + keys.String()
}

// bareLink is a link as it is shown: without scheme, query and fragment, which may hold a key.
func bareLink(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return safe(strings.SplitN(raw, "?", 2)[0])
	}
	return safe(u.Host + strings.TrimSuffix(u.EscapedPath(), "/"))
}

// webURL says whether a link may be opened or written as a hyperlink: http(s), with a host, and nothing in it that a
// terminal could obey.
func webURL(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return "", false
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] <= 0x20 || raw[i] > 0x7e || raw[i] == '"' || raw[i] == '\\' {
			return "", false
		}
	}
	return raw, true
}

// startLines says how to begin.
func (m *Model) startLines(v app.RoomView, w int) []string {
	s := m.st
	if v.Would.Problem != "" {
		var out []string
		for i, line := range s.Wrap(safe(v.Would.Problem), w-4) {
			mark := "  "
			if i == 0 {
				mark = theme.Doubtful + " "
			}
			out = append(out, " "+s.Warn.Render(mark+line))
		}
		return out
	}
	text := "No meeting now. " + s.Key.Render(m.keys.name(actStart)) + s.Text.Render(" starts one")
	if v.Would.Account != "" {
		text += s.Text.Render(" on " + safe(v.Would.Account))
	}
	out := []string{" " + text}
	if v.Would.Why != "" {
		out = append(out, " "+s.Faint.Render(s.Clip(because(v.Would.Why), w-2)))
	}
	return out
}

func (m *Model) lastMeeting(mt app.Meeting) string {
	text := "Last meeting " + day(mt.StartsAt, m.now(), m.opts.Zone)
	if !mt.StartedAt.IsZero() && mt.EndedAt.After(mt.StartedAt.Time) {
		text += ", " + span(mt.EndedAt.Sub(mt.StartedAt.Time)) + " long"
	}
	if mt.Peak > 0 {
		text += fmt.Sprintf(", peak %d", mt.Peak)
	}
	if mt.EndReason != "" {
		text += " · " + safe(mt.EndReason)
	}
	return text
}

// welcome stands where a meeting would be while there is no room.
func (m *Model) welcome(w int) []string {
	s := m.st
	if !m.loads[slotRooms].ready || m.rooms.filter.text != "" {
		return nil
	}
	var out []string
	say := func(text string) {
		for _, line := range s.Wrap(text, w-2) {
			out = append(out, " "+s.Text.Render(line))
		}
	}
	say("A room is a lasting place for your meetings: its name, its platform, whether it is locked and recorded. " +
		"Each time you start it, Greenroom makes a meeting on the platform and hands you the links.")
	if m.loads[slotStatus].ready && len(m.status.status.Accounts) == 0 {
		out = append(out, "")
		say("No account is configured. Set one of these and start again:")
		for _, l := range m.opts.AccountHelp {
			out = append(out, "   "+s.Accent.Render(s.Clip(l, w-4)))
		}
		say("To look around without one: greenroom demo")
	}
	return out
}

package tui

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
)

// What the screen needs at least, and from when on panes stand side by side.
const (
	minWidth, minHeight = 40, 10
	wide                = 100
)

// View draws the whole screen.
func (m *Model) View() tea.View {
	defer m.note("screen drawing")
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen = true
	v.WindowTitle = m.title()
	if m.indicator {
		v.ProgressBar = m.recs.progress()
	}
	if m.opts.Mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// title is the window's: what is live.
func (m *Model) title() string {
	t := "greenroom"
	live, people := 0, 0
	for _, v := range m.rooms.all {
		if v.Meeting != nil && v.Meeting.Status == app.Live {
			live++
			people += v.Meeting.Here
		}
	}
	if live > 0 {
		t += fmt.Sprintf(" · %d live, %d here", live, people)
	}
	if v, ok := m.rooms.room(); ok && m.tab == tabRooms {
		t += " · " + v.Name
	}
	return safe(m.st.Clip(safe(t), 80))
}

// screen is the frame, line by line.
func (m *Model) screen() []string {
	m.zones = m.zones[:0]
	if m.w == 0 || m.h == 0 {
		return nil
	}
	s := m.st
	if m.w < minWidth || m.h < minHeight {
		out := []string{}
		for _, l := range s.Wrap(fmt.Sprintf("Greenroom needs %d columns and %d lines; here are %d and %d.", minWidth, minHeight, m.w, m.h), m.w) {
			out = append(out, s.Fit(l, m.w))
		}
		return out[:min(len(out), m.h)]
	}
	lines := []string{m.header()}
	if m.lost {
		lines = append(lines, s.Banner.Render(s.Fit(" ◌ Reconnecting: the process that owned the store exited. Showing the last known state.", m.w)))
	}
	h := m.bodyHeight()
	switch m.tab {
	case tabRooms:
		lines = append(lines, m.roomsBody(len(lines), h)...)
	case tabRecordings:
		lines = append(lines, m.recordingsBody(len(lines), h)...)
	case tabWebhooks:
		lines = append(lines, m.hooksBody(len(lines), h)...)
	case tabStatus:
		lines = append(lines, m.statusBody(h)...)
	}
	end := len(lines) - 1 // the lower edge of the panes
	if g := m.guide(); g != "" && m.showsGuide() {
		lines = append(lines, s.Guide.Render(s.Fit(" "+g, m.w)))
	}
	lines = append(lines, m.footer(len(lines)))
	if box := m.toast.draw(s, m.w); box != nil {
		x := max(m.w-s.Width(box[0])-2, 0)
		y := max(end-len(box), 0)
		for i, l := range box {
			if y+i < len(lines)-1 {
				lines[y+i] = s.Splice(lines[y+i], l, x)
			}
		}
	}
	return m.dialogs.Draw(s, lines, m.w, m.h, ansi.Strip)
}

func (m *Model) showsGuide() bool { return m.opts.Demo && m.h >= 16 }

// bodyHeight is what header, banner, guide and footer leave.
func (m *Model) bodyHeight() int {
	h := m.h - 2
	if m.lost {
		h--
	}
	if m.showsGuide() && m.guide() != "" {
		h--
	}
	return h
}

// header is the tabs, and how webhooks reach this machine.
func (m *Model) header() string {
	s := m.st
	left := " " + s.Brand.Render("greenroom")
	if m.opts.Demo {
		left += s.Guide.Render(" demo")
	}
	gap, num := "  ", m.w >= 56
	end := " "
	if m.w < 90 {
		gap, end = " ", ""
	}
	left += gap
	// Where the names have no room, all but the open tab are numbers.
	short := m.w < 50
	for t := tabRooms; t <= tabStatus; t++ {
		label := t.String()
		if short && t != m.tab {
			label = m.keys.name([]Action{actRooms, actRecs, actWebhooks, actStatus}[t])
		} else if num || short {
			label = m.keys.name([]Action{actRooms, actRecs, actWebhooks, actStatus}[t]) + " " + label
		}
		if t == tabRecordings {
			label += m.recs.badge()
		}
		x, w := s.Width(left), s.Width(label)+2
		if t == m.tab {
			left += s.TabOn.Render(" " + label + " ")
		} else {
			left += s.TabOff.Render(" " + label + " ")
		}
		m.zone(x, 0, w, 1, func(int, int) tea.Cmd { return m.show(t) })
	}
	right := ""
	if m.loads[slotStatus].ready {
		word, ink := m.tunnelSign()
		right = ink.Render(word)
		if bad := m.failingAccounts(); bad != "" {
			// What fails is shown on every tab, if need be without what works.
			room := m.w - s.Width(left) - s.Width(end) - 1
			if warning := s.Bad.Render(s.Clip(theme.Bad+" "+bad, room)); s.Width(warning)+s.Width(right)+2 <= room {
				right = warning + "  " + right
			} else {
				right = warning
			}
		}
		st := &m.status.status
		if at := m.address(cmpOr(st.Tunnel.URL, st.Listener.URL), m.w-s.Width(left)-s.Width(right)-s.Width(end)-3); at != "" {
			right += "  " + s.Muted.Render(at)
		}
	}
	if m.lost {
		right = s.Warn.Render("◌ reconnecting")
	}
	return s.Spread(left, right+end, m.w)
}

// failingAccounts says which accounts fail: a wrong key, or a platform that can't be reached. It is empty when none does.
func (m *Model) failingAccounts() string {
	var names []string
	for _, a := range m.status.status.Accounts {
		if a.Health == "failing" {
			names = append(names, safe(a.Name))
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " fails (" + m.keys.name(actStatus) + ")"
	}
	return itoa(len(names)) + " accounts fail (" + m.keys.name(actStatus) + ")"
}

// notes puts what is shown at the edge of a list side by side.
func notes(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "   ")
}

// address is where webhooks arrive as far as w cells can tell: whole, without what follows the host, of this machine's
// own the port alone, or not at all. A host is never cut.
func (m *Model) address(raw string, w int) string {
	s, whole := m.st, bareLink(raw)
	host, _, _ := strings.Cut(whole, "/")
	switch u, err := url.Parse(raw); {
	case raw == "":
	case s.Width(whole) <= w:
		return whole
	case s.Width(host)+4 <= w && host != whole:
		return s.Clip(whole, w)
	case s.Width(host) <= w:
		return host
	case err == nil && local(raw) && u.Port() != "" && len(u.Port()) < w:
		return ":" + u.Port()
	}
	return ""
}

// section is a pane with the looks of its focus.
func (m *Model) section(title, note string, lines []string, w, h int, focus bool) cell.Section {
	s := m.st
	border, name := s.Border, s.Title
	if focus {
		border, name = s.BorderFocus, s.TitleFocus
	}
	return cell.Section{Title: title, Note: note, Lines: lines, Width: w, Height: max(h, 0),
		Border: border.Render, Name: name.Render, Aside: s.Muted.Render}
}

// arrange gives the lists their heights before they are moved in.
func (m *Model) arrange() {
	if m.w >= minWidth && m.h >= minHeight {
		m.screen()
	}
}

func (m *Model) roomsBody(y, h int) []string {
	r := &m.rooms
	title, note := "Rooms", r.filter.note(len(r.shown), len(r.all))
	name := "Meeting"
	if v, ok := r.room(); ok {
		name = safe(v.Name)
	}
	if m.w >= wide {
		act := min(max(h/4, 3), 12)
		top := h - act - 3
		lw := min(max(r.need(), m.w/4, 30), m.w*45/100)
		rw := m.w - lw
		r.list.Resize(len(r.shown), top)
		left := r.lines(m, lw-2)
		m.listZone(1, y+1, lw-2, top, &r.list, func(i int) tea.Cmd { return m.pickRoom(i) })
		m.rosterZone(lw, y+1, rw, top, func() tea.Cmd { return m.act(actIn) })
		right := m.meetingLines(rw-2, top, lw+1, y+1)
		return m.st.Frame(
			[]cell.Section{m.section(title, notes(note, r.list.More()), left, lw, top, !r.inner), m.section(name, "", right, rw, top, r.inner)},
			[]cell.Section{m.section("Activity", "", m.activityLines(m.w-2, act), m.w, act, false)})
	}
	inner := h - 4 // three edges between the panes, one below
	act := min(max(inner/6, 1), 4)
	list := min(max(len(r.shown), 2), max((inner-act)/3, 2))
	if r.inner {
		list = min(list, 3)
	}
	detail := inner - act - list
	if inner < 9 { // little room: the meeting is what matters
		act, list = 0, 2
		detail = inner + 1 - list
	}
	r.list.Resize(len(r.shown), list)
	left := r.lines(m, m.w-2)
	m.listZone(1, y+1, m.w-2, list, &r.list, func(i int) tea.Cmd { return m.pickRoom(i) })
	m.rosterZone(1, y+2+list, m.w-2, detail, func() tea.Cmd { return m.act(actIn) })
	right := m.meetingLines(m.w-2, detail, 1, y+2+list)
	rows := [][]cell.Section{
		{m.section(title, notes(note, r.list.More()), left, m.w, list, !r.inner)},
		{m.section(name, "", right, m.w, detail, r.inner)},
	}
	if act > 0 {
		rows = append(rows, []cell.Section{m.section("Activity", "", m.activityLines(m.w-2, act), m.w, act, false)})
	}
	return m.st.Frame(rows...)
}

func (m *Model) pickRoom(i int) tea.Cmd {
	m.rooms.inner = false
	before := m.rooms.key()
	m.rooms.list.Cursor = i
	if v, ok := m.rooms.room(); ok {
		m.rooms.chosen = v.ID
	}
	return m.rooms.follow(m, before)
}

func (m *Model) recordingsBody(y, h int) []string {
	r := &m.recs
	note := r.filter.note(len(r.shown), len(r.all))
	if limit := m.status.status.Downloads.Limit; note == "" && limit > 0 {
		note = "at most " + bytes(limit) + "/s"
	}
	if cut := r.cut(); cut != "" {
		note = strings.TrimPrefix(note+" · "+cut, " · ")
	}
	list, detail := h-2, 0
	if _, ok := r.chosen(); ok && h >= 12 {
		// The detail gets what the list has no use for, and a part in any case.
		detail = min(max(len(r.detail(m, m.w-2, h)), 3), max(h/3, 5, h-3-len(r.shown)-1))
		list = h - 3 - detail
	}
	lines := r.lines(m, m.w-2, list)
	m.listZone(1, y+2, m.w-2, r.list.Height, &r.list, func(i int) tea.Cmd { r.list.Cursor = i; return nil })
	rows := [][]cell.Section{{m.section("Recordings", notes(note, r.list.More()), lines, m.w, list, true)}}
	if detail > 0 {
		v, _ := r.chosen()
		rows = append(rows, []cell.Section{m.section(safe(v.Room), "", r.detail(m, m.w-2, detail), m.w, detail, false)})
	}
	return m.st.Frame(rows...)
}

func (m *Model) hooksBody(y, h int) []string {
	k := &m.hooks
	title := "Webhooks"
	note := ""
	switch {
	case k.wrong != nil:
		note = safe(k.wrong.Error())
	case k.feed.Follow:
		note = "following"
	case k.feed.Unseen > 0:
		note = plural(k.feed.Unseen, "new above", "new above")
	}
	note = notes(note, k.more())
	if k.busy && k.ready && k.filtering() && k.feed.Held() == 0 {
		note = "searching…"
	}
	if k.filter.text != "" && !k.filter.typing {
		title += " / " + safe(k.filter.text)
	}
	name := "Delivery"
	if d, ok := k.feed.Chosen(); ok {
		name = kindWord(d)
	}
	if m.w >= wide {
		top := h - 2
		lw := max(m.w*54/100, 56)
		rw := m.w - lw
		left := k.listLines(m, lw-2, top)
		m.listZone(1, y+1, lw-2, top, &k.feed.List, func(i int) tea.Cmd { return m.pickDelivery(i) })
		right := k.detailLines(m, rw-2, top)
		m.scrollZone(lw, y+1, rw, top, &k.body, func() tea.Cmd { return m.act(actIn) })
		return m.st.Frame([]cell.Section{
			m.section(title, note, left, lw, top, !k.inner),
			m.section(name, k.scrolled(), right, rw, top, k.inner)})
	}
	inner := h - 3
	list := max(inner*2/5, 3)
	if k.inner {
		list = min(3, list)
	}
	left := k.listLines(m, m.w-2, list)
	m.listZone(1, y+1, m.w-2, list, &k.feed.List, func(i int) tea.Cmd { return m.pickDelivery(i) })
	right := k.detailLines(m, m.w-2, inner-list)
	m.scrollZone(1, y+2+list, m.w-2, inner-list, &k.body, func() tea.Cmd { return m.act(actIn) })
	return m.st.Frame(
		[]cell.Section{m.section(title, note, left, m.w, list, !k.inner)},
		[]cell.Section{m.section(name, k.scrolled(), right, m.w, inner-list, k.inner)})
}

// more marks rows above and below; of what isn't held only that there is some is known.
func (h *hooksTab) more() string {
	from, to := h.feed.Range()
	var out []string
	if from > 0 || !h.feed.AtNewest && h.feed.Held() > 0 {
		out = append(out, "↑")
	}
	if to < h.feed.Held() || !h.feed.AtOldest && h.feed.Held() > 0 {
		out = append(out, "↓")
	}
	return strings.Join(out, " ")
}

// scrolled says that there is more than is shown.
func (h *hooksTab) scrolled() string {
	if _, to := h.body.Range(); h.doc != nil && h.body.Len > h.body.Height {
		return fmt.Sprintf("%d of %d lines", to, h.body.Len)
	}
	return ""
}

func (m *Model) pickDelivery(i int) tea.Cmd {
	k := &m.hooks
	before := k.seq()
	k.inner, k.feed.Follow = false, false
	k.feed.Cursor = i
	return tea.Batch(k.chosen(m, before), k.fill(m))
}

func (m *Model) statusBody(h int) []string {
	t := &m.status
	if m.w >= 120 {
		lw := m.w * 55 / 100
		rw := m.w - lw
		left := t.visible(t.lines(m, lw-2), h-2)
		return m.st.Frame([]cell.Section{
			m.section("Status", t.view.More(), left, lw, h-2, true),
			m.section("Log", "", t.logLines(m, rw-2, h-2), rw, h-2, false)})
	}
	log := min(max(h/4, 2), 8)
	inner := h - 3 - log
	body := t.visible(t.lines(m, m.w-2), inner)
	note := t.view.More()
	return m.st.Frame(
		[]cell.Section{m.section("Status", note, body, m.w, inner, true)},
		[]cell.Section{m.section("Log", "", t.logLines(m, m.w-2, log), m.w, log, false)})
}

// note tells of a filter at the edge of its list.
func (f *filter) note(shown, all int) string {
	if f.text == "" {
		return ""
	}
	return fmt.Sprintf("/ %s  %d of %d", safe(f.text), shown, all)
}

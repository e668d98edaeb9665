package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/order"
	"greenroom/tui/cell"
	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// roomsTab is the rooms and the meeting of the chosen one.
type roomsTab struct {
	all    []app.RoomView
	shown  []app.RoomView
	filter filter
	list   grid.List
	// chosen is the id of the room under the cursor, which follows it wherever sorting puts it; wanted is the name of
	// one that was just made.
	chosen, wanted string
	// widest is the width of the longest name, widestAccount that of the longest account, 0 when all are equal.
	widest, widestAccount int
	// had is true while the last reading had rows to show.
	had    bool
	detail *app.MeetingDetail
	rows   []rosterRow // of the detail
	// inner says that the roster has the keys.
	inner  bool
	roster grid.List
}

// room gives the chosen room.
func (r *roomsTab) room() (app.RoomView, bool) {
	if r.list.Cursor >= len(r.shown) {
		return app.RoomView{}, false
	}
	return r.shown[r.list.Cursor], true
}

// meeting gives the chosen room's meeting.
func (r *roomsTab) meeting() (app.Meeting, bool) {
	v, ok := r.room()
	if !ok || v.Meeting == nil {
		return app.Meeting{}, false
	}
	return *v.Meeting, true
}

// take puts in a new reading.
func (r *roomsTab) take(m *Model, all []app.RoomView) tea.Cmd {
	r.all = slices.Clone(all)
	order.Rooms(r.all, m.language)
	cmd := r.narrow(m)
	if len(r.shown) == 0 && len(r.all) > 0 && !r.filter.typing && r.had {
		// What the filter found has gone, such as a room that was deleted: an empty list would look like a loss of all.
		r.filter = filter{}
		cmd = tea.Batch(cmd, r.narrow(m))
	}
	r.had = len(r.shown) > 0
	return cmd
}

// narrow applies the filter and keeps the cursor on its room.
func (r *roomsTab) narrow(m *Model) tea.Cmd {
	before := r.key()
	r.shown = r.shown[:0]
	for _, v := range r.all {
		if r.filter.matches(v.Name, v.Account, v.Would.Account, string(v.Would.Platform)) {
			r.shown = append(r.shown, v)
		}
	}
	r.measure(m)
	r.list.Resize(len(r.shown), r.list.Height)
	for i, v := range r.shown {
		if (r.wanted != "" && v.Name == r.wanted) || (r.wanted == "" && v.ID == r.chosen) {
			r.list.Cursor = i
		}
	}
	r.list.Resize(len(r.shown), r.list.Height)
	if v, ok := r.room(); ok {
		if v.Name == r.wanted {
			r.wanted = ""
		}
		if r.wanted == "" {
			r.chosen = v.ID
		}
	}
	return r.follow(m, before)
}

// measure notes what the columns need. It is done when the list changes, so that a frame costs only the visible rows.
func (r *roomsTab) measure(m *Model) {
	r.widest, r.widestAccount = 0, 0
	first, differ := "", false
	for i, v := range r.shown {
		name := safe(account(v))
		r.widest = max(r.widest, m.st.Width(safe(v.Name)))
		r.widestAccount = max(r.widestAccount, m.st.Width(name))
		if i == 0 {
			first = name
		}
		differ = differ || name != first
	}
	if !differ {
		r.widestAccount = 0 // a column that says the same in every row says nothing
	}
}

// need is how wide the list should be, with its border.
func (r *roomsTab) need() int { return r.widest + r.widestAccount + 15 }

// key names what the detail is about.
func (r *roomsTab) key() string {
	mt, _ := r.meeting()
	return mt.ID
}

// follow reads the detail anew when another meeting is chosen than before.
func (r *roomsTab) follow(m *Model, before string) tea.Cmd {
	if r.key() == before {
		return nil
	}
	r.detail, r.rows, r.roster = nil, nil, grid.List{}
	if r.key() == "" {
		r.inner = false
		return nil
	}
	return m.read(slotMeeting)
}

// move moves the cursor in whichever pane has the keys.
func (r *roomsTab) move(m *Model, f func(*grid.List)) tea.Cmd {
	if r.inner {
		r.moveRoster(f)
		return nil
	}
	before := r.key()
	r.wanted = "" // who moves on doesn't want to be taken back
	f(&r.list)
	if v, ok := r.room(); ok {
		r.chosen = v.ID
	}
	return r.follow(m, before)
}

// meetingChanged shows a change of a meeting at once; the full reading follows.
func (r *roomsTab) meetingChanged(mt app.Meeting) {
	for _, list := range [][]app.RoomView{r.all, r.shown} {
		for i := range list {
			if cur := list[i].Meeting; cur != nil && cur.ID == mt.ID {
				copied := mt
				list[i].Meeting = &copied
			}
		}
	}
	if r.detail != nil && r.detail.ID == mt.ID {
		r.detail.Meeting = mt
	}
}

// account is where the room's meeting is, or would be.
func account(v app.RoomView) string {
	switch {
	case v.Meeting != nil && v.Meeting.Status != app.Ended:
		return v.Meeting.Account
	case v.Account != "":
		return v.Account
	case v.Would.Account != "":
		return v.Would.Account
	}
	return string(v.Would.Platform)
}

// sign gives the glyph of a room and its count.
func (m *Model) sign(v app.RoomView) (glyph, count string) {
	if v.Meeting == nil || v.Meeting.Status == app.Ended {
		return m.st.Faint.Render(theme.Ended), m.st.Faint.Render(theme.Nothing)
	}
	n := strconv.Itoa(v.Meeting.Here)
	if v.Meeting.Status == app.Live {
		return m.st.Live.Render(theme.Live), m.st.Live.Render(n)
	}
	return m.st.Accent.Render(theme.Open), m.st.Muted.Render(theme.Nothing)
}

// knocking is how many wait to be let in, at most three cells wide; empty when nobody does.
func (m *Model) knocking(v app.RoomView) string {
	if v.Meeting == nil || v.Meeting.Status == app.Ended || v.Meeting.Waiting == 0 {
		return ""
	}
	return m.st.Warn.Render(theme.Pending + strconv.Itoa(min(v.Meeting.Waiting, 99)))
}

// lines draws the list of rooms, w cells wide.
func (r *roomsTab) lines(m *Model, w int) []string {
	s := m.st
	if len(r.shown) == 0 {
		return r.empty(m, w)
	}
	from, to := r.list.Range()
	knock := 0 // a narrow list gives names the room of those who wait until somebody does
	for _, v := range r.shown[from:to] {
		if w > 40 || m.knocking(v) != "" {
			knock = 3
		}
	}
	// Names first: the account gets what they leave, if that is enough to recognise it.
	acct := min(r.widestAccount, 20, max(w-knock-10-r.widest, w/5))
	if acct < min(r.widestAccount, 5) {
		acct = 0
	}
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		v := r.shown[i]
		glyph, count := m.sign(v)
		mark := " "
		if i == r.list.Cursor {
			mark = s.Marker.Render(theme.Marker)
		}
		name := s.Text.Render(s.Fit(safe(v.Name), w-acct-knock-10))
		if i == r.list.Cursor {
			name = s.Strong.Render(s.Fit(safe(v.Name), w-acct-knock-10))
		}
		rec := " "
		if v.Meeting != nil && v.Meeting.Status != app.Ended {
			switch {
			case v.Meeting.Recording == app.IsRecording:
				rec = s.Rec.Render(theme.Rec)
			case v.Meeting.Recording == app.StartingRecording:
				rec = s.Warn.Render(theme.Pending)
			case v.Meeting.RecordingError != "":
				rec = s.Bad.Render(theme.Bad)
			}
		}
		line := mark + glyph + " " + name + " " + rec + " " + s.Muted.Render(s.Fit(safe(account(v)), acct)) +
			s.FitRight(m.knocking(v), knock) + s.FitRight(count, 3) + " "
		if i == r.list.Cursor {
			line = m.under(line, w, !r.inner)
		}
		out = append(out, line)
	}
	return out
}

// under lays the selection under a row; one without the keys is paler.
func (m *Model) under(line string, w int, focused bool) string {
	line = m.st.Fit(line, w)
	if focused {
		return m.st.Selected.Over(line)
	}
	return m.st.Chosen.Over(line)
}

// empty teaches what to do when there is no room to show.
func (r *roomsTab) empty(m *Model, w int) []string {
	s := m.st
	l := &m.loads[slotRooms]
	switch {
	case l.err != nil:
		return m.trouble("The rooms can't be read", l.err, w)
	case !l.ready:
		return []string{" " + s.Muted.Render("reading…")}
	case r.filter.text != "":
		return []string{" " + s.Muted.Render(s.Clip("No room matches. esc clears.", w-2))}
	}
	out := []string{" " + s.Muted.Render("No rooms yet.")}
	for _, line := range s.Wrap("Press "+m.keys.name(actNewRoom)+" to make your first room.", w-2) {
		out = append(out, " "+s.Text.Render(line))
	}
	return out
}

// trouble shows a failed reading with its hint.
func (m *Model) trouble(what string, err error, w int) []string {
	s := m.st
	e := app.AsError(err)
	var out []string
	for _, line := range s.Wrap(what+": "+safe(e.Text), w-2) {
		out = append(out, " "+s.Bad.Render(line))
	}
	for _, line := range s.Wrap(safe(e.Hint), w-2) {
		out = append(out, " "+s.Muted.Render(line))
	}
	if isNotFound(err) {
		return out // trying again would not bring it back
	}
	return append(out, " "+s.Faint.Render("It is tried again every few seconds."))
}

// columns lays cells of given widths side by side; a width of 0 leaves the cell out.
func columns(r cell.Ruler, cells ...column) string {
	var b strings.Builder
	for _, c := range cells {
		if c.w <= 0 {
			continue
		}
		text := r.Fit(c.text, c.w)
		if c.right {
			text = r.FitRight(c.text, c.w)
		}
		b.WriteString(c.ink.Render(text))
		b.WriteByte(' ')
	}
	return b.String()
}

type column struct {
	text  string
	w     int
	ink   theme.Ink
	right bool
}

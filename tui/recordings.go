package tui

import (
	"time"

	"greenroom/internal/app"
	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// recordingsTab is the list of recordings.
type recordingsTab struct {
	all, shown []app.Recording
	filter     filter
	list       grid.List
}

func (r *recordingsTab) narrow() {
	r.shown = r.shown[:0]
	for _, v := range r.all {
		if r.filter.matches(v.Room, v.Account, string(v.Status), v.Kind) {
			r.shown = append(r.shown, v)
		}
	}
	r.list.Resize(len(r.shown), r.list.Height)
}

// recordingSign gives a state's word, glyph and ink.
func (m *Model) recordingSign(st app.RecordingStatus) (string, theme.Ink) {
	switch st {
	case app.RecordingRunning:
		return theme.Rec + " recording", m.st.Rec
	case app.RecordingProcessing:
		return theme.Pending + " processing", m.st.Warn
	case app.RecordingReady:
		return theme.Good + " ready", m.st.Good
	case app.RecordingFailed:
		return theme.Bad + " failed", m.st.Bad
	}
	return theme.Doubtful + " " + safe(string(st)), m.st.Muted
}

// lines draws the list, or what will be there.
func (r *recordingsTab) lines(m *Model, w, h int) []string {
	s := m.st
	l := &m.loads[slotRecordings]
	if len(r.shown) == 0 {
		switch {
		case l.err != nil:
			return m.trouble("The recordings can't be read", l.err, w)
		case !l.ready:
			return []string{" " + s.Muted.Render("reading…")}
		case r.filter.text != "":
			return []string{" " + s.Muted.Render("No recording matches. esc clears.")}
		}
		out := []string{"", " " + s.Strong.Render("No recordings yet.")}
		for _, p := range []string{
			"What the platforms record of your meetings will be listed here: its state, the room, when, how long and how large.",
			"To record, give a room a recording with " + m.keys.name(actEditRoom) + " on the Rooms tab; a recording appears " +
				"while it runs and is ready a while after the meeting.",
		} {
			out = append(out, "")
			for _, line := range s.Wrap(p, min(w-2, 76)) {
				out = append(out, " "+s.Muted.Render(line))
			}
		}
		return out
	}
	r.list.Resize(len(r.shown), h-1)
	kind, acct := 0, 0
	if w >= 90 {
		kind, acct = 8, 12
	}
	room := w - 12 - 17 - 9 - 8 - kind - acct - 9
	cols := func(state, rm, when, length, size, k, a string, ink, si theme.Ink) string {
		return columns(s.Ruler,
			column{text: state, w: 12, ink: si}, column{text: rm, w: room, ink: ink}, column{text: a, w: acct, ink: s.Muted},
			column{text: when, w: 17, ink: s.Muted}, column{text: length, w: 8, ink: s.Muted, right: true},
			column{text: size, w: 8, ink: s.Muted, right: true}, column{text: k, w: kind, ink: s.Muted})
	}
	out := []string{" " + cols("state", "room", "when", "length", "size", "kind", "account", s.Head, s.Head)}
	from, to := r.list.Range()
	for i := from; i < to; i++ {
		v := r.shown[i]
		word, ink := m.recordingSign(v.Status)
		length, size := theme.Nothing, theme.Nothing
		if v.DurationS > 0 {
			length = span(time.Duration(v.DurationS * float64(time.Second)))
		}
		var total int64
		for _, f := range v.Files {
			total += f.Size
		}
		if total > 0 {
			size = bytes(total)
		}
		mark := " "
		if i == r.list.Cursor {
			mark = s.Marker.Render(theme.Marker)
		}
		line := mark + cols(word, safe(v.Room), day(v.StartedAt, m.now(), m.opts.Zone), length, size,
			safe(v.Kind), safe(v.Account), s.Text, ink)
		if i == r.list.Cursor {
			line = m.under(line, w, true)
		}
		out = append(out, line)
	}
	return out
}

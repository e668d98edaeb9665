package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/tui/grid"
	"greenroom/tui/theme"
)

// recordingsTab is the list of recordings.
type recordingsTab struct {
	all, shown []app.Recording
	// total is how many there are; all has the newest of them.
	total  int
	filter filter
	list   grid.List
}

// recordingsMost is how many recordings are shown at most.
const recordingsMost = 500

// recordingsRead are the newest recordings, and how many there are.
type recordingsRead struct {
	list  []app.Recording
	total int
}

func readRecordings(ctx context.Context, b app.Backend) (recordingsRead, error) {
	list, err := b.Recordings(ctx, app.RecordingQuery{Limit: recordingsMost})
	r := recordingsRead{list: list, total: len(list)}
	if err != nil || len(list) < recordingsMost {
		return r, err
	}
	n, err := b.Counts(ctx, app.CountQuery{Recordings: &app.RecordingQuery{}})
	r.total = max(r.total, n.Recordings)
	return r, err
}

// cut says how many recordings there are where not all are shown.
func (r *recordingsTab) cut() string {
	if r.total <= len(r.all) {
		return ""
	}
	return fmt.Sprintf("newest %d of %d", len(r.all), r.total)
}

func (r *recordingsTab) narrow() {
	was, had := r.chosen()
	defer func() {
		if i := slices.IndexFunc(r.shown, func(v app.Recording) bool { return v.Ref() == was.Ref() }); had && i >= 0 {
			r.list.Move(i - r.list.Cursor)
		}
	}()
	r.shown = r.shown[:0:0] // the old rows are still looked at
	for _, v := range r.all {
		if r.filter.matches(v.Room, v.Account, string(v.Status), v.Kind) {
			r.shown = append(r.shown, v)
		}
	}
	r.list.Resize(len(r.shown), r.list.Height)
}

// recordingSign gives a state's word, glyph and ink.
func (m *Model) recordingSign(v app.Recording) (string, theme.Ink) {
	if !v.DeletedAt.IsZero() {
		return theme.Ended + " deleted", m.st.Muted
	}
	switch v.Status {
	case app.RecordingRunning:
		return theme.Rec + " recording", m.st.Rec
	case app.RecordingProcessing:
		return theme.Pending + " processing", m.st.Warn
	case app.RecordingReady:
		return theme.Good + " ready", m.st.Good
	case app.RecordingFailed:
		return theme.Bad + " failed", m.st.Bad
	}
	return theme.Doubtful + " " + safe(string(v.Status)), m.st.Muted
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
				"while it runs and is ready a while after the meeting. " + m.keys.name(actDownload) + " downloads it then.",
		} {
			out = append(out, "")
			for _, line := range s.Wrap(p, min(w-2, 76)) {
				out = append(out, " "+s.Muted.Render(line))
			}
		}
		return out
	}
	r.list.Resize(len(r.shown), h-1)
	// The narrower the fewer columns; the room keeps at least a few cells, and a download its rate. The rest is below the list.
	acct, when, length, size, here, tracks, kind := 0, 16, 8, 7, 16, 0, 0
	switch {
	case w >= 130:
		acct, kind, tracks, here = 12, 8, 6, 32
	case w >= 100:
		acct, here = 10, 24
	case w < 52:
		when, length, size, here = 0, 0, 0, 10
	case w < 70:
		length, size = 0, 0
	default:
		length, here = 0, 25
	}
	if !slices.ContainsFunc(r.all, func(v app.Recording) bool { return v.Account != r.all[0].Account }) {
		acct = 0 // it would say the same in every row
	}
	room := w - 2 - 12 - 2
	for _, c := range []int{acct, when, length, size, tracks, kind, here} {
		if c > 0 {
			room -= c + 1
		}
	}
	cols := func(cells [8]string, ink, si theme.Ink, last string) string {
		return columns(s.Ruler,
			column{text: cells[0], w: 12, ink: si}, column{text: cells[1], w: room, ink: ink}, column{text: cells[2], w: acct, ink: s.Muted},
			column{text: cells[3], w: when, ink: s.Muted}, column{text: cells[4], w: length, ink: s.Muted, right: true},
			column{text: cells[5], w: size, ink: s.Muted, right: true}, column{text: cells[6], w: tracks, ink: s.Muted, right: true},
			column{text: cells[7], w: kind, ink: s.Muted}) + last
	}
	out := []string{" " + cols([8]string{"state", "room", "account", "when", "length", "size", "tracks", "kind"}, s.Head, s.Head, s.Head.Render(s.Fit("downloaded", here)))}
	from, to := r.list.Range()
	for i := from; i < to; i++ {
		v := r.shown[i]
		word, ink := m.recordingSign(v)
		tracks := theme.Nothing
		if len(v.Files) > 0 {
			tracks = itoa(len(v.Files))
		}
		mark := " "
		if i == r.list.Cursor {
			mark = s.Marker.Render(theme.Marker)
		}
		line := mark + cols([8]string{word, safe(v.Room), safe(v.Account), day(v.StartedAt, m.now(), m.opts.Zone), recordingLength(v, m.now()),
			recordingSize(v), tracks, safe(v.Kind)}, s.Text, ink, m.downloadCell(v, here))
		if i == r.list.Cursor {
			line = m.under(line, w, true)
		}
		out = append(out, line)
	}
	return out
}

// recordingLength is how long it is, or has been running.
func recordingLength(v app.Recording, now time.Time) string {
	switch {
	case v.DurationS > 0:
		return span(time.Duration(v.DurationS * float64(time.Second)))
	case v.Status == app.RecordingRunning && !v.StartedAt.IsZero():
		return span(since(v.StartedAt, now))
	}
	return theme.Nothing
}

// running says whether a recording that is visible counts time.
func (r *recordingsTab) running() bool {
	from, to := r.list.Range()
	for _, v := range r.shown[min(from, len(r.shown)):min(to, len(r.shown))] {
		if v.Status == app.RecordingRunning {
			return true
		}
	}
	return false
}

func recordingSize(v app.Recording) string {
	total := v.Size()
	if d := v.Download; d != nil && total <= 0 {
		total = d.Total
	}
	if total <= 0 {
		return theme.Nothing
	}
	return bytes(total)
}

// chosen gives the recording under the cursor.
func (r *recordingsTab) chosen() (app.Recording, bool) {
	if r.list.Cursor >= len(r.shown) {
		return app.Recording{}, false
	}
	return r.shown[r.list.Cursor], true
}

// detail draws what is known of the chosen recording, in at most h lines.
func (r *recordingsTab) detail(m *Model, w, h int) []string {
	v, ok := r.chosen()
	if !ok {
		return nil
	}
	s := m.st
	word, ink := m.recordingSign(v)
	about := []string{safe(cmpOr(v.Account, string(v.Platform)))}
	if v.Kind != "" {
		about = append(about, safe(v.Kind))
	}
	if !v.StartedAt.IsZero() && w < 52 {
		about = append(about, "began "+day(v.StartedAt, m.now(), m.opts.Zone))
	}
	if l := recordingLength(v, m.now()); l != theme.Nothing && w < 100 {
		about = append(about, l)
	}
	if v.Meeting == "" {
		about = append(about, "no matching meeting")
	}
	first, id := " "+ink.Render(word)+"   "+s.Muted.Render(strings.Join(about, " · ")), s.Faint.Render(safe(v.ID))
	out := []string{s.Spread(first, id+" ", w)}
	if s.Width(first)+s.Width(id)+2 > w {
		out = []string{s.Clip(first, w), "   " + s.Clip(id, w-4)}
	}
	if v.Error != "" {
		for _, l := range s.Wrap(safe(v.Error), w-4) {
			out = append(out, "   "+s.Bad.Render(l))
		}
	}
	out = append(out, m.downloadLines(v, w)...)
	for _, f := range v.Files {
		size := theme.Nothing
		if f.Size > 0 {
			size = bytes(f.Size)
		}
		out = append(out, "   "+columns(s.Ruler, column{text: safe(cmpOr(f.Name, f.Key)), w: w - 30, ink: s.Text},
			column{text: safe(f.Kind), w: 14, ink: s.Muted}, column{text: size, w: 8, ink: s.Muted, right: true}))
	}
	if over := len(out) - h; over > 0 {
		out = append(out[:max(h-1, 0)], "   "+s.Faint.Render("… "+itoa(over+1)+" more"))
	}
	return out[:min(len(out), h)]
}

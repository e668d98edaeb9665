package recordings

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/pane"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// Body implements [pane.Pane]: the list, with the details of the selected recording below it.
func (p *Pane) Body(y, h int) []string {
	note := p.filter.Note(len(p.shown), len(p.all))
	if limit := p.Status.Downloads.Limit; note == "" && limit > 0 {
		note = "at most " + words.Bytes(limit) + "/s"
	}
	if cut := p.cut(); cut != "" {
		note = strings.TrimPrefix(note+" · "+cut, " · ")
	}
	v, ok := p.chosen()
	list, detail := h-2, 0
	if ok && h >= 12 {
		// The details get the lines that the list does not need, and always some.
		detail = min(max(len(p.detail(p.W-2, h)), 3), max(h/3, 5, h-3-len(p.shown)-1))
		list = h - 3 - detail
	}
	lines := p.lines(p.W-2, list)
	p.ListZone(1, y+2, p.W-2, p.list.Height, &p.list, func(i int) tea.Cmd { p.list.Cursor = i; return nil }, nil)
	rows := [][]cell.Section{{p.Section("Recordings", pane.Notes(note, p.list.More()), lines, p.W, list, true)}}
	if detail > 0 {
		rows = append(rows, []cell.Section{p.Section(words.Safe(v.Room), "", p.detail(p.W-2, detail), p.W, detail, false)})
	}
	return p.Styles.Frame(rows...)
}

// cut returns how many recordings there are, if not all are listed.
func (p *Pane) cut() string {
	if p.total <= len(p.all) {
		return ""
	}
	return fmt.Sprintf("newest %d of %d", len(p.all), p.total)
}

// sign returns the word of a recording's state with its glyph, and its ink.
func (p *Pane) sign(v app.Recording) (string, theme.Ink) {
	if !v.DeletedAt.IsZero() {
		return theme.Ended + " deleted", p.Styles.Muted
	}
	switch v.Status {
	case app.RecordingRunning:
		return theme.Rec + " recording", p.Styles.Rec
	case app.RecordingProcessing:
		return theme.Pending + " processing", p.Styles.Warn
	case app.RecordingReady:
		return theme.Good + " ready", p.Styles.Good
	case app.RecordingFailed:
		return theme.Bad + " failed", p.Styles.Bad
	}
	return theme.Doubtful + " " + words.Safe(string(v.Status)), p.Styles.Muted
}

// lines draws the visible recordings, or why there are none.
func (p *Pane) lines(w, h int) []string {
	s := p.Styles
	if len(p.shown) == 0 {
		if why, ok := p.Empty("recording", p.RecordingsRead.Err, p.RecordingsRead.Ready, &p.filter, nil, w); ok {
			return why
		}
		out := []string{"", " " + s.Strong.Render("No recordings yet.")}
		for _, para := range []string{
			"Recordings of your meetings will be listed here, with their state, room, time, length and size.",
			"To record a room's meetings, choose a recording with " + p.Key(pane.EditRoom) + " on the Rooms tab; a recording " +
				"appears while it runs and is ready some time after the meeting. " + p.Key(download) + " downloads it then.",
		} {
			out = append(append(out, ""), s.Para(s.Muted, para, min(w, 78))...)
		}
		return out
	}
	p.list.Resize(len(p.shown), h-1)
	// A narrower list has fewer columns. The details below the list have the rest.
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
	if !slices.ContainsFunc(p.all, func(v app.Recording) bool { return v.Account != p.all[0].Account }) {
		acct = 0 // the column would be the same in every row
	}
	room := w - 2 - 12 - 2
	for _, c := range []int{acct, when, length, size, tracks, kind, here} {
		if c > 0 {
			room -= c + 1
		}
	}
	cols := func(cells [8]string, ink, si theme.Ink, last string) string {
		return pane.Columns(s.Ruler,
			pane.Column{Text: cells[0], W: 12, Ink: si}, pane.Column{Text: cells[1], W: room, Ink: ink}, pane.Column{Text: cells[2], W: acct, Ink: s.Muted},
			pane.Column{Text: cells[3], W: when, Ink: s.Muted}, pane.Column{Text: cells[4], W: length, Ink: s.Muted, Right: true},
			pane.Column{Text: cells[5], W: size, Ink: s.Muted, Right: true}, pane.Column{Text: cells[6], W: tracks, Ink: s.Muted, Right: true},
			pane.Column{Text: cells[7], W: kind, Ink: s.Muted}) + last
	}
	out := []string{" " + cols([8]string{"state", "room", "account", "when", "length", "size", "tracks", "kind"},
		s.Head, s.Head, s.Head.Render(s.Fit("downloaded", here)))}
	from, to := p.list.Range()
	for i := from; i < to; i++ {
		v := p.shown[i]
		word, ink := p.sign(v)
		tracks := theme.Nothing
		if len(v.Files) > 0 {
			tracks = strconv.Itoa(len(v.Files))
		}
		line := p.Marker(i == p.list.Cursor) + cols([8]string{word, words.Safe(v.Room), words.Safe(v.Account), p.Day(v.StartedAt), lengthOf(v, p.Now()),
			sizeOf(v), tracks, words.Safe(v.Kind)}, s.Text, ink, p.downloadCell(v, here))
		if i == p.list.Cursor {
			line = p.Selected(line, w, true)
		}
		out = append(out, line)
	}
	return out
}

// lengthOf returns the length of a recording, so far if it runs.
func lengthOf(v app.Recording, now time.Time) string {
	switch {
	case v.DurationS > 0:
		return words.Span(time.Duration(v.DurationS * float64(time.Second)))
	case v.Status == app.RecordingRunning && !v.StartedAt.IsZero():
		return words.Span(words.Since(v.StartedAt, now))
	}
	return theme.Nothing
}

// sizeOf returns the size of a recording, as far as it is known.
func sizeOf(v app.Recording) string {
	total := v.Size()
	if d := v.Download; d != nil && total <= 0 {
		total = d.Total
	}
	if total <= 0 {
		return theme.Nothing
	}
	return words.Bytes(total)
}

// detail draws the selected recording in at most h lines.
func (p *Pane) detail(w, h int) []string {
	v, ok := p.chosen()
	if !ok {
		return nil
	}
	s := p.Styles
	word, ink := p.sign(v)
	about := []string{words.Safe(cmp.Or(v.Account, string(v.Platform)))}
	if v.Kind != "" {
		about = append(about, words.Safe(v.Kind))
	}
	if !v.StartedAt.IsZero() && w < 52 {
		about = append(about, "began "+p.Day(v.StartedAt))
	}
	if l := lengthOf(v, p.Now()); l != theme.Nothing && w < 100 {
		about = append(about, l)
	}
	if v.Meeting == "" {
		about = append(about, "no matching meeting")
	}
	first, id := " "+ink.Render(word)+"   "+s.Muted.Render(strings.Join(about, " · ")), s.Faint.Render(words.Safe(v.ID))
	out := []string{s.Spread(first, id+" ", w)}
	if s.Width(first)+s.Width(id)+2 > w {
		out = []string{s.Clip(first, w), "   " + s.Clip(id, w-4)}
	}
	if v.Error != "" {
		for _, l := range s.Wrap(words.Safe(v.Error), w-4) {
			out = append(out, "   "+s.Bad.Render(l))
		}
	}
	out = append(out, p.downloadLines(v, w)...)
	for _, f := range v.Files {
		size := theme.Nothing
		if f.Size > 0 {
			size = words.Bytes(f.Size)
		}
		out = append(out, "   "+pane.Columns(s.Ruler, pane.Column{Text: words.Safe(cmp.Or(f.Name, f.Key)), W: w - 30, Ink: s.Text},
			pane.Column{Text: words.Safe(f.Kind), W: 14, Ink: s.Muted}, pane.Column{Text: size, W: 8, Ink: s.Muted, Right: true}))
	}
	if over := len(out) - h; over > 0 {
		out = append(out[:max(h-1, 0)], "   "+s.Faint.Render("… "+strconv.Itoa(over+1)+" more"))
	}
	return out[:min(len(out), h)]
}

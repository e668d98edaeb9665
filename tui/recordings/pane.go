// Package recordings is the Recordings tab: the recordings of the platforms and their downloads.
package recordings

import (
	"context"
	"slices"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/stable"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
)

// Pane is the tab.
type Pane struct {
	*pane.Screen

	// all are the newest recordings, total is how many there are.
	all, shown []app.Recording
	total      int
	filter     pane.Filter
	list       grid.List
}

// New makes the tab.
func New(s *pane.Screen) *Pane {
	p := &Pane{Screen: s}
	p.filter.Apply = p.narrow
	s.RecordingsRead = pane.NewSlot(s, "the recordings", pane.Always(p.read), func(r reading) tea.Cmd {
		p.all, p.total = r.list, r.total
		return p.narrow()
	})
	return p
}

// The actions that sentences of this tab refer to.
const (
	download       pane.Name = "recording.download"
	pauseDownload  pane.Name = "recording.pause"
	retryDownload  pane.Name = "recording.retry"
	cancelDownload pane.Name = "recording.cancel"
	openFile       pane.Name = "recording.open"
	copyPath       pane.Name = "recording.copy"
)

// Actions implements [pane.Pane], as do the methods below.
func (p *Pane) Actions() []pane.Action {
	return []pane.Action{
		{Name: download, Keys: "d", Word: "download", Long: "Download the recording", Footer: true, Aims: true, Why: p.whyNoDownload, Do: p.download},
		{Name: pauseDownload, Keys: "p", Word: "pause", Long: "Pause or resume the download", Footer: true, Aims: true, Why: p.whyNoPause, Do: p.pause},
		{Name: retryDownload, Keys: "r", Word: "retry", Long: "Try a failed download again", Footer: true, Aims: true, Why: p.whyNoRetry, Do: p.download},
		{Name: cancelDownload, Keys: "x", Word: "cancel", Long: "Cancel the download", Footer: true, Aims: true, Why: p.whyNoCancel, Do: p.cancel},
		{Name: openFile, Keys: "o", Word: "open", Long: "Open the downloaded recording", Footer: true, Aims: true, Why: p.whyNoFile, Do: p.open},
		{Name: "recording.reveal", Keys: "f", Word: "folder", Long: "Open the folder of the downloaded recording", Aims: true, Why: p.whyNoFile, Do: p.openFolder},
		{Name: copyPath, Keys: "y", Word: "copy path", Long: "Copy the path of the downloaded recording", Footer: true, Aims: true, Why: p.whyNoFile, Do: p.copyPath},
		{Name: "recording.delete", Keys: "D", Word: "delete", Long: "Delete the recording on the platform", Footer: true, Aims: true,
			Why: p.whyNoDeletion, Do: p.delete},
		{Name: "recording.limit", Keys: "L", Word: "limit", Long: "Limit the bandwidth of downloads", Do: p.limit},
	}
}

// Title implements [pane.Pane].
func (p *Pane) Title() string { return "Recordings" }

// Filter implements [pane.Pane].
func (p *Pane) Filter() *pane.Filter { return &p.filter }

// Refresh implements [pane.Pane].
func (p *Pane) Refresh() tea.Cmd { return p.RecordingsRead.Want() }

// Badge implements [pane.Badged]: the number of downloads under way.
func (p *Pane) Badge() string {
	if n := p.Fetching(); n > 0 {
		return " ↓" + strconv.Itoa(n)
	}
	return ""
}

// Changed implements [pane.Pane].
func (p *Pane) Changed(c pane.Changes) tea.Cmd {
	var cmd tea.Cmd
	if len(c.News) > 0 {
		cmd = p.update(c.News)
	}
	if c.Recordings {
		return tea.Batch(cmd, p.RecordingsRead.Want())
	}
	return cmd
}

// update replaces recordings by their new state and adds new ones.
func (p *Pane) update(news map[app.RecordingRef]app.Recording) tea.Cmd {
	for i, old := range p.all {
		if now, ok := news[old.Ref()]; ok {
			p.all[i] = now
			delete(news, old.Ref())
		}
	}
	for _, now := range news {
		p.all = append(p.all, now)
	}
	stable.Sort(p.all, func(a, b app.Recording) int { return b.StartedAt.Compare(a.StartedAt.Time) })
	return p.narrow()
}

// narrow applies the filter and keeps the cursor on its recording.
func (p *Pane) narrow() tea.Cmd {
	was, had := p.chosen()
	p.shown = nil
	for _, v := range p.all {
		if p.filter.Matches(v.Room, v.Account, string(v.Status), v.Kind) {
			p.shown = append(p.shown, v)
		}
	}
	p.list.Resize(len(p.shown), p.list.Height)
	if i := slices.IndexFunc(p.shown, func(v app.Recording) bool { return v.Ref() == was.Ref() }); had && i >= 0 {
		p.list.Move(i - p.list.Cursor)
	}
	return nil
}

// Move implements [pane.Pane].
func (p *Pane) Move(m pane.Motion) tea.Cmd {
	if m == pane.Out {
		p.filter.Clear()
		return p.narrow()
	}
	m.Move(&p.list)
	return nil
}

// Target implements [pane.Pane].
func (p *Pane) Target() (id string, empty bool) {
	if v, ok := p.chosen(); ok {
		return v.Account + "\x00" + v.ID, false
	}
	return "", p.RecordingsRead.Ready
}

// chosen returns the recording under the cursor.
func (p *Pane) chosen() (app.Recording, bool) {
	if p.list.Cursor >= len(p.shown) {
		return app.Recording{}, false
	}
	return p.shown[p.list.Cursor], true
}

// Pace implements [pane.Pane]: a visible recording that runs counts seconds.
func (p *Pane) Pace() time.Duration {
	from, to := p.list.Range()
	for _, v := range p.shown[min(from, len(p.shown)):min(to, len(p.shown))] {
		if v.Status == app.RecordingRunning {
			return time.Second
		}
	}
	return 0
}

// Guide implements [pane.Pane].
func (p *Pane) Guide() string {
	back := p.Key(pane.TabRooms)
	switch {
	case p.Fetching() > 0:
		return p.Key(pauseDownload) + " pauses and resumes a download, " + p.Key(openFile) + " opens a downloaded recording."
	case p.whyNoDownload() == "":
		return p.Key(download) + " downloads the recording, " + p.Key(pane.MoveDown) + " goes to the next, " + back + " back to the rooms."
	case p.whyNoFile() == "":
		return p.Key(openFile) + " opens the file, " + p.Key(copyPath) + " copies its path, " + back + " goes back to the rooms."
	}
	return back + " goes back to the rooms."
}

// Fetching counts the downloads under way.
func (p *Pane) Fetching() (n int) {
	for _, v := range p.all {
		if v.Download != nil && v.Download.State.Active() {
			n++
		}
	}
	return n
}

// Progress returns the progress of all downloads together, nil if none runs.
func (p *Pane) Progress() *tea.ProgressBar {
	var bytes, total int64
	running, known := 0, true
	for _, v := range p.all {
		d := v.Download
		if d == nil || d.State != app.DownloadRunning && d.State != app.DownloadVerifying {
			continue
		}
		running++
		known = known && d.Total > 0
		bytes, total = bytes+d.Bytes, total+d.Total
	}
	switch {
	case running == 0:
		return nil
	case !known || total == 0:
		return tea.NewProgressBar(tea.ProgressBarIndeterminate, 0)
	}
	return tea.NewProgressBar(tea.ProgressBarDefault, int(min(bytes, total)*100/total))
}

// most is how many recordings are listed.
const most = 500

// reading is the newest recordings, and how many there are.
type reading struct {
	list  []app.Recording
	total int
}

func (p *Pane) read(ctx context.Context) (reading, error) {
	list, err := p.Backend.Recordings(ctx, app.RecordingQuery{Limit: most})
	r := reading{list: list, total: len(list)}
	if err != nil || len(list) < most {
		return r, err
	}
	n, err := p.Backend.Counts(ctx, app.CountQuery{Recordings: &app.RecordingQuery{}})
	r.total = max(r.total, n.Recordings)
	return r, err
}

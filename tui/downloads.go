package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
)

// changed takes recordings over as the stream told of them, and keeps the cursor where it was.
func (r *recordingsTab) changed(news map[app.RecordingRef]app.Recording) {
	for i, old := range r.all {
		if now, ok := news[old.Ref()]; ok {
			r.all[i] = now
			delete(news, old.Ref())
		}
	}
	for _, now := range news {
		r.all = append(r.all, now)
	}
	slices.SortStableFunc(r.all, func(a, b app.Recording) int { return b.StartedAt.Compare(a.StartedAt.Time) })
	r.keep()
}

// keep narrows anew, with the cursor on the recording where it was.
func (r *recordingsTab) keep() {
	was, had := r.chosen()
	r.narrow()
	if !had {
		return
	}
	if i := slices.IndexFunc(r.shown, func(v app.Recording) bool { return v.Ref() == was.Ref() }); i >= 0 {
		r.list.Cursor = i
		r.list.Move(0)
	}
}

// fetching counts the downloads that go on.
func (r *recordingsTab) fetching() (n int) {
	for _, v := range r.all {
		if v.Download != nil && v.Download.State.Active() {
			n++
		}
	}
	return n
}

// badge is what the tab's name says of downloads, empty when none goes on.
func (r *recordingsTab) badge() string {
	if n := r.fetching(); n > 0 {
		return " ↓" + itoa(n)
	}
	return ""
}

// progress is that of all downloads together, for the terminal's own indicator; nil when none runs.
func (r *recordingsTab) progress() *tea.ProgressBar {
	var bytes, total int64
	running, known := 0, true
	for _, v := range r.all {
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

// hasIndicator says whether the terminal shows OSC 9;4 as progress. Others take it for a message to the user, or print it.
func hasIndicator(env []string) bool {
	get := func(name string) string {
		for _, kv := range slices.Backward(env) {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				return v
			}
		}
		return ""
	}
	if get("TMUX") != "" || get("STY") != "" {
		return false
	}
	vte := get("VTE_VERSION")
	switch {
	case get("WT_SESSION") != "", get("ConEmuANSI") == "ON", get("TERM") == "xterm-ghostty":
		return true
	case get("TERM_PROGRAM") == "WezTerm", get("TERM_PROGRAM") == "ghostty":
		return true
	}
	return len(vte) > 4 || len(vte) == 4 && vte >= "8000"
}

package tui

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
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

// share is how far a download is, in hundredths; -1 while its size isn't known.
func share(d app.Download) int {
	if d.Total <= 0 {
		return -1
	}
	return int(min(d.Bytes, d.Total) * 100 / d.Total)
}

// bar draws a share in w cells.
func bar(s *theme.Styles, percent, w int, ink theme.Ink) string {
	full := max(percent, 0) * w / 100
	return ink.Render(strings.Repeat("█", full)) + s.Faint.Render(strings.Repeat("░", w-full))
}

// downloadCell is a recording's download in a row of the list, in w cells.
func (m *Model) downloadCell(v app.Recording, w int) string {
	s, d := m.st, v.Download
	word := func(ink theme.Ink, text string) string { return ink.Render(s.Fit(text, w)) }
	if d == nil || d.State == app.DownloadCancelled {
		return word(s.Faint, theme.Nothing)
	}
	percent := share(*d)
	switch d.State {
	case app.DownloadRunning:
		if percent < 0 {
			return word(s.Accent, "↓ "+bytes(d.Bytes))
		}
		tail := itoa(percent) + "%"
		if w >= 24 && d.Rate > 0 {
			tail += " " + bytes(d.Rate) + "/s"
		}
		room := max(w-max(s.Width(tail), 4)-1, 0)
		return bar(s, percent, room, s.Accent) + cell.Spaces(1) + s.Text.Render(s.FitRight(tail, w-room-1))
	case app.DownloadVerifying:
		return word(s.Accent, theme.Pending+" verifying")
	case app.DownloadWaiting:
		return word(s.Muted, theme.Pending+" waiting")
	case app.DownloadPaused:
		text := "‖ paused"
		if percent >= 0 {
			text += " " + itoa(percent) + "%"
		}
		return word(s.Warn, text)
	case app.DownloadDone:
		if d.Note != "" {
			return word(s.Good, theme.Good+" here "+theme.Doubtful)
		}
		return word(s.Good, theme.Good+" here")
	case app.DownloadFailed:
		return word(s.Bad, theme.Bad+" failed")
	}
	return word(s.Muted, safe(string(d.State)))
}

// downloadLines tell of the chosen recording's download in full.
func (m *Model) downloadLines(v app.Recording, w int) []string {
	s, d := m.st, v.Download
	if d == nil {
		return nil
	}
	var out []string
	say := func(ink theme.Ink, text string) {
		if text == "" {
			return
		}
		for _, l := range s.Wrap(safe(text), w-4) {
			out = append(out, "   "+ink.Render(l))
		}
	}
	percent := share(*d)
	far := bytes(d.Bytes)
	if percent >= 0 {
		far = itoa(percent) + "%  " + far + " of " + bytes(d.Total)
	}
	switch d.State {
	case app.DownloadRunning:
		tail := far
		if d.Rate > 0 {
			tail += "   " + bytes(d.Rate) + "/s"
		}
		if d.ETAS > 0 {
			tail += "   " + span(time.Duration(d.ETAS*float64(time.Second))) + " left"
		}
		if room := min(w-s.Width(tail)-6, 40); percent >= 0 && room >= 8 {
			out = append(out, "   "+bar(s, percent, room, s.Accent)+" "+s.Text.Render(tail))
		} else {
			say(s.Text, tail)
		}
		if d.Reason != "" {
			say(s.Warn, "trying again: "+d.Reason)
		}
	case app.DownloadVerifying:
		say(s.Accent, "every byte is here; the file is being verified")
	case app.DownloadWaiting:
		say(s.Muted, "waiting: "+d.Reason+m.retryNote(*d))
	case app.DownloadPaused:
		say(s.Warn, "paused at "+far+": "+d.Reason+m.retryNote(*d)+"; "+m.keys.name(actPauseDownload)+" goes on")
	case app.DownloadFailed:
		say(s.Bad, "not downloaded: "+d.Reason)
		say(s.Muted, strings.TrimSpace(d.Hint+"  "+m.keys.name(actRetryDownload)+" tries again"))
	case app.DownloadDone:
		say(s.Good, theme.Good+" "+d.Path)
		say(s.Warn, d.Note)
		if c := d.Command; c != nil && c.State != app.CommandDone {
			text := "on_download: " + c.State
			if c.Reason != "" {
				text += ", " + c.Reason
			}
			say(s.Muted, text)
		}
		if d.Kept != "" {
			say(s.Warn, "still on the platform: "+d.Kept)
		}
	}
	if d.State.Active() && d.Note != "" {
		say(s.Muted, d.Note)
	}
	return out
}

func (m *Model) retryNote(d app.Download) string {
	if d.RetryAt.IsZero() {
		return ""
	}
	return "; tried again at " + m.hhmmss(d.RetryAt)
}

// whyNoDownload says what stands in the way of something that is done with the chosen recording; empty when nothing does.
func (m *Model) whyNoDownload(a Action) string {
	if m.tab != tabRecordings {
		return "That is done on the Recordings tab: " + m.keys.name(actRecs)
	}
	v, ok := m.recs.chosen()
	if !ok {
		return "There is no recording to do that with"
	}
	var state app.DownloadState
	waits := false
	if d := v.Download; d != nil {
		state, waits = d.State, !d.RetryAt.IsZero()
	}
	here := state == app.DownloadDone
	switch k := m.keys.name; a {
	case actDownload:
		switch {
		case here:
			return "It is here already: " + k(actOpenFile) + " opens it"
		case state.Active():
			return "It is being downloaded: " + k(actPauseDownload) + " pauses it"
		case !v.DeletedAt.IsZero():
			return "It was deleted on the platform"
		case v.Status == app.RecordingFailed:
			return "The recording has failed: there is nothing to download"
		}
		return m.cannot(v.Account, app.AbilityDownload)
	case actPauseDownload:
		if !state.Active() && state != app.DownloadPaused {
			return "It is not being downloaded: " + k(actDownload) + " does that"
		}
	case actCancelDownload:
		if !state.Active() && state != app.DownloadPaused && state != app.DownloadFailed {
			return "There is no download to give up"
		}
	case actRetryDownload:
		if state != app.DownloadFailed && !waits {
			return "No download has failed here"
		}
	case actOpenFile, actReveal, actCopyPath:
		if !here {
			return "It is not here yet: " + k(actDownload) + " downloads it"
		}
	case actDeleteRecording:
		switch {
		case !v.DeletedAt.IsZero():
			return "It was deleted on the platform already"
		case v.Status == app.RecordingRunning:
			return "It is still being recorded"
		case state.Active():
			return "It is being downloaded: " + k(actCancelDownload) + " gives that up"
		}
		return m.cannot(v.Account, app.AbilityDeleteRecording)
	}
	return ""
}

// actOnRecording does something with the chosen recording.
func (m *Model) actOnRecording(a Action) tea.Cmd {
	v, _ := m.recs.chosen()
	name := cmpOr(v.Room, v.ID)
	b, ref := m.backend, v.Ref()
	switch a {
	case actDownload, actRetryDownload:
		return m.download(v)
	case actPauseDownload:
		if v.Download.State == app.DownloadPaused {
			return m.download(v)
		}
		return m.onRecording("pause the download", ref, b.PauseDownload, "Paused "+name, m.keys.name(actPauseDownload)+" goes on")
	case actCancelDownload:
		m.dialogs.Push(&dialog.Confirm{
			Title: "Give up the download of " + safe(name) + "?", Yes: "Give it up", No: "Keep it", Danger: true,
			Text: "What was fetched until now is removed. The recording stays on the platform.",
			OnYes: func() tea.Cmd {
				return m.onRecording("give the download up", ref, b.CancelDownload, "Gave up "+name, "")
			},
		})
	case actOpenFile:
		return m.openPath(v.Download.Path, v.Download.Path, "Opened "+name)
	case actReveal:
		folder := v.Download.Path
		if len(v.Download.Files) <= 1 {
			folder = filepath.Dir(folder)
		}
		return m.openPath(folder, v.Download.Path, "Opened the folder of "+name)
	case actCopyPath:
		return m.copyText("Path of "+name, v.Download.Path, "")
	case actDeleteRecording:
		m.deleteRecording(v, name)
	}
	return nil
}

// onRecording makes a call about one recording, and says what came of it.
func (m *Model) onRecording(
	doing string, ref app.RecordingRef, call func(context.Context, app.RecordingRef) (app.Recording, error), done, hint string,
) tea.Cmd {
	return try(m, doing, nil, func(ctx context.Context) (app.Recording, error) { return call(ctx, ref) },
		func(now app.Recording) tea.Cmd {
			m.recs.changed(map[app.RecordingRef]app.Recording{now.Ref(): now})
			return m.say(done, hint)
		})
}

func (m *Model) download(v app.Recording) tea.Cmd {
	b := m.backend
	begin := func(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
		return b.DownloadRecording(ctx, app.DownloadRequest{RecordingRef: ref, Wait: true})
	}
	what := "Downloading "
	if v.Status != app.RecordingReady {
		what = "Downloads when it is ready: "
	}
	return m.onRecording("download", v.Ref(), begin, what+cmpOr(v.Room, v.ID),
		m.keys.name(actPauseDownload)+" pauses it, "+m.keys.name(actCancelDownload)+" gives it up")
}

// limits are the bandwidths to choose from, in bytes per second; 0 is none.
var limits = []int64{0, 50_000_000, 20_000_000, 10_000_000, 5_000_000, 2_000_000, 1_000_000, 500_000, 200_000, 100_000}

// limitMenu changes the bandwidth of all downloads at once.
func (m *Model) limitMenu() *dialog.Menu {
	menu := &dialog.Menu{Title: "Bandwidth of all downloads together"}
	now := m.status.status.Downloads.Limit
	for i, limit := range limits {
		label := "no limit"
		if limit > 0 {
			label = bytes(limit) + "/s"
		}
		key := ""
		if limit == now {
			key = "now"
			defer menu.Choose(i)
		}
		menu.Items = append(menu.Items, dialog.Item{Label: label, Key: key, Do: func() tea.Cmd {
			b := m.backend
			return try(m, "limit the downloads", nil,
				func(ctx context.Context) (app.DownloadLimit, error) {
					return b.LimitDownloads(ctx, app.DownloadLimit{BytesPerSecond: limit})
				},
				func(l app.DownloadLimit) tea.Cmd {
					m.status.status.Downloads.Limit = l.BytesPerSecond
					text := "Downloads have no limit"
					if l.BytesPerSecond > 0 {
						text = "Downloads have " + bytes(l.BytesPerSecond) + "/s together"
					}
					return m.say(text, "Until this Greenroom ends; limit_rate in the file is for ever.")
				})
		}})
	}
	return menu
}

func (m *Model) deleteRecording(v app.Recording, name string) {
	text := "It is not downloaded, and can't be had back."
	if d := v.Download; d != nil && d.State == app.DownloadDone {
		text = "What was downloaded stays: " + safe(d.Path)
	}
	m.dialogs.Push(&dialog.Confirm{
		Title: "Delete the recording of " + safe(name) + " on " + safe(string(v.Platform)) + "?", Yes: "Delete it", No: "Keep it",
		Danger: true, Text: text,
		OnYes: func() tea.Cmd {
			m.working("Deleting the recording of " + name)
			return m.onRecording("delete the recording", v.Ref(), m.backend.DeleteRecording, "Deleted the recording of "+name+" on the platform", "")
		},
	})
}

// openPath hands a file or folder to the system's opener; where there is none, path is shown.
func (m *Model) openPath(what, path, done string) tea.Cmd {
	open := m.opts.Open
	byHand := func(title string) tea.Cmd {
		m.dialogs.Push(textSheet(title, "It is here:", path))
		return nil
	}
	if open == nil {
		return byHand("There is nothing here to open it with")
	}
	return try(m, "open", nil, func(context.Context) (opening, error) { return opening{open(fileURL(what))}, nil },
		func(o opening) tea.Cmd {
			if o.err != nil {
				return byHand("It can't be opened (" + safe(o.err.Error()) + ")")
			}
			return m.say(done, "")
		})
}

// fileURL is a path as the system's opener takes it.
func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive's letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

package tui

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
)

// whyNoDownload says what stands in the way of something that is done with the chosen recording; empty when nothing does.
func (m *Model) whyNoDownload(a Action) string {
	if m.tab != tabRecordings {
		return "Use this on the Recordings tab: " + m.keys.name(actRecs)
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
		case here && v.Download.Finding() == "":
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
		return m.onRecording("pause the download", ref, b.PauseDownload, "Paused "+name, m.keys.name(actPauseDownload)+" resumes")
	case actCancelDownload:
		m.dialogs.Push(&dialog.Confirm{
			Title: "Cancel the download of " + safe(name) + "?", Yes: "Cancel download", No: "Keep it", Danger: true,
			Text: "What was fetched is removed. The recording stays on the platform.",
			OnYes: func() tea.Cmd {
				return m.onRecording("cancel the download", ref, b.CancelDownload, "Canceled "+name, "")
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
		m.keys.name(actPauseDownload)+" pause, "+m.keys.name(actCancelDownload)+" cancel")
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
					return m.say(text, "For this session. Set limit_rate in the config to make it permanent.")
				})
		}})
	}
	return menu
}

func (m *Model) deleteRecording(v app.Recording, name string) {
	text := "It hasn't been downloaded and can't be recovered."
	if d := v.Download; d != nil && d.State == app.DownloadDone {
		text = "What was downloaded stays: " + safe(d.Path)
	}
	m.dialogs.Push(&dialog.Confirm{
		Title: "Delete the recording of " + safe(name) + " on " + safe(string(v.Platform)) + "?", Yes: "Delete", No: "Keep",
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
		m.failed(title, &app.Error{Text: title})
		m.dialogs.Push(textSheet(title, "It is here:", path))
		return nil
	}
	if open == nil {
		return byHand("No program found to open it with")
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

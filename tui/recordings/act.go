package recordings

import (
	"cmp"
	"context"
	"net/url"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// state returns the selected recording and the state of its download; ok is false if none is selected.
func (p *Pane) state() (v app.Recording, state app.DownloadState, ok bool) {
	v, ok = p.chosen()
	if v.Download != nil {
		state = v.Download.State
	}
	return v, state, ok
}

// none is why nothing can be done without a selected recording.
const none = "No recording is selected"

// whyNoDownload returns why the selected recording can't be downloaded.
func (p *Pane) whyNoDownload() string {
	v, state, ok := p.state()
	switch {
	case !ok:
		return none
	case state == app.DownloadDone && v.Download.Finding() == "":
		return "It is already downloaded: " + p.Key(openFile) + " opens it"
	case state.Active():
		return "It is being downloaded: " + p.Key(pauseDownload) + " pauses it"
	case !v.DeletedAt.IsZero():
		return "It was deleted on the platform"
	case v.Status == app.RecordingFailed:
		return "The recording has failed: there is nothing to download"
	}
	return p.Cannot(v.Account, provider.AbilityDownload)
}

// download begins or resumes the download of the selected recording.
func (p *Pane) download() tea.Cmd {
	v, _ := p.chosen()
	begin := func(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
		return p.Backend.DownloadRecording(ctx, app.DownloadRequest{RecordingRef: ref, Wait: true})
	}
	what := "Downloading "
	if v.Status != app.RecordingReady {
		what = "Will download when ready: "
	}
	return p.call("download", v.Ref(), begin, what+name(v), p.Key(pauseDownload)+" pause, "+p.Key(cancelDownload)+" cancel")
}

func (p *Pane) whyNoPause() string {
	_, state, ok := p.state()
	switch {
	case !ok:
		return none
	case !state.Active() && state != app.DownloadPaused:
		return "It is not being downloaded: " + p.Key(download) + " does that"
	}
	return ""
}

// pause pauses the download, or resumes a paused one.
func (p *Pane) pause() tea.Cmd {
	v, state, _ := p.state()
	if state == app.DownloadPaused {
		return p.download()
	}
	return p.call("pause the download", v.Ref(), p.Backend.PauseDownload, "Paused "+name(v), p.Key(pauseDownload)+" resumes")
}

func (p *Pane) whyNoRetry() string {
	v, state, ok := p.state()
	switch {
	case !ok:
		return none
	case state != app.DownloadFailed && (v.Download == nil || v.Download.RetryAt.IsZero()):
		return "This download hasn't failed"
	}
	return ""
}

func (p *Pane) whyNoCancel() string {
	_, state, ok := p.state()
	switch {
	case !ok:
		return none
	case !state.Active() && state != app.DownloadPaused && state != app.DownloadFailed:
		return "There is no download to cancel"
	}
	return ""
}

// cancel asks whether to cancel the download.
func (p *Pane) cancel() tea.Cmd {
	v, _ := p.chosen()
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Cancel the download of " + words.Safe(name(v)) + "?", Yes: "Cancel download", No: "Keep it", Danger: true,
		Text: "The data fetched so far is deleted. The recording stays on the platform.",
		OnYes: func() tea.Cmd {
			return p.call("cancel the download", v.Ref(), p.Backend.CancelDownload, "Cancelled "+name(v), "")
		},
	})
}

// whyNoFile returns why there is no downloaded file to use.
func (p *Pane) whyNoFile() string {
	_, state, ok := p.state()
	switch {
	case !ok:
		return none
	case state != app.DownloadDone:
		return "It isn't downloaded yet: " + p.Key(download) + " downloads it"
	}
	return ""
}

// open opens the downloaded recording with the system's program.
func (p *Pane) open() tea.Cmd {
	v, _ := p.chosen()
	return p.openPath(v.Download.Path, v.Download.Path, "Opened "+name(v))
}

// openFolder opens the folder of the downloaded recording.
func (p *Pane) openFolder() tea.Cmd {
	v, _ := p.chosen()
	folder := v.Download.Path
	if len(v.Download.Files) <= 1 {
		folder = filepath.Dir(folder)
	}
	return p.openPath(folder, v.Download.Path, "Opened the folder of "+name(v))
}

// openPath opens a file or folder. If that is impossible, the path of the recording is shown.
func (p *Pane) openPath(what, path, done string) tea.Cmd {
	return p.OpenURL(fileURL(what), done, func(err error) tea.Cmd {
		title := "No program found to open it with"
		if err != nil {
			title = "It couldn't be opened (" + words.Safe(err.Error()) + ")"
		}
		p.Failed(title, &app.Error{Text: title})
		p.ShowText(title, "It is at:", path)
		return nil
	})
}

// copyPath copies the path of the downloaded recording.
func (p *Pane) copyPath() tea.Cmd {
	v, _ := p.chosen()
	return p.CopyText(pane.Copied{What: "Path of " + name(v)}, v.Download.Path)
}

func (p *Pane) whyNoDeletion() string {
	v, state, ok := p.state()
	switch {
	case !ok:
		return none
	case !v.DeletedAt.IsZero():
		return "It was already deleted on the platform"
	case v.Status == app.RecordingRunning:
		return "It is still being recorded"
	case state.Active():
		return "It is being downloaded: " + p.Key(cancelDownload) + " cancels that"
	}
	return p.Cannot(v.Account, provider.AbilityDeleteRecording)
}

// delete asks whether to delete the recording on the platform.
func (p *Pane) delete() tea.Cmd {
	v, state, _ := p.state()
	text := "It hasn't been downloaded and can't be recovered."
	if state == app.DownloadDone {
		text = "The downloaded file stays: " + words.Safe(v.Download.Path)
	}
	return p.Dialogs.Push(&dialog.Confirm{
		Title: "Delete the recording of " + words.Safe(name(v)) + " on " + words.Safe(string(v.Platform)) + "?", Yes: "Delete", No: "Keep",
		Danger: true, Text: text,
		OnYes: func() tea.Cmd {
			p.Working("Deleting the recording of " + name(v))
			return p.call("delete the recording", v.Ref(), p.Backend.DeleteRecording, "Deleted the recording of "+name(v)+" on the platform", "")
		},
	})
}

// name returns the name of a recording for messages.
func name(v app.Recording) string { return cmp.Or(v.Room, v.ID) }

// call makes a call about one recording and shows its result.
func (p *Pane) call(
	doing string, ref app.RecordingRef, call func(context.Context, app.RecordingRef) (app.Recording, error), done, hint string,
) tea.Cmd {
	return pane.Try(p.Screen, doing, nil, func(ctx context.Context) (app.Recording, error) { return call(ctx, ref) },
		func(now app.Recording) tea.Cmd {
			return tea.Batch(p.update(map[app.RecordingRef]app.Recording{now.Ref(): now}), p.Say(done, hint))
		})
}

// limits are the bandwidths to choose from, in bytes per second; 0 is no limit.
var limits = []int64{0, 50_000_000, 20_000_000, 10_000_000, 5_000_000, 2_000_000, 1_000_000, 500_000, 200_000, 100_000}

// limit asks for the bandwidth of all downloads together.
func (p *Pane) limit() tea.Cmd {
	menu := &dialog.Menu{Title: "Bandwidth for all downloads together"}
	now := p.Status.Downloads.Limit
	for i, limit := range limits {
		label := "no limit"
		if limit > 0 {
			label = words.Bytes(limit) + "/s"
		}
		key := ""
		if limit == now {
			key = "now"
			defer menu.Choose(i)
		}
		menu.Items = append(menu.Items, dialog.Item{Label: label, Key: key, Do: func() tea.Cmd {
			return pane.Try(p.Screen, "limit the downloads", nil,
				func(ctx context.Context) (app.DownloadLimit, error) {
					return p.Backend.LimitDownloads(ctx, app.DownloadLimit{BytesPerSecond: limit})
				},
				func(l app.DownloadLimit) tea.Cmd {
					p.Status.Downloads.Limit = l.BytesPerSecond
					text := "Downloads have no limit"
					if l.BytesPerSecond > 0 {
						text = "Downloads have " + words.Bytes(l.BytesPerSecond) + "/s together"
					}
					return p.Say(text, "For this session. Set limit_rate in the config to make it permanent.")
				})
		}})
	}
	return p.Dialogs.Push(menu)
}

// fileURL returns a path as a URL for the system's opener.
func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive's letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

package tui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// fetched are recordings whose downloads are in every state.
func fetched(b *tuitest.Backend) {
	const mb = 1_000_000
	recording := func(id, room string, ago time.Duration, d *app.Download) {
		b.Recs = append(b.Recs, app.Recording{
			ID: id, Account: "daily", Platform: provider.Daily, Room: room, Status: app.RecordingReady, Kind: "cloud", Meeting: "m",
			StartedAt: b.Ago(ago), DurationS: 2523, Files: []provider.RecordingFile{{Name: id + ".mp4", Kind: "video", Size: 40 * mb}}, Download: d,
		})
	}
	recording("new", "board", time.Hour, nil)
	recording("running", "all-hands", 2*time.Hour, &app.Download{State: app.DownloadRunning, Bytes: 18 * mb, Total: 40 * mb, Rate: 3_100_000, ETAS: 7.1})
	recording("waiting", "design", 3*time.Hour, &app.Download{State: app.DownloadWaiting, Total: 40 * mb, Reason: "others are first"})
	recording("verifying", "weekly", 4*time.Hour, &app.Download{State: app.DownloadVerifying, Bytes: 40 * mb, Total: 40 * mb})
	recording("paused", "office", 5*time.Hour, &app.Download{State: app.DownloadPaused, Bytes: 10 * mb, Total: 40 * mb, Reason: "paused by hand"})
	recording("done", "retro", 30*time.Hour, &app.Download{State: app.DownloadDone, Bytes: 40 * mb, Total: 40 * mb, Path: "/home/ada/Downloads/greenroom/retro/a b.mp4",
		Note: "no audio", Files: []app.DownloadedFile{{Path: "/home/ada/Downloads/greenroom/retro/a b.mp4", Size: 40 * mb}},
		Command: &app.DownloadCommand{State: app.CommandFailed, Reason: "whisper: exit status 1"}})
	recording("failed", "sales", 40*time.Hour, &app.Download{State: app.DownloadFailed, Bytes: 20 * mb, Total: 40 * mb,
		Reason: "the source refuses access (403 Forbidden)", Hint: "let the role read the bucket acme: s3:GetObject"})
	recording("unknown", "stand-up", 50*time.Hour, &app.Download{State: app.DownloadRunning, Bytes: 5 * mb})
	recording("deleted", "old", 60*time.Hour, nil)
	b.Recs[len(b.Recs)-1].DeletedAt = b.Ago(time.Hour)
}

func TestARecordingIsDownloadedPausedAndOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, fetched)
		p.sees("Recordings ↓4").opens("Recordings").sees("{recording.download} download", "▌✓ ready", "├ board")
		p.does("recording.download").sees("Downloading board", "{recording.pause} pause, {recording.cancel} cancel", "◌ waiting", "Recordings ↓5")
		p.backend.Progress("new", func(d *app.Download) {
			d.State, d.Bytes, d.Total, d.Rate, d.ETAS = app.DownloadRunning, 10_000_000, 40_000_000, 2_000_000, 15
		})
		p.sees("25%", "10 MB of 40 MB", "2.0 MB/s", "00:15 left")
		p.does("recording.download").sees("It is being downloaded: {recording.pause} pause")
		p.does("recording.pause").sees("Paused board", "‖ paused 25%", "paused at 25%").misses("00:15 left")
		p.does("recording.pause").sees("Downloading board", "◌ waiting")
		p.backend.Progress("new", func(d *app.Download) { d.State = app.DownloadVerifying })
		p.sees("◌ verifying", "the file is being verified")
		path := "/v/board é.mp4"
		p.backend.Progress("new", func(d *app.Download) {
			*d = app.Download{State: app.DownloadDone, Bytes: 4e7, Total: 4e7, Path: path, Files: []app.DownloadedFile{{Path: path}}}
		})
		p.sees("✓ here", "✓ "+path, "Recordings ↓4")
		p.does("recording.open").sees("Opened board").does("recording.reveal").sees("Opened the folder of board")
		p.does("recording.copy").sees("Path of board copied").does("recording.download").sees("It is already downloaded: {recording.open} opens it")
		p.mu.Lock()
		defer p.mu.Unlock()
		if got := strings.Join(p.opened, " "); got != "file:///v/board%20%C3%A9.mp4 file:///v" || strings.Join(p.copied, "") != path {
			t.Errorf("opened %q, copied %q", p.opened, p.copied)
		}
	})
}

func TestADownloadThatFailedSaysWhyAndIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, fetched)
		p.opens("Recordings").clicks("✗ failed").sees("├ sales", "not downloaded: the source refuses access (403 Forbidden)", "let the role read the bucket acme", "{recording.retry} tries again")
		p.does("recording.retry").sees("Downloading sales", "◌ waiting")
		p.does("recording.retry").sees("This download hasn't failed")
		p.does("recording.cancel").sees("Cancel the download of sales?", "[ Keep it ]").presses("enter")
		if p.backend.Count("CancelDownload") != 0 {
			t.Error("it was cancelled without a yes")
		}
		p.does("recording.cancel").presses("y").sees("Cancelled sales").does("recording.cancel").sees("There is no download to cancel")
	})
}

func TestARecordingIsDeletedOnlyAfterAYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, fetched)
		p.opens("Recordings").does("recording.delete").sees("Delete the recording of board on daily?", "can't be recovered", "[ Keep ]").presses("enter")
		if p.backend.Count("DeleteRecording") != 0 {
			t.Fatal("it was deleted without a yes")
		}
		p.does("recording.delete").presses("y").sees("Deleted the recording of board", "· deleted").does("recording.delete").sees("It was already deleted on the platform")
		p.does("recording.download").sees("It was deleted on the platform")
		p.moves("down").does("recording.delete").sees("It is being downloaded: {recording.cancel} cancels that")
		p.clicks("retro").does("recording.delete").sees("The downloaded file stays:", "retro/a b.mp4").presses("esc")
		p.backend.Fail = &app.Error{Kind: provider.Forbidden, Text: "daily: delete recording: forbidden", Hint: "the key may not do this"}
		p.does("recording.delete").presses("y").sees("delete the recording: daily: delete recording: forbidden", "the key may not do this")
	})
}

func TestWhatAnAccountCannotDoIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			fetched(b)
			b.Stat.Accounts[0].Cannot = map[provider.Ability]string{
				provider.AbilityDownload: "there is no bucket", provider.AbilityDeleteRecording: "daily deletes nothing",
			}
		})
		p.opens("Recordings").does("recording.download").sees("there is no bucket").does("recording.delete").sees("daily deletes nothing")
		p.opens("Rooms").does("palette").types("download").sees("Download the recording", "Use this on the Recordings tab")
	})
}

// News moves rows; the cursor stays on the recording that it is on.
func TestTheCursorStaysOnItsRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, fetched)
		p.opens("Recordings").moves("down", "down").sees("├ design")
		now := app.Recording{ID: "newest", Account: "daily", Room: "just now", Status: app.RecordingReady, StartedAt: p.backend.Ago(0)}
		p.backend.Lock()
		p.backend.Recs = append([]app.Recording{now}, p.backend.Recs...)
		p.backend.Unlock()
		p.backend.Publish(app.Change{Kind: app.RecordingChange, Recording: &now})
		p.sees("just now", "├ design")
		before := p.backend.Count("Recordings")
		p.backend.Progress("running", func(d *app.Download) { d.Bytes = 20_000_000 })
		p.sees("50%")
		if p.backend.Count("Recordings") != before {
			t.Error("the list is read again for a change that the stream included")
		}
	})
}

func TestALongListOfRecordingsSaysWhatItLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			for i := range 812 {
				b.Recs = append(b.Recs, app.Recording{ID: fmt.Sprint(i), Account: "daily", Room: "archive", Status: app.RecordingReady})
			}
		})
		p.opens("Recordings").sees("newest 500 of 812")
	})
}

func TestQuittingSaysThatDownloadsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, fetched)
		p.does("quit").sees("4 downloads stop", "[ Stay ]").presses("esc")
		p.backend.Lock()
		p.backend.Stat.Store.Owner = 7
		p.backend.Unlock()
		p.backend.Publish(app.Change{Kind: app.StatusChange})
		p.rest()
		p.does("quit")
		if err := p.leave(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheTerminalsOwnIndicator(t *testing.T) {
	const progress = "\x1b]9;4;1;"
	for env, want := range map[string]bool{
		"TERM_PROGRAM=WezTerm": true, "WT_SESSION=x": true, "VTE_VERSION=8003": true, "VTE_VERSION=7600": false, "TERM=xterm-ghostty": true,
		"TERM_PROGRAM=iTerm.app": false, "": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := sit(t, 80, 24, func(b *tuitest.Backend) {
				fetched(b)
				b.Recs = b.Recs[:3]
			}, func(o *Options) { o.Env = append(o.Env, env) })
			p.rest()
			if got := strings.Contains(p.written(), progress+"45"); got != want {
				t.Errorf("%s: %v", env, got)
			}
			if !want {
				return
			}
			p.backend.Progress("running", func(d *app.Download) { d.State = app.DownloadDone })
			p.rest()
			if !strings.Contains(p.written(), "\x1b]9;4;0") {
				t.Errorf("%s: the indicator stays", env)
			}
		})
	}
	if hasIndicator([]string{"TERM_PROGRAM=WezTerm", "TMUX=/tmp/x"}) {
		t.Error("tmux has none")
	}
}

func TestTheBandwidthIsChangedWhileDownloadsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, fetched)
		p.opens("Recordings").does("recording.limit").sees("Bandwidth for all downloads together", "no limit", "now", "5.0 MB/s")
		p.presses("j", "j", "j", "j", "enter").sees("Downloads have 5.0 MB/s together", "at most 5.0 MB/s")
		p.backend.Lock()
		limit := p.backend.Stat.Downloads.Limit
		p.backend.Unlock()
		if limit != 5_000_000 {
			t.Errorf("the limit is %d", limit)
		}
		p.opens("Rooms").does("recording.limit").misses("Bandwidth for all downloads")
	})
}

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
		p.sees("Recordings ↓4").presses("2").sees("d download", "▌✓ ready", "├ board")
		p.presses("d").sees("Downloading board", "p pause, x cancel", "◌ waiting", "Recordings ↓5")
		p.backend.Progress("new", func(d *app.Download) {
			d.State, d.Bytes, d.Total, d.Rate, d.ETAS = app.DownloadRunning, 10_000_000, 40_000_000, 2_000_000, 15
		})
		p.sees("25%", "10 MB of 40 MB", "2.0 MB/s", "00:15 left")
		p.presses("d").sees("It is being downloaded: p pause")
		p.presses("p").sees("Paused board", "‖ paused 25%", "paused at 25%").misses("00:15 left")
		p.presses("p").sees("Downloading board", "◌ waiting")
		p.backend.Progress("new", func(d *app.Download) { d.State = app.DownloadVerifying })
		p.sees("◌ verifying", "the file is being verified")
		path := "/v/board é.mp4"
		p.backend.Progress("new", func(d *app.Download) {
			*d = app.Download{State: app.DownloadDone, Bytes: 4e7, Total: 4e7, Path: path, Files: []app.DownloadedFile{{Path: path}}}
		})
		p.sees("✓ here", "✓ "+path, "Recordings ↓4")
		p.presses("o").sees("Opened board").presses("f").sees("Opened the folder of board")
		p.presses("y").sees("Path of board copied").presses("d").sees("It is here already: o opens it")
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
		p.presses("2").clicks("✗ failed").sees("├ sales", "not downloaded: the source refuses access (403 Forbidden)", "let the role read the bucket acme", "r tries again")
		p.presses("r").sees("Downloading sales", "◌ waiting")
		p.presses("r").sees("No download has failed here")
		p.presses("x").sees("Cancel the download of sales?", "[ Keep it ]").presses("enter")
		if p.backend.Count("CancelDownload") != 0 {
			t.Error("it was given up without a yes")
		}
		p.presses("x", "y").sees("Canceled sales").presses("x").sees("There is no download to cancel")
	})
}

func TestARecordingIsDeletedOnlyAfterAYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, fetched)
		p.presses("2", "D").sees("Delete the recording of board on daily?", "can't be recovered", "[ Keep ]").presses("enter")
		if p.backend.Count("DeleteRecording") != 0 {
			t.Fatal("it was deleted without a yes")
		}
		p.presses("D", "y").sees("Deleted the recording of board", "· deleted").presses("D").sees("It was deleted on the platform already")
		p.presses("d").sees("It was deleted on the platform")
		p.presses("j", "D").sees("It is being downloaded: x cancels that")
		p.clicks("retro").presses("D").sees("What was downloaded stays:", "retro/a b.mp4").presses("esc")
		p.backend.Fail = &app.Error{Kind: provider.Forbidden, Text: "daily: delete recording: forbidden", Hint: "the key may not do this"}
		p.presses("D", "y").sees("delete the recording: daily: delete recording: forbidden", "the key may not do this")
	})
}

func TestWhatAnAccountCannotDoIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			fetched(b)
			b.Stat.Accounts[0].Cannot = map[app.Ability]string{
				app.AbilityDownload: "there is no bucket", app.AbilityDeleteRecording: "daily deletes nothing",
			}
		})
		p.presses("2", "d").sees("there is no bucket").presses("D").sees("daily deletes nothing")
		p.presses("1", ":").presses("d", "o", "w", "n", "l", "o", "a", "d").sees("Download the recording", "Use this on the Recordings tab")
	})
}

// News moves rows; the cursor stays on the recording that it is on.
func TestTheCursorStaysOnItsRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, fetched)
		p.presses("2", "j", "j").sees("├ design")
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
			t.Error("the list is read anew for a change that the stream told")
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
		p.presses("2").sees("newest 500 of 812")
	})
}

func TestQuittingSaysThatDownloadsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, fetched)
		p.presses("q").sees("4 downloads stop", "[ Stay ]").presses("esc")
		p.backend.Lock()
		p.backend.Stat.Store.Owner = 7
		p.backend.Unlock()
		p.backend.Publish(app.Change{Kind: app.StatusChange})
		p.rest()
		p.presses("q")
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
		p.presses("2", "L").sees("Bandwidth of all downloads together", "no limit", "now", "5.0 MB/s")
		p.presses("j", "j", "j", "j", "enter").sees("Downloads have 5.0 MB/s together", "at most 5.0 MB/s")
		p.backend.Lock()
		limit := p.backend.Stat.Downloads.Limit
		p.backend.Unlock()
		if limit != 5_000_000 {
			t.Errorf("the limit is %d", limit)
		}
		p.presses("1", "L").misses("Bandwidth of all downloads")
	})
}

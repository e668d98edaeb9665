package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// fetchBoard shows the progress of downloads on standard error: on a terminal a bar for each running one, redrawn in place, elsewhere one line
// per second; and in both cases a line for each change of state.
type fetchBoard struct {
	p *program
	// drawn is the number of lines on the terminal that the next drawing replaces, at the time when they were drawn.
	drawn int
	at    time.Time
	last  string
}

// drawEvery is the shortest time between two drawings.
const drawEvery = 100 * time.Millisecond

// changed shows a change of a recording.
func (b *fetchBoard) changed(was, now app.Recording, all []app.Recording) {
	if line := turn(was, now); line != "" {
		b.clear()
		b.p.words(plain.Text(line))
		b.at = time.Time{}
	}
	if b.p.errTTY && b.p.now().Sub(b.at) >= drawEvery {
		b.draw(all)
	}
}

// turn returns a line about a change of state, or "".
func turn(was, now app.Recording) string {
	d := now.Download
	if d == nil {
		return ""
	}
	var old app.Download
	if was.Download != nil {
		old = *was.Download
	}
	name := recordingName(now)
	switch {
	case d.State == app.DownloadDone && old.State != d.State:
		s := fmt.Sprintf("%s is downloaded and verified: %s", name, humanize.IBytes(uint64(d.Bytes)))
		if d.Note != "" {
			s += " (" + d.Note + ")"
		}
		return s
	case d.State == app.DownloadDone && d.Kept != old.Kept:
		return name + " is still on the platform: " + d.Kept
	case d.State == app.DownloadDone && !now.DeletedAt.IsZero() && was.DeletedAt.IsZero():
		return name + " was deleted on the platform"
	case d.State == app.DownloadDone && d.Command != nil:
		return commandTurn(name, old.Command, *d.Command)
	case d.State == app.DownloadFailed && old.State != d.State:
		return name + " has failed: " + d.Reason
	case d.State == app.DownloadWaiting && (old.State != d.State || old.Reason != d.Reason) && !d.RetryAt.IsZero():
		return fmt.Sprintf("%s will be retried at %s: %s", name, d.RetryAt.Local().Format(time.TimeOnly), d.Reason)
	case d.State == app.DownloadPaused && (old.State != d.State || old.Reason != d.Reason):
		return name + " is paused: " + d.Reason
	case d.State == app.DownloadCancelled && old.State != d.State:
		return name + " was cancelled"
	case d.State == app.DownloadRunning && d.Note != "" && d.Note != old.Note:
		return name + ": " + d.Note
	}
	return ""
}

func commandTurn(name string, old *app.DownloadCommand, now app.DownloadCommand) string {
	if old != nil && old.State == now.State && old.Tries == now.Tries {
		return ""
	}
	switch {
	case now.State == app.CommandRunning:
		return name + ": on_download runs"
	case now.State == app.CommandDone:
		return name + ": on_download succeeded"
	case now.State == app.CommandSkipped:
		return name + ": on_download was skipped"
	case now.State == app.CommandFailed:
		return name + ": on_download failed: " + now.Reason
	case now.State == app.CommandWaiting && now.Tries > 0:
		return name + ": on_download failed; the screen or `greenroom listen` will retry it: " + now.Reason
	}
	return ""
}

// recordingName returns the name of a recording for people: its room and the time when it began.
func recordingName(r app.Recording) string {
	if r.Room == "" {
		return r.ID
	}
	return strings.TrimSpace(r.Room + " " + local(r.StartedAt))
}

// tick is called every second.
func (b *fetchBoard) tick(all []app.Recording) {
	if b.p.errTTY {
		b.draw(all)
		return
	}
	if line := summary(all); line != "" && line != b.last {
		b.last = line
		b.p.words(plain.Text(line))
	}
}

// clear removes the bars.
func (b *fetchBoard) clear() {
	if b.drawn > 0 {
		_, _ = io.WriteString(b.p.stderr, ansi.CursorUp(b.drawn)+"\r"+ansi.EraseScreenBelow)
		b.drawn = 0
	}
}

// barsMost is the largest number of bars: more would scroll.
const barsMost = 8

func (b *fetchBoard) draw(all []app.Recording) {
	bars, drawn := "", 0
	for _, r := range all {
		if d := r.Download; d != nil && (d.State == app.DownloadRunning || d.State == app.DownloadVerifying) && drawn < barsMost {
			bars += b.bar(r) + "\n"
			drawn++
		}
	}
	if b.drawn > 0 {
		bars = ansi.CursorUp(b.drawn) + "\r" + ansi.EraseScreenBelow + bars
	}
	b.drawn, b.at = drawn, b.p.now()
	_, _ = io.WriteString(b.p.stderr, bars)
}

// bar returns the line of a download.
func (b *fetchBoard) bar(r app.Recording) string {
	const cells = 20
	d := *r.Download
	full := 0
	if d.Total > 0 {
		full = int(min(d.Bytes, d.Total) * cells / d.Total)
	}
	line := fmt.Sprintf("[%s%s] %s  %s", strings.Repeat("#", full), strings.Repeat(".", cells-full), progressWords(d), recordingName(r))
	return ansi.Truncate(plain.Text(line), cmp.Or(b.p.errWidth, 80)-1, "…")
}

// progressWords describes the progress of a download.
func progressWords(d app.Download) string {
	if d.State == app.DownloadVerifying {
		return "verifying " + humanize.IBytes(uint64(max(d.Total, d.Bytes)))
	}
	s := humanize.IBytes(uint64(d.Bytes))
	if d.Total > 0 {
		s = fmt.Sprintf("%3d %%  %s of %s", min(d.Bytes, d.Total)*100/d.Total, s, humanize.IBytes(uint64(d.Total)))
	}
	if d.Rate > 0 {
		s += "  " + humanize.IBytes(uint64(d.Rate)) + "/s"
	}
	if d.ETAS > 0 {
		s += "  " + length(time.Duration(d.ETAS*float64(time.Second))) + " left"
	}
	if d.Reason != "" {
		s += "  (" + d.Reason + ")"
	}
	return s
}

// summary describes all running downloads in one line, or returns "" if none runs.
func summary(all []app.Recording) string {
	var sum app.Download
	n, verifying := 0, 0
	name, known := "", true
	for _, r := range all {
		d := r.Download
		if d == nil || d.State != app.DownloadRunning && d.State != app.DownloadVerifying {
			continue
		}
		n++
		if d.State == app.DownloadVerifying {
			verifying++
		}
		name = recordingName(r)
		known = known && d.Total > 0
		sum.Bytes, sum.Total, sum.Rate = sum.Bytes+d.Bytes, sum.Total+d.Total, sum.Rate+d.Rate
		sum.ETAS, sum.Reason = max(sum.ETAS, d.ETAS), d.Reason
	}
	switch {
	case n == 0:
		return ""
	case n > 1:
		name, sum.Reason = fmt.Sprintf("%d downloads", n), ""
	}
	if !known {
		sum.Total = 0
	}
	if verifying == n {
		sum.State = app.DownloadVerifying
	}
	return name + ": " + strings.TrimSpace(progressWords(sum))
}

package recordings

import (
	"strconv"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/tui/cell"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// share returns the finished part of a download in hundredths, -1 while its size is unknown.
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

// downloadCell draws a recording's download in w cells of its row.
func (p *Pane) downloadCell(v app.Recording, w int) string {
	s, d := p.Styles, v.Download
	word := func(ink theme.Ink, text string) string { return ink.Render(s.Fit(text, w)) }
	if d == nil || d.State == app.DownloadCancelled {
		return word(s.Faint, theme.Nothing)
	}
	percent := share(*d)
	switch d.State {
	case app.DownloadRunning:
		if percent < 0 {
			return word(s.Accent, "↓ "+words.Bytes(d.Bytes))
		}
		tail := strconv.Itoa(percent) + "%"
		if w >= 24 && d.Rate > 0 {
			tail += " " + words.Bytes(d.Rate) + "/s"
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
			text += " " + strconv.Itoa(percent) + "%"
		}
		return word(s.Warn, text)
	case app.DownloadDone:
		if found := d.Finding(); found != "" {
			return word(s.Bad, theme.Bad+" "+found)
		}
		if d.Note != "" {
			return word(s.Good, theme.Good+" here "+theme.Doubtful)
		}
		return word(s.Good, theme.Good+" here")
	case app.DownloadFailed:
		return word(s.Bad, theme.Bad+" failed")
	}
	return word(s.Muted, words.Safe(string(d.State)))
}

// downloadLines draws a recording's download in full.
func (p *Pane) downloadLines(v app.Recording, w int) []string {
	s, d := p.Styles, v.Download
	if d == nil {
		return nil
	}
	var out []string
	say := func(ink theme.Ink, text string) {
		if text == "" {
			return
		}
		for _, l := range s.Wrap(words.Safe(text), w-4) {
			out = append(out, "   "+ink.Render(l))
		}
	}
	percent := share(*d)
	far := words.Bytes(d.Bytes)
	if percent >= 0 {
		far = strconv.Itoa(percent) + "%  " + far + " of " + words.Bytes(d.Total)
	}
	switch d.State {
	case app.DownloadRunning:
		tail := far
		if d.Rate > 0 {
			tail += "   " + words.Bytes(d.Rate) + "/s"
		}
		if d.ETAS > 0 {
			tail += "   " + words.Span(time.Duration(d.ETAS*float64(time.Second))) + " left"
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
		say(s.Accent, "download complete; the file is being verified")
	case app.DownloadWaiting:
		say(s.Muted, "waiting: "+d.Reason+p.retryNote(*d))
	case app.DownloadPaused:
		say(s.Warn, "paused at "+far+": "+d.Reason+p.retryNote(*d)+"; "+p.Key(pauseDownload)+" resumes")
	case app.DownloadFailed:
		say(s.Bad, "not downloaded: "+d.Reason)
		say(s.Muted, strings.TrimSpace(d.Hint+"  "+p.Key(retryDownload)+" tries again"))
	case app.DownloadDone:
		if found := d.FindingDetail(); found != "" {
			say(s.Bad, theme.Bad+" "+found)
			say(s.Muted, p.Key(download)+" downloads it again")
		} else {
			say(s.Good, theme.Good+" "+d.Path)
		}
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

func (p *Pane) retryNote(d app.Download) string {
	if d.RetryAt.IsZero() {
		return ""
	}
	return "; next attempt at " + p.TimeOfDay(d.RetryAt)
}

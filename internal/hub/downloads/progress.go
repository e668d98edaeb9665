package downloads

import (
	"cmp"
	"math"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
)

const (
	// PublishEvery is the shortest time between two publications of one download's progress.
	PublishEvery = 250 * time.Millisecond
	// rateOver is the time over which a rate is averaged: steady enough to read, but up to date.
	rateOver = 5 * time.Second
	// spaceAgain is how soon a fetcher checks a full disk again.
	spaceAgain = 15 * time.Second
)

// The reasons of downloads that have not begun.
const (
	reasonOthers  = "other downloads are first"
	ReasonNoOwner = "the next screen or greenroom listen resumes it"
)

// meter holds the progress and the rate of a download.
type meter struct {
	last recording.Report
	note string
	// rate is in bytes per second, computed at measured, when counted bytes had arrived.
	rate      float64
	counted   int64
	measured  time.Time
	published time.Time
}

// add adds a report. The rate is an average whose weights decay with time, however far apart reports are.
func (m *meter) add(f recording.Report, now time.Time) {
	if m.measured.IsZero() || f.Fetched < m.counted {
		m.measured, m.counted = now, f.Fetched
	}
	if since := now.Sub(m.measured); since >= PublishEvery {
		rate := float64(f.Fetched-m.counted) / since.Seconds()
		weight := 1 - math.Exp(-float64(since)/float64(rateOver))
		if m.rate == 0 {
			weight = 1
		}
		m.rate += weight * (rate - m.rate)
		m.counted, m.measured = f.Fetched, now
	}
	if n := len(f.Restarted); n > 0 {
		m.note = "restarted: " + f.Restarted[n-1]
	}
	m.last = f
}

// idle clears the rate once nothing runs.
func (m *meter) idle() { m.rate, m.measured, m.published = 0, time.Time{}, time.Time{} }

// show adds the progress to a download as it is stored.
func (m *meter) show(d *app.Download, now time.Time) {
	d.Bytes = m.last.Bytes
	d.Total = cmp.Or(m.last.Total, d.Total)
	d.Note, d.Reason = cmp.Or(m.note, d.Note), m.last.Reason
	switch m.last.State {
	case recording.Verifying:
		d.State = app.DownloadVerifying
		return
	case recording.Paused:
		d.State, d.RetryAt = app.DownloadPaused, app.At(now.Add(spaceAgain).Truncate(time.Second))
		return
	}
	d.Rate = int64(m.rate)
	if left := d.Total - d.Bytes; d.Rate > 0 && left > 0 {
		d.ETAS = math.Round(float64(left)/m.rate*10) / 10
	}
}

// report adds a fetcher's report of a download, and publishes it unless one was just published.
func (q *Queue) report(d *download, f recording.Report) {
	now := q.opt.Clock.Now()
	q.mu.Lock()
	turned := f.State != d.last.State || f.Reason != d.last.Reason || len(f.Restarted) > len(d.last.Restarted)
	d.meter.add(f, now)
	yielded := f.Yielded != d.yielded
	d.yielded = f.Yielded
	due := turned || now.Sub(d.published) >= PublishEvery
	r := d.shown
	if due {
		d.published = now
	}
	q.mu.Unlock()
	if yielded {
		q.Schedule()
	}
	if due {
		q.opt.Publish([]app.Change{{Kind: app.RecordingChange, Recording: new(q.Overlay(r))}})
	}
}

// Overlay shows a recording with the progress of its download. Only changes of state are stored.
func (q *Queue) Overlay(r app.Recording) app.Recording {
	r = q.programs.show(r)
	if r.Download == nil || !r.Download.State.Active() {
		return r
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.show(r, q.find(r))
}

// show is Overlay for a queued download, nil when it isn't queued here; the caller holds mu.
func (q *Queue) show(r app.Recording, d *download) app.Recording {
	if r.Download == nil {
		return r
	}
	shown := *r.Download
	switch {
	case d == nil:
		shown.State, shown.Reason = app.DownloadWaiting, ReasonNoOwner
	case shown.State == app.DownloadWaiting || d.ended == nil:
		shown.State, shown.Reason = app.DownloadWaiting, cmp.Or(shown.Reason, reasonOthers)
	default:
		d.meter.show(&shown, q.opt.Clock.Now())
	}
	r.Download = &shown
	return r
}

// Status returns the state of all downloads together.
func (q *Queue) Status() app.DownloadsStatus {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := app.DownloadsStatus{Folder: q.opt.Folder, Limit: q.limit}
	for _, d := range q.queue {
		if d.ended != nil {
			s.Running++
		} else {
			s.Waiting++
		}
	}
	return s
}

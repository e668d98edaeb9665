package hub

import (
	"math"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
)

const (
	// tellEvery is how often the progress of one download is published at most.
	tellEvery = 250 * time.Millisecond
	// rateOver is over what time a rate is averaged: long enough to be read, short enough to follow.
	rateOver = 5 * time.Second
	// spaceAgain is within what time a fetcher looks again whether a full disk has space.
	spaceAgain = 15 * time.Second
)

// The reasons of downloads that have not begun.
const (
	reasonOthers = "others are first"
	reasonNobody = "it resumes with the next screen or greenroom listen"
)

// meter is how fast a download is.
type meter struct {
	last recording.Report
	note string
	// rate is in bytes per second, as of measured, when counted bytes had come.
	rate     float64
	counted  int64
	measured time.Time
	told     time.Time
}

// add takes a report. Rates are averaged with a weight that falls off with time, whatever the distance of reports.
func (m *meter) add(f recording.Report, now time.Time) {
	if m.measured.IsZero() || f.Fetched < m.counted {
		m.measured, m.counted = now, f.Fetched
	}
	if since := now.Sub(m.measured); since >= tellEvery {
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

// idle forgets the rate when nothing runs any more.
func (m *meter) idle() { m.rate, m.measured, m.told = 0, time.Time{}, time.Time{} }

// show puts what is known into a download as it was stored.
func (m *meter) show(d *app.Download, now time.Time) {
	d.Bytes = m.last.Bytes
	if m.last.Total > 0 {
		d.Total = m.last.Total
	}
	if m.note != "" {
		d.Note = m.note
	}
	d.Reason = m.last.Reason
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

// report takes a fetcher's report of a download and publishes it, unless it did so a moment ago.
func (q *downloads) report(d *download, f recording.Report) {
	now := q.h.clock.Now()
	q.mu.Lock()
	turned := f.State != d.last.State || f.Reason != d.last.Reason || len(f.Restarted) > len(d.last.Restarted)
	d.meter.add(f, now)
	yielded := f.Yielded != d.yielded
	d.yielded = f.Yielded
	due := turned || now.Sub(d.told) >= tellEvery
	r := d.shown
	if due {
		d.told = now
	}
	q.mu.Unlock()
	if yielded {
		q.schedule()
	}
	if due {
		q.h.bus.publish([]app.Change{{Kind: app.RecordingChange, Recording: new(q.overlay(r))}})
	}
}

// overlay shows a recording with how far its download is now. Progress is not stored: only the changes of state are.
func (q *downloads) overlay(r app.Recording) app.Recording {
	r = q.h.commands.show(r)
	if r.Download == nil || !r.Download.State.Active() {
		return r
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.show(r, q.find(r))
}

// show is overlay with the download that is known, nil when there is none here; the caller holds mu.
func (q *downloads) show(r app.Recording, d *download) app.Recording {
	if r.Download == nil {
		return r
	}
	shown := *r.Download
	switch {
	case d == nil:
		shown.State, shown.Reason = app.DownloadWaiting, reasonNobody
	case shown.State == app.DownloadWaiting || d.ended == nil:
		if shown.State = app.DownloadWaiting; shown.Reason == "" {
			shown.Reason = reasonOthers
		}
	default:
		d.meter.show(&shown, q.h.clock.Now())
	}
	r.Download = &shown
	return r
}

// setLimit remembers the bandwidth for the status.
func (q *downloads) setLimit(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit = n
}

// status tells of all of them together.
func (q *downloads) status() app.DownloadsStatus {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := app.DownloadsStatus{Folder: q.h.opt.Downloads.Folder, Limit: q.limit}
	for _, d := range q.queue {
		if d.ended != nil {
			s.Running++
		} else {
			s.Waiting++
		}
	}
	return s
}

// publish hands changes to the bus, recordings with how far their downloads are. Commits come here in their order.
func (h *Hub) publish(changes []app.Change) {
	arrived := false
	for i, c := range changes {
		arrived = arrived || c.Kind == app.DeliveryChange
		if c.Kind == app.RecordingChange && c.Recording != nil && !c.Deleted {
			h.downloads.changed(*c.Recording)
			h.commands.changed(*c.Recording)
			r := h.downloads.overlay(*c.Recording)
			changes[i].Recording = &r
		}
	}
	if arrived {
		h.forwards.arrived()
	}
	h.bus.publish(changes)
}

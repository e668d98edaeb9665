package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/provider"
	"greenroom/store"
)

// run fetches one recording, and notes what came of it.
func (q *downloads) run(ctx context.Context, d *download) {
	h := q.h
	next, err := q.attempt(ctx, d)
	switch {
	case errors.Is(err, errSuperseded): // what there is to be done instead is in the store
		next = time.Time{}
	case err != nil && h.ctx.Err() == nil:
		h.log.Error("a download could not be noted", "recording", d.job.ID, "err", err)
		if next.IsZero() {
			next = h.clock.Now().Add(downloadPause) // its job is in the store still
		}
	}
	q.mu.Lock()
	d.cancel()
	ended := d.ended
	d.cancel, d.ended, d.yielded = nil, nil, false
	if next.IsZero() || d.stop != goOn {
		q.remove(d)
	}
	d.next = next
	d.meter.idle()
	q.mu.Unlock()
	close(ended)
	q.schedule()
	q.lookAgain()
}

// errSuperseded means that a download is not to be done any more: its recording turned out to be another one, which has a
// download already.
var errSuperseded = errors.New("the download was superseded")

// current says whether the store's job of the recording is this one.
func (d *download) current(tx *store.Tx) error {
	j, err := tx.DownloadJob(d.job.Account, d.job.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !j.Same(d.job) {
		return errSuperseded
	}
	return err
}

// attempt fetches one recording. It returns when to try again, zero for never.
func (q *downloads) attempt(ctx context.Context, d *download) (next time.Time, err error) {
	h, ref := q.h, app.RecordingRef{Account: d.job.Account, ID: d.job.ID}
	var r app.Recording
	var stays []app.Stay
	err = h.store.View(ctx, func(tx *store.Tx) (err error) {
		if r, err = tx.Recording(ref.Account, ref.ID); err != nil {
			return err
		}
		if err := d.current(tx); err != nil {
			return err
		}
		if !d.job.Fetched && (r.Download == nil || !r.Download.State.Active()) {
			return errSuperseded // it was stopped while its job was read
		}
		stays, err = peopleOf(tx, r)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	if d.job.Fetched {
		return time.Time{}, q.deleteCopy(ctx, r, false)
	}
	if r.Status == app.RecordingRunning || r.Status == app.RecordingProcessing {
		if r, err = h.lookAgain(ctx, r); err != nil {
			return q.failed(ref, d, err)
		}
	}
	if err := h.canDownload(r, app.DownloadRequest{}); err != nil {
		return q.failed(ref, d, err)
	}
	err = h.changeDownload(ctx, ref, func(tx *store.Tx, r *app.Recording) error {
		o := downloadOf(r)
		o.State, o.Reason, o.Hint, o.RetryAt = app.DownloadRunning, "", "", app.Time{}
		return d.current(tx)
	})
	if err != nil {
		return time.Time{}, err
	}
	job := h.fetchJob(r, d.job, stays)
	job.Report = func(f recording.Report) { q.report(d, f) }
	got, err := h.opt.Downloads.Fetcher.Fetch(ctx, job)
	if err != nil {
		return q.failed(ref, d, err)
	}
	return time.Time{}, q.finished(ctx, ref, d, got)
}

// lookAgain asks the platform for the state of a recording, unless it was asked a moment ago.
func (h *Hub) lookAgain(ctx context.Context, r app.Recording) (app.Recording, error) {
	a, err := h.accountOf(r.Account)
	if err != nil {
		return r, err
	}
	f, finds := a.Provider.(provider.RecordingFinder)
	l, lists := a.Provider.(provider.RecordingLister)
	a.mu.Lock()
	fresh := h.clock.Since(a.listedAt) < processingAgain-time.Second
	a.mu.Unlock()
	switch {
	case finds && !r.FromBucket:
		// The list may be long, and the recording far down in it. Some platforms know a recording by its id only when it is ready.
		if err = h.readRecording(ctx, a, f, r.ID); errors.Is(err, provider.NotFound) {
			err = nil
		}
	case lists && !fresh:
		err = h.listNewest(ctx, a, l)
	}
	if err != nil {
		return r, err
	}
	err = h.store.View(ctx, func(tx *store.Tx) (err error) { r, err = tx.Recording(r.Account, r.ID); return err })
	return r, err
}

func (h *Hub) fetchJob(r app.Recording, job store.DownloadJob, stays []app.Stay) recording.Job {
	return recording.Job{
		Recording: r, Folder: cmp.Or(job.To, h.opt.Downloads.Folder), AudioOnly: job.AudioOnly, People: stays, Replaces: broken(r.Download),
		Journal:   func(file string) recording.Journal { return chunkJournal{h.store, h.clock, job.Account, job.ID, file} },
		Journaled: func(ctx context.Context) ([]string, error) { return journaled(ctx, h.store, job.Account, job.ID) },
		Report:    func(recording.Report) {},
	}
}

// downloadOf is a recording's download, made where there is none.
func downloadOf(r *app.Recording) *app.Download {
	if r.Download == nil {
		r.Download = &app.Download{}
	}
	return r.Download
}

// failed notes why a try did not succeed, and says when the next one is. What was stopped by hand is noted by who stopped
// it, and what the end of this process interrupted goes on with the next owner.
func (q *downloads) failed(ref app.RecordingRef, d *download, cause error) (next time.Time, err error) {
	h, gone := q.h, false
	q.mu.Lock()
	stopped, at, reported := d.stop != goOn, d.job.Tries, d.meter.last
	q.mu.Unlock()
	if h.ctx.Err() != nil {
		return time.Time{}, nil
	}
	e, now := app.AsError(cause), h.clock.Now()
	if !stopped && e.Kind == provider.NotFound {
		if h.goneFromPlatform(ref) {
			e = &app.Error{Kind: provider.NotFound, Text: "it is gone from the platform: it was deleted there", Err: cause}
			gone = true
		}
		if h.ctx.Err() != nil {
			return time.Time{}, nil
		}
	}
	state := app.DownloadFailed
	if reported.Bytes > d.furthest {
		at, d.furthest = 0, reported.Bytes // the network is bad, not gone
	}
	if !stopped {
		switch e.Kind {
		case provider.NotReady:
			state, next = app.DownloadWaiting, now.Add(processingAgain)
		case provider.Unavailable, provider.RateLimited, app.Busy:
			if at++; at < downloadTries {
				state, next = app.DownloadWaiting, now.Add(max(retryAfter(cause, 0), min(downloadPause<<(at-1), longestPause)))
			}
		}
	}
	d.job.Tries = at
	if state == app.DownloadFailed && !stopped {
		h.log.Warn("a download has failed", "recording", ref.ID, "account", ref.Account, "err", cause)
	}
	err = h.changeDownload(context.Background(), ref, func(tx *store.Tx, r *app.Recording) error {
		if err := d.current(tx); err != nil {
			return err
		}
		if old := downloadOf(r); reported.Total > 0 || reported.Bytes > 0 {
			old.Bytes, old.Total = reported.Bytes, max(reported.Total, old.Total)
		}
		if stopped {
			return nil
		}
		o := r.Download
		o.State, o.Reason, o.Hint, o.RetryAt = state, e.Text, e.Hint, app.At(next.Truncate(time.Second))
		if gone {
			r.DeletedAt = h.now()
		}
		err := tx.PutDownloadJob(d.job)
		if state == app.DownloadFailed {
			err = errors.Join(err, h.putFailure(tx, *r, failedDownload, e.Text))
		}
		return err
	})
	return next, err
}

// goneFromPlatform reports whether a recording that could not be fetched does not exist any more: the platform says so, or
// nothing but its objects, which are gone, was ever known of it.
func (h *Hub) goneFromPlatform(ref app.RecordingRef) bool {
	r, err := h.storedRecording(h.ctx, ref)
	if err != nil || !r.DeletedAt.IsZero() {
		return false
	}
	if r.FromBucket {
		return true
	}
	a, err := h.accountOf(r.Account)
	if err != nil {
		return false
	}
	f, ok := a.Provider.(provider.RecordingFinder)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(h.ctx, listTime)
	defer cancel()
	return errors.Is(h.readRecording(ctx, a, f, r.ID), provider.NotFound)
}

// finished notes that a recording is here, and what is to be done next.
func (q *downloads) finished(ctx context.Context, ref app.RecordingRef, d *download, got recording.Result) error {
	h := q.h
	var total int64
	for _, f := range got.Files {
		total += f.Size
	}
	var r app.Recording
	err := h.changeDownload(context.Background(), ref, func(tx *store.Tx, now *app.Recording) error {
		if err := d.current(tx); err != nil {
			return err
		}
		o := downloadOf(now)
		*o = app.Download{
			State: app.DownloadDone, Bytes: total, Total: total, Path: got.Path, Files: got.Files, Note: got.Note, AskedAt: o.AskedAt,
			FetchedAt: h.now(), Auto: o.Auto, AudioOnly: o.AudioOnly, DeleteAfter: o.DeleteAfter,
			Earlier: remaining(o.Earlier, got.Files),
		}
		err := errors.Join(tx.DeleteCommandJob(ref.Account, ref.ID), h.putCommand(tx, now), tx.DeleteDownloadJob(ref.Account, ref.ID))
		r = *now
		if left := d.job; left.DeleteAfter {
			left.Fetched = true
			err = errors.Join(err, tx.PutDownloadJob(left))
		}
		return err
	})
	if err != nil || !d.job.DeleteAfter {
		return err
	}
	d.job.Fetched = true
	return q.deleteCopy(ctx, r, true)
}

// deleteCopy deletes the platform's copy of a recording that is here and whole. What the end of this process interrupts the next
// owner does, which reads the files again: they may have been moved or changed meanwhile, or be those of a version that
// compared nothing. fresh says that the files came a moment ago.
func (q *downloads) deleteCopy(ctx context.Context, r app.Recording, fresh bool) error {
	h, kept := q.h, ""
	if r.DeletedAt.IsZero() && !(fresh && compared(r.Download)) {
		var err error
		if kept, err = q.verifyAgain(ctx, r); ctx.Err() != nil {
			return nil // its job is in the store still
		} else if err != nil {
			return err
		}
	}
	if r.DeletedAt.IsZero() && kept == "" {
		err := h.deleteOnPlatform(h.ctx, r)
		if h.ctx.Err() != nil {
			return nil
		}
		if err != nil {
			h.log.Warn("a recording that was downloaded could not be deleted on its platform", "recording", r.ID, "err", err)
			kept = app.AsError(err).Text
		}
	}
	return h.changeDownload(context.Background(), r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		downloadOf(r).Kept = kept
		return tx.DeleteDownloadJob(r.Account, r.ID)
	})
}

// compared reports whether each file of a download was compared with its source. A manifest is written here.
func compared(d *app.Download) bool {
	return d != nil && len(d.Files) > 0 &&
		!slices.ContainsFunc(d.Files, func(f app.DownloadedFile) bool { return f.Name != "" && !f.Compared })
}

// verifyAgain reads the files of a recording as `recording verify` does, and notes what it finds. It returns why the platform's
// copy must stay, empty when every file is whole.
func (q *downloads) verifyAgain(ctx context.Context, r app.Recording) (kept string, err error) {
	v := app.Verification{RecordingRef: r.Ref()}
	if r.Download != nil {
		for _, f := range r.Download.Files {
			f, _ = q.h.opt.Downloads.Fetcher.Verify(ctx, r, f)
			v.Files = append(v.Files, f)
		}
	}
	if len(v.Files) == 0 {
		return "none of its files is known here", nil
	}
	if ctx.Err() != nil {
		return "", nil // a reading that was cut short finds nothing
	}
	err = q.h.changeDownload(context.Background(), r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		d := *downloadOf(r)
		d.Apply(v, q.h.now())
		r.Download, kept = &d, d.FindingDetail()
		return nil
	})
	return kept, err
}

package downloads

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

// run tries to download one recording and stores the outcome.
func (q *Queue) run(ctx context.Context, d *download) {
	next, err := q.attempt(ctx, d)
	switch {
	case errors.Is(err, errSuperseded): // its successor is in the store
		next = time.Time{}
	case err != nil && q.opt.Context.Err() == nil:
		q.opt.Log.Error("a download could not be stored", "recording", d.job.ID, "err", err)
		if next.IsZero() {
			next = q.opt.Clock.Now().Add(Pause) // its job is still in the store
		}
	}
	q.mu.Lock()
	d.cancel()
	ended := d.ended
	d.cancel, d.ended, d.yielded = nil, nil, false
	if next.IsZero() && d.then == nil || d.stop != notStopped {
		q.remove(d)
	} else {
		next = d.follow(next)
	}
	d.next = next
	d.meter.idle()
	q.mu.Unlock()
	close(ended)
	q.Schedule()
	q.lookAgain()
}

// follow takes up the job that follows, if there is one, and returns when to try again: now, or next if the job is the same and has failed.
// Recall, which reads jobs from the store, and the request of a job may both add it.
func (d *download) follow(next time.Time) time.Time {
	then := d.then
	if d.then = nil; then == nil || !next.IsZero() && then.AskedAt.Equal(d.job.AskedAt) {
		return next
	}
	d.job, d.furthest = *then, 0
	return time.Time{}
}

// errSuperseded means that the job of a download was replaced: its recording was merged with another one that has a download.
var errSuperseded = errors.New("the download was superseded")

// current returns errSuperseded unless the store's job of the recording is this one.
func (d *download) current(tx *store.Tx) error {
	j, known, err := store.Found(tx.DownloadJob(d.job.Account, d.job.ID))
	if err == nil && (!known || !j.Same(d.job)) {
		return errSuperseded
	}
	return err
}

// attempt downloads one recording. It returns when to try again, zero for never.
func (q *Queue) attempt(ctx context.Context, d *download) (next time.Time, err error) {
	ref := app.RecordingRef{Account: d.job.Account, ID: d.job.ID}
	var r app.Recording
	var stays []app.Stay
	err = q.opt.Store.View(ctx, func(tx *store.Tx) (err error) {
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
		if r, err = q.opt.Hub.Refresh(ctx, r); err != nil {
			return q.failed(ref, d, err)
		}
	}
	if err := q.canDownload(r, app.DownloadRequest{}); err != nil {
		return q.failed(ref, d, err)
	}
	err = q.changeDownload(ctx, ref, func(tx *store.Tx, r *app.Recording) error {
		o := downloadOf(r)
		o.State, o.Reason, o.Hint, o.RetryAt = app.DownloadRunning, "", "", app.Time{}
		return d.current(tx)
	})
	if err != nil {
		return time.Time{}, err
	}
	job := q.fetchJob(r, d.job, stays)
	job.Report = func(f recording.Report) { q.report(d, f) }
	got, err := q.opt.Fetcher.Fetch(ctx, job)
	if err != nil {
		return q.failed(ref, d, err)
	}
	return time.Time{}, q.finished(ctx, ref, d, got)
}

func (q *Queue) fetchJob(r app.Recording, job store.DownloadJob, stays []app.Stay) recording.Job {
	return recording.Job{
		Recording: r, Folder: cmp.Or(job.To, q.opt.Folder), AudioOnly: job.AudioOnly, People: stays, Replaces: broken(r.Download),
		Journal: func(file string) recording.Journal {
			return chunkJournal{q.opt.Store, job.Account, job.ID, file}
		},
		Journaled: func(ctx context.Context) ([]string, error) {
			return store.Read(ctx, q.opt.Store, func(tx *store.Tx) ([]string, error) { return tx.ChunkFiles(job.Account, job.ID), nil })
		},
		Report: func(recording.Report) {},
	}
}

// downloadOf returns a recording's download, a new one if there is none.
func downloadOf(r *app.Recording) *app.Download {
	if r.Download == nil {
		r.Download = &app.Download{}
	}
	return r.Download
}

// failed stores why a try failed, and returns when the next one is. If the user stopped the download, that request stores the state;
// if this process ends, the next owner resumes it.
func (q *Queue) failed(ref app.RecordingRef, d *download, cause error) (next time.Time, err error) {
	gone := false
	q.mu.Lock()
	stopped, at, reported := d.stop != notStopped, d.job.Tries, d.meter.last
	q.mu.Unlock()
	if q.opt.Context.Err() != nil {
		return time.Time{}, nil
	}
	e, now := app.AsError(cause), q.opt.Clock.Now()
	if !stopped && e.Kind == provider.NotFound {
		if q.opt.Hub.Gone(ref) {
			e = &app.Error{Kind: provider.NotFound, Text: "it was deleted on the platform", Err: cause}
			gone = true
		}
		if q.opt.Context.Err() != nil {
			return time.Time{}, nil
		}
	}
	state := app.DownloadFailed
	if reported.Bytes > d.furthest {
		at, d.furthest = 0, reported.Bytes // the network is slow, not down
	}
	if !stopped {
		switch e.Kind {
		case provider.NotReady:
			state, next = app.DownloadWaiting, now.Add(ProcessingAgain)
		case provider.Unavailable, provider.RateLimited, app.Busy:
			if at++; at < Tries {
				state, next = app.DownloadWaiting, now.Add(max(provider.RetryAfter(cause), min(Pause<<(at-1), LongestPause)))
			}
		}
	}
	d.job.Tries = at
	if state == app.DownloadFailed && !stopped {
		q.opt.Log.Warn("a download has failed", "recording", ref.ID, "account", ref.Account, "err", cause)
	}
	err = q.changeDownload(context.Background(), ref, func(tx *store.Tx, r *app.Recording) error {
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
			r.DeletedAt = q.now()
		}
		err := tx.PutDownloadJob(d.job)
		if state == app.DownloadFailed {
			err = errors.Join(err, q.putFailure(tx, *r, FailedDownload, e.Text))
		}
		return err
	})
	return next, err
}

// finished stores that a recording was downloaded, and queues what follows.
func (q *Queue) finished(ctx context.Context, ref app.RecordingRef, d *download, got recording.Result) error {
	var total int64
	for _, f := range got.Files {
		total += f.Size
	}
	var r app.Recording
	err := q.changeDownload(context.Background(), ref, func(tx *store.Tx, now *app.Recording) error {
		if err := d.current(tx); err != nil {
			return err
		}
		o := downloadOf(now)
		*o = app.Download{
			State: app.DownloadDone, Bytes: total, Total: total, Path: got.Path, Files: got.Files, Note: got.Note, AskedAt: o.AskedAt,
			FetchedAt: q.now(), Auto: o.Auto, AudioOnly: o.AudioOnly, DeleteAfter: o.DeleteAfter,
			Earlier: remaining(o.Earlier, got.Files),
		}
		err := errors.Join(tx.DeleteCommandJob(ref.Account, ref.ID), q.PutCommand(tx, now), tx.DeleteDownloadJob(ref.Account, ref.ID))
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

// deleteCopy deletes the platform's copy of a recording whose files are here and whole. After an interruption the next owner does
// it, and reads the files again: they may have been moved or changed, or downloaded by a version that compared nothing. fresh
// reports that the files were just downloaded.
func (q *Queue) deleteCopy(ctx context.Context, r app.Recording, fresh bool) error {
	kept := ""
	if r.DeletedAt.IsZero() && !(fresh && compared(r.Download)) {
		var err error
		if kept, err = q.verifyAgain(ctx, r); ctx.Err() != nil {
			return nil // its job is still in the store
		} else if err != nil {
			return err
		}
	}
	if r.DeletedAt.IsZero() && kept == "" {
		err := q.deleteOnPlatform(q.opt.Context, r)
		if q.opt.Context.Err() != nil {
			return nil
		}
		if err != nil {
			q.opt.Log.Warn("a recording that was downloaded could not be deleted on its platform", "recording", r.ID, "err", err)
			kept = app.AsError(err).Text
		}
	}
	return q.changeDownload(context.Background(), r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		downloadOf(r).Kept = kept
		return tx.DeleteDownloadJob(r.Account, r.ID)
	})
}

// compared reports whether each file of a download was compared with its source. A manifest has none.
func compared(d *app.Download) bool {
	return d != nil && len(d.Files) > 0 &&
		!slices.ContainsFunc(d.Files, func(f app.DownloadedFile) bool { return f.Name != "" && !f.Compared })
}

// verifyAgain reads the files of a recording as `recording verify` does, and stores the findings. It returns why the platform's copy
// must stay, empty if every file is whole.
func (q *Queue) verifyAgain(ctx context.Context, r app.Recording) (kept string, err error) {
	v := app.Verification{RecordingRef: r.Ref()}
	if r.Download != nil {
		for _, f := range r.Download.Files {
			f, _ = q.opt.Fetcher.Verify(ctx, r, f)
			v.Files = append(v.Files, f)
		}
	}
	if len(v.Files) == 0 {
		return "none of its files is known", nil
	}
	if ctx.Err() != nil {
		return "", nil // a reading that was cut short finds nothing
	}
	err = q.changeDownload(context.Background(), r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		d := *downloadOf(r)
		d.Apply(v, q.now())
		r.Download, kept = &d, d.FindingDetail()
		return nil
	})
	return kept, err
}

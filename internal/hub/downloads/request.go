package downloads

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// DownloadRecording starts or resumes a download; see [app.Backend].
func (q *Queue) DownloadRecording(ctx context.Context, req app.DownloadRequest) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, req.RecordingRef)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	if r, err = q.opt.Hub.Stored(ctx, r.Ref()); err != nil {
		return r, err
	}
	if r.Download != nil && r.Download.State.Active() && q.Has(r) {
		q.nudge(r)
		return q.reread(ctx, r, nil)
	}
	if d := r.Download; d != nil && d.State == app.DownloadDone && !req.Again {
		// Nothing is wrong with the files, as far as known, and none is missing.
		if d.Finding() == "" && allThere(d.Files) && (req.AudioOnly || !onlyVoices(r)) {
			return r, nil
		}
		found := false
		if len(d.Earlier) > 0 {
			err = q.changeDownload(ctx, r.Ref(), func(_ *store.Tx, r *app.Recording) error {
				d := *downloadOf(r)
				found = restore(&d, req)
				r.Download = &d
				return nil
			})
		}
		if err != nil || found {
			return q.reread(ctx, r, err)
		}
	}
	if r, err = q.foundAgain(ctx, r); err != nil {
		return r, err
	}
	if err := q.canDownload(r, req); err != nil {
		return r, err
	}
	job := store.DownloadJob{
		Account: r.Account, ID: r.ID, To: req.To, AudioOnly: req.AudioOnly, DeleteAfter: req.DeleteAfter, Again: req.Again,
		AskedAt: q.opt.Clock.Now().UTC(),
	}
	err = q.opt.Hub.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Recording(r.Account, r.ID)
		if err != nil {
			return err
		}
		r = now
		r.IgnoredAt = app.Time{}
		old, known, err := store.Found(tx.DownloadJob(r.Account, r.ID))
		if err != nil {
			return err
		}
		if known {
			// It resumes in the folder where it began.
			if job.To = cmp.Or(job.To, old.To); job.To == old.To && !job.AudioOnly {
				job.AudioOnly = old.AudioOnly
			}
			// A request for less than before doesn't allow deleting the rest.
			job.DeleteAfter = job.DeleteAfter || old.DeleteAfter && job.AudioOnly == old.AudioOnly
			job.Again, job.Former = job.Again || old.Again, old.Former
		}
		return PutJob(tx, &r, job)
	})
	if err == nil {
		q.Add(r, job)
	}
	return q.reread(ctx, r, err)
}

// foundAgain asks the platform for a recording that is marked as deleted there, in case it was only unavailable.
func (q *Queue) foundAgain(ctx context.Context, r app.Recording) (app.Recording, error) {
	if r.DeletedAt.IsZero() || r.FromBucket || !q.opt.Hub.Listed(ctx, r) {
		return r, ctx.Err()
	}
	err := q.changeDownload(ctx, r.Ref(), func(_ *store.Tx, now *app.Recording) error {
		now.DeletedAt = app.Time{}
		r = *now
		return nil
	})
	return r, err
}

// IgnoreRecording excludes a recording from downloads of all recordings; see [app.Backend].
func (q *Queue) IgnoreRecording(ctx context.Context, req app.IgnoreRequest) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, req.RecordingRef)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	err = q.changeDownload(ctx, r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		switch d := r.Download; {
		case req.Undo:
			r.IgnoredAt = app.Time{}
		case d != nil && (d.State.Active() || d.State == app.DownloadPaused):
			return app.Errorf(provider.Conflict, "cancel the download first: greenroom recording cancel "+r.ID,
				"recording %s is being downloaded", r.ID)
		case r.IgnoredAt.IsZero():
			r.IgnoredAt = q.now()
		}
		return nil
	})
	return q.reread(ctx, r, err)
}

// PutJob writes a job, and the recording with its state.
func PutJob(tx *store.Tx, r *app.Recording, job store.DownloadJob) error {
	d := app.Download{
		State: app.DownloadWaiting, Total: r.Size(), AskedAt: app.At(job.AskedAt), Auto: job.Auto,
		AudioOnly: job.AudioOnly, DeleteAfter: job.DeleteAfter, Earlier: formerDownloads(r.Download),
	}
	if old := r.Download; old != nil && !job.Again && old.State != app.DownloadDone && old.State != app.DownloadCancelled {
		d.Bytes, d.Total = old.Bytes, max(old.Total, d.Total)
	}
	r.Download = &d
	return errors.Join(tx.PutDownloadJob(job), tx.PutRecording(*r))
}

// onlyVoices reports whether a recording has more files than the audio that was downloaded.
func onlyVoices(r app.Recording) bool {
	here := 0
	for _, f := range r.Download.Files {
		if f.Name != "" {
			here++
		}
	}
	return r.Download.AudioOnly && here < len(r.Files)
}

// canDownload returns why a recording can't be downloaded, nil when it can.
func (q *Queue) canDownload(r app.Recording, req app.DownloadRequest) error {
	if req.To != "" && !filepath.IsAbs(req.To) {
		return app.Errorf(provider.Invalid, "", "download to %q: not an absolute path", req.To)
	}
	if err := q.opt.Hub.CanDownload(r); err != nil {
		return err
	}
	if q.opt.Fetcher == nil {
		return app.Errorf(provider.Unsupported, "", "the process that owns the store was started without a downloader")
	}
	switch {
	case !r.DeletedAt.IsZero():
		return app.Errorf(provider.NotFound, "", "recording %s was deleted on %s", r.ID, r.Platform)
	case r.Status == app.RecordingFailed:
		return app.Errorf(provider.Conflict, r.Error, "recording %s has failed: there is nothing to download", r.ID)
	case r.Status != app.RecordingReady && !req.Wait:
		doing := "being processed by " + string(r.Platform)
		if r.Status == app.RecordingRunning {
			doing = "being recorded"
		}
		return app.Errorf(provider.NotReady, "try again later, or use --wait", "recording %s is still %s", r.ID, doing)
	}
	return nil
}

// PauseDownload pauses a download; see [app.Backend].
func (q *Queue) PauseDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	// A download that is stopped is stored as such even if the caller has left.
	defer q.stop(r, stopPause)()
	err = q.changeDownload(context.WithoutCancel(ctx), r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		if d := r.Download; d != nil && (d.State.Active() || d.State == app.DownloadPaused) {
			d.State, d.Reason, d.Hint, d.RetryAt = app.DownloadPaused, "paused by hand", "", app.Time{}
		}
		return nil
	})
	return q.reread(ctx, r, err)
}

// CancelDownload cancels a download; see [app.Backend].
func (q *Queue) CancelDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	ctx = context.WithoutCancel(ctx)
	defer q.stop(r, stopCancel)()
	var job store.DownloadJob
	var stays []app.Stay
	err = q.opt.Store.View(ctx, func(tx *store.Tx) (err error) {
		if job, err = tx.DownloadJob(r.Account, r.ID); err != nil {
			return err
		}
		stays, err = peopleOf(tx, r)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return q.reread(ctx, r, nil)
	case err != nil:
		return r, err
	}
	if f := q.opt.Fetcher; f != nil {
		if err := f.Discard(ctx, q.fetchJob(r, job, stays)); err != nil {
			return r, err
		}
	}
	err = q.changeDownload(ctx, r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		if d := r.Download; d != nil && d.State == app.DownloadDone {
			d.DeleteAfter = false
		} else if d != nil {
			*d = app.Download{State: app.DownloadCancelled, Total: d.Total, AskedAt: d.AskedAt, Earlier: d.Earlier}
			restore(d, app.DownloadRequest{AudioOnly: true}) // the files of before are still there
		}
		return tx.DeleteDownloadJob(r.Account, r.ID)
	})
	return q.reread(ctx, r, err)
}

// DeleteRecording deletes a recording on its platform; see [app.Backend].
func (q *Queue) DeleteRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	if d := q.Overlay(r).Download; d != nil && d.State.Active() {
		return r, app.Errorf(provider.Conflict, "wait for it, or cancel the download first", "recording %s is being downloaded", r.ID)
	}
	return q.reread(ctx, r, q.deleteOnPlatform(ctx, r))
}

// deleteOnPlatform deletes the platform's copy of a recording.
func (q *Queue) deleteOnPlatform(ctx context.Context, r app.Recording) error {
	if err := q.opt.Hub.DeleteCopy(ctx, r); err != nil {
		return err
	}
	return q.changeDownload(context.WithoutCancel(ctx), r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		r.DeletedAt = q.now()
		return nil
	})
}

// LimitDownloads changes the bandwidth; see [app.Backend].
func (q *Queue) LimitDownloads(ctx context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	f := q.opt.Fetcher
	switch {
	case f == nil:
		return l, app.Errorf(provider.Unsupported, "", "the process that owns the store was started without a downloader")
	case l.BytesPerSecond < 0:
		return l, app.Errorf(provider.Invalid, "0 is no limit", "a limit can't be negative")
	}
	f.Limit(l.BytesPerSecond)
	q.mu.Lock()
	q.limit = l.BytesPerSecond
	q.mu.Unlock()
	q.opt.Publish([]app.Change{{Kind: app.StatusChange}})
	return l, ctx.Err()
}

// reread returns a recording after a change, or the error of the change.
func (q *Queue) reread(ctx context.Context, r app.Recording, err error) (app.Recording, error) {
	if err != nil {
		return r, err
	}
	return q.opt.Hub.Recording(ctx, r.Ref())
}

// changeDownload changes a recording in a transaction.
func (q *Queue) changeDownload(ctx context.Context, ref app.RecordingRef, change func(*store.Tx, *app.Recording) error) error {
	return q.opt.Hub.Write(ctx, func(tx *store.Tx) error {
		r, known, err := store.Found(tx.Recording(ref.Account, ref.ID))
		if !known {
			return cmp.Or(err, app.Errorf(provider.NotFound, "", "there is no recording %q", ref.ID))
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return tx.PutRecording(r)
	})
}

// peopleOf lists the stays of a recording's meeting.
func peopleOf(tx *store.Tx, r app.Recording) ([]app.Stay, error) {
	if r.Meeting == "" {
		return nil, nil
	}
	stays, err := tx.Stays(r.Meeting)
	out := make([]app.Stay, 0, len(stays))
	for _, s := range stays {
		out = append(out, s.Stay)
	}
	return out, err
}

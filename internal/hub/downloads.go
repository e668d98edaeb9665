package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// DownloadRecording has a recording fetched; see [app.Backend].
func (h *Hub) DownloadRecording(ctx context.Context, req app.DownloadRequest) (app.Recording, error) {
	r, err := h.Recording(ctx, req.RecordingRef)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	if r, err = h.storedRecording(ctx, r.Ref()); err != nil {
		return r, err
	}
	if r.Download != nil && r.Download.State.Active() && h.downloads.has(r) {
		h.downloads.nudge(r)
		return h.Recording(ctx, r.Ref())
	}
	if d := r.Download; d != nil && d.State == app.DownloadDone && !req.Again && stands(*d) && (req.AudioOnly || !onlyVoices(r)) {
		return r, nil
	} else if d != nil && d.State == app.DownloadDone && !req.Again && len(d.Earlier) > 0 {
		found := false
		err := h.changeDownload(ctx, r.Ref(), func(_ *store.Tx, r *app.Recording) error {
			d := *downloadOf(r)
			found = restore(&d, req)
			r.Download = &d
			return nil
		})
		if err != nil || found {
			return r, errors.Join(err, h.reread(ctx, &r))
		}
	}
	if r, err = h.foundAgain(ctx, r); err != nil {
		return r, err
	}
	if err := h.canDownload(r, req); err != nil {
		return r, err
	}
	job := store.DownloadJob{
		Account: r.Account, ID: r.ID, To: req.To, AudioOnly: req.AudioOnly, DeleteAfter: req.DeleteAfter, Again: req.Again,
		AskedAt: h.clock.Now().UTC(),
	}
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.Recording(r.Account, r.ID)
		if err != nil {
			return err
		}
		r = now
		r.IgnoredAt = app.Time{}
		if old, err := tx.DownloadJob(r.Account, r.ID); err == nil {
			// It goes on where it was begun: elsewhere it would begin anew.
			if job.To = cmp.Or(job.To, old.To); job.To == old.To && !job.AudioOnly {
				job.AudioOnly = old.AudioOnly
			}
			// Whoever wants less than was asked for has not said that the rest may go.
			job.DeleteAfter = job.DeleteAfter || old.DeleteAfter && job.AudioOnly == old.AudioOnly
			job.Again, job.Former = job.Again || old.Again, old.Former
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return putJob(tx, &r, job)
	})
	if err != nil {
		return r, writeError(err)
	}
	h.downloads.add(r, job)
	return h.Recording(ctx, r.Ref())
}

// foundAgain asks the platform for a recording that was gone from it, in case it was only out of reach.
func (h *Hub) foundAgain(ctx context.Context, r app.Recording) (app.Recording, error) {
	if r.DeletedAt.IsZero() || r.FromBucket {
		return r, nil
	}
	a, err := h.accountOf(r.Account)
	if err != nil {
		return r, err
	}
	f, ok := a.Provider.(provider.RecordingFinder)
	if !ok || h.readRecording(ctx, a, f, r.ID) != nil {
		return r, ctx.Err()
	}
	err = h.changeDownload(ctx, r.Ref(), func(_ *store.Tx, now *app.Recording) error {
		now.DeletedAt = app.Time{}
		r = *now
		return nil
	})
	return r, err
}

// IgnoreRecording leaves a recording out of the downloads of all; see [app.Backend].
func (h *Hub) IgnoreRecording(ctx context.Context, req app.IgnoreRequest) (app.Recording, error) {
	r, err := h.Recording(ctx, req.RecordingRef)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	err = h.changeDownload(ctx, r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		switch d := r.Download; {
		case req.Undo:
			r.IgnoredAt = app.Time{}
		case d != nil && (d.State.Active() || d.State == app.DownloadPaused):
			return &app.Error{
				Kind: provider.Conflict, Text: fmt.Sprintf("recording %s is being downloaded", r.ID),
				Hint: "cancel the download first: greenroom recording cancel " + r.ID,
			}
		case r.IgnoredAt.IsZero():
			r.IgnoredAt = h.now()
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	return h.Recording(ctx, r.Ref())
}

// putJob writes a job and shows it with its recording.
func putJob(tx *store.Tx, r *app.Recording, job store.DownloadJob) error {
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

// onlyVoices says whether of a recording that is here there are more files than were asked for.
func onlyVoices(r app.Recording) bool {
	here := 0
	for _, f := range r.Download.Files {
		if f.Name != "" {
			here++
		}
	}
	return r.Download.AudioOnly && here < len(r.Files)
}

// stands says whether the files of a download that is done are where they were put, and nothing was found to be wrong with them.
func stands(d app.Download) bool { return d.Finding() == "" && allThere(d.Files) }

// canDownload says why a recording can't be fetched.
func (h *Hub) canDownload(r app.Recording, req app.DownloadRequest) error {
	if req.To != "" && !filepath.IsAbs(req.To) {
		return &app.Error{Kind: provider.Invalid, Text: fmt.Sprintf("download to %q: not an absolute path", req.To)}
	}
	a, err := h.accountOf(r.Account)
	if err != nil {
		return err
	}
	if why := reasons(a)[app.AbilityDownload]; why != "" {
		return cannot(a, app.AbilityDownload)
	}
	if h.opt.Downloads.Fetcher == nil {
		return &app.Error{Kind: provider.Unsupported, Text: "the process that owns the store was started without a downloader"}
	}
	switch {
	case !r.DeletedAt.IsZero():
		return &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("recording %s was deleted on %s", r.ID, r.Platform)}
	case r.Status == app.RecordingFailed:
		return &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("recording %s has failed: there is nothing to download", r.ID), Hint: r.Error,
		}
	case r.Status != app.RecordingReady && !req.Wait:
		doing := "being processed by " + string(r.Platform)
		if r.Status == app.RecordingRunning {
			doing = "being recorded"
		}
		return &app.Error{
			Kind: provider.NotReady, Text: fmt.Sprintf("recording %s is still %s", r.ID, doing),
			Hint: "ask again later, or with --wait",
		}
	}
	return nil
}

// PauseDownload pauses a download; see [app.Backend].
func (h *Hub) PauseDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := h.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	// Whatever becomes of the caller, a download that was told to stop is not left half noted.
	defer h.downloads.stop(r, stopPause)()
	err = h.changeDownload(context.WithoutCancel(ctx), r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		if d := r.Download; d != nil && (d.State.Active() || d.State == app.DownloadPaused) {
			d.State, d.Reason, d.Hint, d.RetryAt = app.DownloadPaused, "paused by hand", "", app.Time{}
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	return h.Recording(ctx, r.Ref())
}

// CancelDownload gives a download up; see [app.Backend].
func (h *Hub) CancelDownload(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := h.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	ctx = context.WithoutCancel(ctx)
	defer h.downloads.stop(r, stopCancel)()
	var job store.DownloadJob
	var stays []app.Stay
	err = h.store.View(ctx, func(tx *store.Tx) (err error) {
		if job, err = tx.DownloadJob(r.Account, r.ID); err != nil {
			return err
		}
		stays, err = peopleOf(tx, r)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return h.Recording(ctx, r.Ref())
	case err != nil:
		return r, err
	}
	if f := h.opt.Downloads.Fetcher; f != nil {
		if err := f.Discard(ctx, h.fetchJob(r, job, stays)); err != nil {
			return r, err
		}
	}
	err = h.changeDownload(ctx, r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		if d := r.Download; d != nil && d.State == app.DownloadDone {
			d.DeleteAfter = false
		} else if d != nil {
			*d = app.Download{State: app.DownloadCancelled, Total: d.Total, AskedAt: d.AskedAt, Earlier: d.Earlier}
			restore(d, app.DownloadRequest{AudioOnly: true}) // what was here before still is
		}
		return tx.DeleteDownloadJob(r.Account, r.ID)
	})
	if err != nil {
		return r, err
	}
	return h.Recording(ctx, r.Ref())
}

// DeleteRecording deletes a recording on its platform; see [app.Backend].
func (h *Hub) DeleteRecording(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := h.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	if d := h.downloads.overlay(r).Download; d != nil && d.State.Active() {
		return r, &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("recording %s is being downloaded", r.ID),
			Hint: "wait for it, or cancel the download first",
		}
	}
	if err := h.deleteOnPlatform(ctx, r); err != nil {
		return r, err
	}
	return h.Recording(ctx, r.Ref())
}

func (h *Hub) deleteOnPlatform(ctx context.Context, r app.Recording) error {
	if r.FromBucket {
		return &app.Error{
			Kind: provider.Unsupported, Text: fmt.Sprintf("%s does not list recording %s: it was found in a bucket of yours", r.Platform, r.ID),
			Hint: "what stands in your bucket is deleted there",
		}
	}
	a, err := h.accountOf(r.Account)
	if err != nil {
		return err
	}
	del, ok := a.Provider.(provider.RecordingDeleter)
	if !ok {
		return cannot(a, app.AbilityDeleteRecording)
	}
	if r.Status == app.RecordingRunning {
		return &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("recording %s is still running", r.ID), Hint: "stop the recording first",
		}
	}
	err = del.DeleteRecording(ctx, r.ID)
	h.noteCall(a, err)
	if err != nil {
		return err
	}
	return h.changeDownload(context.WithoutCancel(ctx), r.Ref(), func(_ *store.Tx, r *app.Recording) error {
		r.DeletedAt = h.now()
		return nil
	})
}

// LimitDownloads changes the bandwidth; see [app.Backend].
func (h *Hub) LimitDownloads(ctx context.Context, l app.DownloadLimit) (app.DownloadLimit, error) {
	f := h.opt.Downloads.Fetcher
	switch {
	case f == nil:
		return l, &app.Error{Kind: provider.Unsupported, Text: "the process that owns the store was started without a downloader"}
	case l.BytesPerSecond < 0:
		return l, &app.Error{Kind: provider.Invalid, Text: "a limit can't be negative", Hint: "0 is no limit"}
	}
	f.Limit(l.BytesPerSecond)
	h.downloads.setLimit(l.BytesPerSecond)
	h.publish([]app.Change{{Kind: app.StatusChange}})
	return l, ctx.Err()
}

// changeDownload changes a recording in a transaction.
func (h *Hub) changeDownload(ctx context.Context, ref app.RecordingRef, change func(*store.Tx, *app.Recording) error) error {
	return writeError(h.store.Update(ctx, func(tx *store.Tx) error {
		r, err := tx.Recording(ref.Account, ref.ID)
		if errors.Is(err, store.ErrNotFound) {
			return notFound("there is no recording %q", ref.ID)
		}
		if err != nil {
			return err
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return tx.PutRecording(r)
	}))
}

func downloadLock(r app.Recording) string { return "download " + r.Account + "/" + r.ID }

// peopleOf lists who was in a recording's meeting.
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

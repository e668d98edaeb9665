package downloads

import (
	"context"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// putFailure queues on_failure, if it is configured.
func (q *Queue) putFailure(tx *store.Tx, r app.Recording, what, reason string) error {
	if q.opt.OnFailure == nil {
		return nil
	}
	now := q.opt.Clock.Now().UTC()
	return tx.PutCommandJob(store.CommandJob{Account: r.Account, ID: r.ID, Made: now, Next: now, Failure: what, Reason: reason})
}

// PutCommand queues on_download for a downloaded recording, if it is configured.
func (q *Queue) PutCommand(tx *store.Tx, r *app.Recording) error {
	if q.opt.Command == nil {
		return nil
	}
	now := q.opt.Clock.Now().UTC()
	*commandOf(r) = app.DownloadCommand{State: app.CommandWaiting}
	return tx.PutCommandJob(store.CommandJob{Account: r.Account, ID: r.ID, Made: now, Next: now})
}

func commandOf(r *app.Recording) *app.DownloadCommand {
	d := downloadOf(r)
	if d.Command == nil {
		d.Command = &app.DownloadCommand{}
	}
	return d.Command
}

// RerunCommand runs on_download again; see [app.Backend].
func (q *Queue) RerunCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	q.programs.mu.Lock()
	runs := q.programs.find(r) != nil
	q.programs.mu.Unlock()
	if err := q.canRerun(r, runs); err != nil {
		return r, err
	}
	err = q.changeDownload(ctx, r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		if err := q.canRerun(*r, false); err != nil {
			return err
		}
		return q.PutCommand(tx, r)
	})
	if err == nil {
		q.programs.Wake()
	}
	return q.reread(ctx, r, err)
}

// canRerun returns why on_download can't be run on a recording, nil if it can.
func (q *Queue) canRerun(r app.Recording, runs bool) error {
	switch {
	case q.opt.Command == nil:
		return app.Errorf(app.NotConfigured, "set on_download under [download] in the configuration", "on_download is not configured")
	case r.Download == nil || r.Download.State != app.DownloadDone:
		return app.Errorf(provider.Conflict, "greenroom recording download "+r.ID, "recording %s is not downloaded", r.ID)
	case runs:
		return app.Errorf(provider.Conflict, "stop it first: greenroom recording skip "+r.ID,
			"on_download is already running for recording %s", r.ID)
	}
	return nil
}

// SkipCommand ends on_download for a recording; see [app.Backend].
func (q *Queue) SkipCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := q.opt.Hub.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer q.lock(r)()
	ctx = context.WithoutCancel(ctx)
	// Without its job a running program stores no outcome, and none begins.
	err = q.changeDownload(ctx, r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		j, known, err := store.Found(tx.CommandJob(r.Account, r.ID))
		if !known {
			return err
		}
		if j.Failure == "" {
			*commandOf(r) = app.DownloadCommand{State: app.CommandSkipped, Tries: j.Tries, EndedAt: q.now()}
		}
		return tx.DeleteCommandJob(r.Account, r.ID)
	})
	q.programs.mu.Lock()
	run := q.programs.find(r)
	q.programs.mu.Unlock()
	if run != nil {
		run.cancel(errSkipped)
		<-run.ended
	}
	return q.reread(ctx, r, err)
}

package hub

import (
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// commandTries is how often on_download is run on a recording before it has failed for good, commandPause how long is
	// waited after the first failure; it doubles.
	commandTries = 5
	commandPause = 30 * time.Second
)

// commands runs on_download for the recordings whose run has not ended for good, one at a time. Their jobs are in the
// store, so that they outlive this process: one that is killed in the middle is run again from the beginning.
type commands struct {
	h    *Hub
	look chan struct{}
}

// changed is told of the recordings that a commit has written.
func (c *commands) changed(r app.Recording) {
	if r.Download != nil && r.Download.Command != nil && r.Download.Command.State == app.CommandWaiting {
		select {
		case c.look <- struct{}{}:
		default:
		}
	}
}

func (c *commands) serve() {
	h := c.h
	for {
		next, err := c.turn(h.ctx)
		if err != nil && h.ctx.Err() == nil {
			h.log.Error("on_download could not be looked after", "err", err)
			next = h.clock.Now().Add(commandPause)
		}
		var due <-chan time.Time
		if !next.IsZero() {
			due = h.clock.After(next.Sub(h.clock.Now()))
		}
		select {
		case <-due:
		case <-c.look:
		case <-h.ctx.Done():
			return
		}
	}
}

// turn runs what is due, and says when the next one is.
func (c *commands) turn(ctx context.Context) (next time.Time, err error) {
	var jobs []store.CommandJob
	var failed error
	err = c.h.store.View(ctx, func(tx *store.Tx) (err error) { jobs, err = tx.CommandJobs(); return err })
	if err != nil {
		return next, err
	}
	for _, j := range jobs {
		if ctx.Err() != nil {
			return next, ctx.Err()
		}
		if j.Next.After(c.h.clock.Now()) {
			if next.IsZero() || j.Next.Before(next) {
				next = j.Next
			}
			continue
		}
		again, err := c.run(ctx, j)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if !again.IsZero() && (next.IsZero() || again.Before(next)) {
			next = again
		}
	}
	return next, failed
}

// run runs one, and says when it is to be run again; zero when it has ended for good.
func (c *commands) run(ctx context.Context, j store.CommandJob) (again time.Time, err error) {
	h, ref := c.h, app.RecordingRef{Account: j.Account, ID: j.ID}
	var r app.Recording
	err = h.changeDownload(ctx, ref, func(_ *store.Tx, now *app.Recording) error {
		commandOf(now).State = app.CommandRunning
		r = *now
		return nil
	})
	if errors.Is(err, provider.NotFound) {
		return again, h.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteCommandJob(j.Account, j.ID) })
	}
	if err != nil {
		return again, err
	}
	cause := errors.New("on_download is not configured any more")
	j.Tries++
	if run := h.opt.Downloads.Command; run != nil {
		cause = run(ctx, r)
	} else {
		j.Tries = commandTries
	}
	if ctx.Err() != nil {
		return again, ctx.Err() // the next owner runs it again
	}
	if cause != nil && j.Tries < commandTries {
		again = h.clock.Now().Add(commandPause << (j.Tries - 1)).UTC()
		j.Next = again
	}
	err = h.changeDownload(context.WithoutCancel(ctx), ref, func(tx *store.Tx, r *app.Recording) error {
		o := commandOf(r)
		*o = app.DownloadCommand{State: app.CommandDone, Tries: j.Tries, EndedAt: h.now()}
		switch {
		case cause == nil:
			return tx.DeleteCommandJob(j.Account, j.ID)
		case again.IsZero():
			o.State, o.Reason = app.CommandFailed, cause.Error()
			return tx.DeleteCommandJob(j.Account, j.ID)
		}
		o.State, o.Reason, o.RetryAt, o.EndedAt = app.CommandWaiting, cause.Error(), app.At(again), app.Time{}
		return tx.PutCommandJob(j)
	})
	if cause != nil {
		h.log.Warn("on_download has failed", "recording", j.ID, "try", j.Tries, "of", commandTries, "err", cause)
	}
	return again, err
}

func commandOf(r *app.Recording) *app.DownloadCommand {
	d := downloadOf(r)
	if d.Command == nil {
		d.Command = &app.DownloadCommand{}
	}
	return d.Command
}

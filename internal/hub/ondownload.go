package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// commandTries is how often a program is run on a recording before it has failed for good, commandPause how long to
	// wait after the first failure; it doubles.
	commandTries = 5
	commandPause = 30 * time.Second
	// commandTroubled is the pause after the store could not be read.
	commandTroubled = 30 * time.Second
)

// What on_failure is about.
const (
	failedDownload = "download"
	failedCommand  = "on_download"
)

// errSkipped ends a program whose job was removed.
var errSkipped = errors.New("it was skipped")

// commands runs on_download for the recordings whose run has not ended for good, and on_failure for what has failed, a few at
// once. Their jobs are in the store, so that they outlive this process. A run is counted before it begins: one that is killed in
// the middle is run again from the beginning, but not more often than one that fails.
type commands struct {
	h    *Hub
	look chan struct{}

	mu      sync.Mutex
	running map[app.RecordingRef]*commandRun
}

// commandRun is a program that runs. ended is closed once nothing of it runs and its outcome is written.
type commandRun struct {
	cancel context.CancelCauseFunc
	ended  chan struct{}
}

func newCommands(h *Hub) *commands {
	return &commands{h: h, look: make(chan struct{}, 1), running: make(map[app.RecordingRef]*commandRun)}
}

// changed is called with the recordings that a commit has written. It doesn't block.
func (c *commands) changed(r app.Recording) {
	d := r.Download
	if d != nil && (d.State == app.DownloadFailed || d.Command != nil && d.Command.State != app.CommandRunning) {
		c.wake()
	}
}

func (c *commands) wake() {
	select {
	case c.look <- struct{}{}:
	default:
	}
}

// find returns the run of a recording, also one that began when that was known under another id; the caller holds mu.
func (c *commands) find(r app.Recording) *commandRun {
	for _, id := range append([]string{r.ID}, r.Aliases...) {
		if run := c.running[app.RecordingRef{Account: r.Account, ID: id}]; run != nil {
			return run
		}
	}
	return nil
}

// show corrects what the store says of a run that no process has: an earlier owner was killed over it.
func (c *commands) show(r app.Recording) app.Recording {
	if r.Download == nil || r.Download.Command == nil || r.Download.Command.State != app.CommandRunning {
		return r
	}
	c.mu.Lock()
	runs := c.find(r) != nil
	c.mu.Unlock()
	if !runs {
		d, o := *r.Download, *r.Download.Command
		o.State, o.Reason = app.CommandWaiting, reasonNobody
		d.Command, r.Download = &o, &d
	}
	return r
}

func (c *commands) serve() {
	h := c.h
	for {
		next, err := c.turn(h.ctx)
		if err != nil && h.ctx.Err() == nil {
			h.log.Error("the programs to run on recordings could not be read", "err", err)
			next = h.clock.Now().Add(commandTroubled)
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

// turn begins what is due as far as there is room, and returns when the next one is due. A run that ends calls for another turn.
func (c *commands) turn(ctx context.Context) (next time.Time, err error) {
	type found struct {
		job store.CommandJob
		r   app.Recording
	}
	var all []found
	err = c.h.store.View(ctx, func(tx *store.Tx) error {
		jobs, err := tx.CommandJobs()
		for _, j := range jobs {
			r, rerr := tx.Recording(j.Account, j.ID)
			if rerr != nil && !errors.Is(rerr, store.ErrNotFound) {
				return rerr
			}
			all = append(all, found{j, r})
		}
		return err
	})
	if err != nil {
		return next, err
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.job.Next.Compare(b.job.Next) })
	for _, f := range all {
		if !c.due(f.job) {
			return f.job.Next, nil // the others are due later still
		}
		if f.r.ID == "" {
			if err := c.h.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteCommandJob(f.job.Account, f.job.ID) }); err != nil {
				return next, err
			}
			continue
		}
		c.mu.Lock()
		full, runs := len(c.running) >= cmp.Or(c.h.opt.Downloads.Programs, 2), c.find(f.r) != nil
		if !full && !runs {
			runCtx, cancel := context.WithCancelCause(ctx)
			ref, run := f.r.Ref(), &commandRun{cancel: cancel, ended: make(chan struct{})}
			c.running[ref] = run
			c.h.goes("program", func() { c.run(runCtx, ref, run) })
		}
		c.mu.Unlock()
		if full {
			return next, nil
		}
	}
	return next, nil
}

// due reports whether a job may begin. A pause that is longer than any comes from a clock that was wrong.
func (c *commands) due(j store.CommandJob) bool {
	pause := j.Next.Sub(c.h.clock.Now())
	return pause <= 0 || pause > commandPause<<commandTries
}

// run runs the program of a recording's job once, and notes the outcome.
func (c *commands) run(ctx context.Context, ref app.RecordingRef, run *commandRun) {
	h := c.h
	err := c.attempt(ctx, ref, run)
	if err != nil && h.ctx.Err() == nil {
		h.log.Error("the outcome of a program could not be noted", "recording", ref.ID, "err", err)
		select {
		case <-h.clock.After(commandTroubled):
		case <-ctx.Done():
		}
	}
	run.cancel(nil)
	c.mu.Lock()
	delete(c.running, ref)
	c.mu.Unlock()
	close(run.ended)
	c.wake()
}

func (c *commands) attempt(ctx context.Context, ref app.RecordingRef, run *commandRun) error {
	h := c.h
	j, r, err := c.begin(ctx, ref)
	if err != nil || j == nil {
		return err
	}
	timeout := h.opt.Downloads.ProgramTime
	if timeout > 0 {
		stop := h.clock.AfterFunc(timeout, func() {
			defer h.crash.Recover("program's time limit")
			run.cancel(fmt.Errorf("it was killed after %s, its time limit", timeout))
		})
		defer stop.Stop()
	}
	cause := c.execute(ctx, *j, r)
	if cause != nil && h.ctx.Err() != nil {
		return nil // the next owner runs it again
	}
	if cause != nil && ctx.Err() != nil {
		cause = context.Cause(ctx)
	}
	if cause != nil && !errors.Is(cause, errSkipped) {
		h.log.Warn("a program has failed", "recording", j.ID, "after", cmp.Or(j.Failure, "a download"), "try", j.Tries, "of", commandTries, "err", cause)
	}
	return c.settle(*j, cause)
}

// execute runs the program that a job is about.
func (c *commands) execute(ctx context.Context, j store.CommandJob, r app.Recording) error {
	d := c.h.opt.Downloads
	if j.Failure != "" {
		return d.OnFailure(ctx, r, Failure{What: j.Failure, Reason: j.Reason})
	}
	return d.Command(ctx, r)
}

// begin counts a run and returns its job; nil when there is nothing to run any more.
func (c *commands) begin(ctx context.Context, ref app.RecordingRef) (*store.CommandJob, app.Recording, error) {
	h := c.h
	var run *store.CommandJob
	var shown app.Recording
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		run = nil
		j, err := tx.CommandJob(ref.Account, ref.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil || !c.due(j) { // a run that has just failed waits, whatever a list from before says
			return err
		}
		r, err := tx.Recording(ref.Account, ref.ID)
		if err != nil {
			return err
		}
		switch {
		case j.Failure == "" && (r.Download == nil || r.Download.State != app.DownloadDone):
			return tx.DeleteCommandJob(j.Account, j.ID) // it is downloaded again, which makes another job
		case j.Failure != "" && h.opt.Downloads.OnFailure == nil:
			return tx.DeleteCommandJob(j.Account, j.ID)
		case j.Failure == "" && h.opt.Downloads.Command == nil:
			return c.end(tx, &r, j, "on_download is not configured any more")
		case j.Tries >= commandTries:
			return c.end(tx, &r, j, fmt.Sprintf("Greenroom ended while it ran, the last of %d tries", commandTries))
		}
		j.Tries++
		run = &j
		if err := tx.PutCommandJob(j); err != nil || j.Failure != "" {
			shown = r
			return err
		}
		o := commandOf(&r)
		*o = app.DownloadCommand{State: app.CommandRunning, Tries: j.Tries}
		shown = r
		return tx.PutRecording(r)
	})
	return run, shown, err
}

// settle notes the outcome of a run. A job that was removed or replaced meanwhile is left alone.
func (c *commands) settle(j store.CommandJob, cause error) error {
	h := c.h
	return h.store.Update(context.Background(), func(tx *store.Tx) error {
		now, err := tx.CommandJob(j.Account, j.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && (!now.Made.Equal(j.Made) || now.Tries != j.Tries) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := tx.Recording(now.Account, now.ID)
		if err != nil {
			return err
		}
		switch {
		case cause != nil && now.Tries >= commandTries:
			return c.end(tx, &r, now, cause.Error())
		case cause != nil:
			now.Next = h.clock.Now().Add(commandPause << (now.Tries - 1)).UTC()
			err = tx.PutCommandJob(now)
		default:
			err = tx.DeleteCommandJob(now.Account, now.ID)
		}
		if err != nil || now.Failure != "" {
			return err
		}
		o := commandOf(&r)
		*o = app.DownloadCommand{State: app.CommandDone, Tries: now.Tries, EndedAt: h.now()}
		if cause != nil {
			*o = app.DownloadCommand{State: app.CommandWaiting, Tries: now.Tries, Reason: cause.Error(), RetryAt: app.At(now.Next)}
		}
		return tx.PutRecording(r)
	})
}

// end writes that a program has failed for good. When that is on_download, on_failure comes next.
func (c *commands) end(tx *store.Tx, r *app.Recording, j store.CommandJob, reason string) error {
	if j.Failure != "" {
		c.h.log.Error("on_failure has failed for good", "recording", j.ID, "about", j.Failure, "err", reason)
		return tx.DeleteCommandJob(j.Account, j.ID)
	}
	*commandOf(r) = app.DownloadCommand{State: app.CommandFailed, Tries: j.Tries, Reason: reason, EndedAt: c.h.now()}
	return errors.Join(tx.DeleteCommandJob(j.Account, j.ID), c.h.putFailure(tx, *r, failedCommand, reason), tx.PutRecording(*r))
}

// alerts counts the runs of on_failure that are due.
func (c *commands) alerts(ctx context.Context) (n int, err error) {
	err = c.h.store.View(ctx, func(tx *store.Tx) error {
		jobs, err := tx.CommandJobs()
		for _, j := range jobs {
			if j.Failure != "" && !j.Next.After(c.h.clock.Now()) {
				n++
			}
		}
		return err
	})
	return n, err
}

// putFailure has on_failure run, where one is configured.
func (h *Hub) putFailure(tx *store.Tx, r app.Recording, what, reason string) error {
	if h.opt.Downloads.OnFailure == nil {
		return nil
	}
	now := h.clock.Now().UTC()
	return tx.PutCommandJob(store.CommandJob{Account: r.Account, ID: r.ID, Made: now, Next: now, Failure: what, Reason: reason})
}

// putCommand has on_download run on a recording that was downloaded, where one is configured.
func (h *Hub) putCommand(tx *store.Tx, r *app.Recording) error {
	if h.opt.Downloads.Command == nil {
		return nil
	}
	now := h.clock.Now().UTC()
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
func (h *Hub) RerunCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := h.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	h.commands.mu.Lock()
	runs := h.commands.find(r) != nil
	h.commands.mu.Unlock()
	if err := h.canRerun(r, runs); err != nil {
		return r, err
	}
	err = h.changeDownload(ctx, r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		if err := h.canRerun(*r, false); err != nil {
			return err
		}
		return h.putCommand(tx, r)
	})
	if err != nil {
		return r, err
	}
	h.commands.wake()
	return h.Recording(ctx, r.Ref())
}

// canRerun says why on_download can't be run on a recording.
func (h *Hub) canRerun(r app.Recording, runs bool) error {
	switch {
	case h.opt.Downloads.Command == nil:
		return &app.Error{Kind: app.NotConfigured, Text: "on_download is not configured", Hint: "set on_download under [download] in the configuration"}
	case r.Download == nil || r.Download.State != app.DownloadDone:
		return &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("recording %s is not downloaded", r.ID), Hint: "greenroom recording download " + r.ID,
		}
	case runs:
		return &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("on_download runs on recording %s already", r.ID),
			Hint: "end it first: greenroom recording skip " + r.ID,
		}
	}
	return nil
}

// SkipCommand ends on_download for a recording; see [app.Backend].
func (h *Hub) SkipCommand(ctx context.Context, ref app.RecordingRef) (app.Recording, error) {
	r, err := h.Recording(ctx, ref)
	if err != nil {
		return r, err
	}
	defer h.rooms.lock(downloadLock(r))()
	ctx = context.WithoutCancel(ctx)
	// Without its job a program that runs now leaves no trace, and none begins.
	err = h.changeDownload(ctx, r.Ref(), func(tx *store.Tx, r *app.Recording) error {
		j, err := tx.CommandJob(r.Account, r.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if j.Failure == "" {
			*commandOf(r) = app.DownloadCommand{State: app.CommandSkipped, Tries: j.Tries, EndedAt: h.now()}
		}
		return tx.DeleteCommandJob(r.Account, r.ID)
	})
	h.commands.mu.Lock()
	run := h.commands.find(r)
	h.commands.mu.Unlock()
	if run != nil {
		run.cancel(errSkipped)
		<-run.ended
	}
	if err != nil {
		return r, err
	}
	return h.Recording(ctx, r.Ref())
}

package downloads

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/stable"
	"greenroom/store"
)

const (
	// ProgramTries is how often a program is run on a recording until it succeeds, ProgramPause the wait after the first failure;
	// it doubles.
	ProgramTries = 5
	ProgramPause = 30 * time.Second
	// commandTroubled is the pause after a failure of the store.
	commandTroubled = 30 * time.Second
)

// The subjects of on_failure.
const (
	FailedDownload = "download"
	FailedProgram  = "on_download"
)

// errSkipped ends a program whose job was removed.
var errSkipped = errors.New("it was skipped")

// Programs runs on_download on downloaded recordings and on_failure after final failures, a few at a time. Their jobs are in the
// store, so that they outlive this process. A run is counted before it begins: one that was killed is run again from the start, but
// not more often than one that fails.
type Programs struct {
	q    *Queue
	look chan struct{}

	mu      sync.Mutex
	running map[app.RecordingRef]*programRun
	// tries are the numbers of each recording's latest run in this process: a recording that was read during the run may be shown after it.
	tries map[app.RecordingRef]int
}

// programRun is a running program. ended is closed once it has ended and its outcome is stored.
type programRun struct {
	cancel context.CancelCauseFunc
	ended  chan struct{}
}

func newPrograms(q *Queue) *Programs {
	return &Programs{q: q, look: make(chan struct{}, 1), running: make(map[app.RecordingRef]*programRun), tries: make(map[app.RecordingRef]int)}
}

// changed is called with the recordings that a commit has written. It doesn't block.
func (p *Programs) changed(r app.Recording) {
	d := r.Download
	if d != nil && (d.State == app.DownloadFailed || d.Command != nil && d.Command.State != app.CommandRunning) {
		p.Wake()
	}
}

// Wake makes Serve read the jobs now.
func (p *Programs) Wake() {
	select {
	case p.look <- struct{}{}:
	default:
	}
}

// find returns the run of a recording, also one that began when the recording had another id; the caller holds mu.
func (p *Programs) find(r app.Recording) *programRun {
	for _, id := range append([]string{r.ID}, r.Aliases...) {
		if run := p.running[app.RecordingRef{Account: r.Account, ID: id}]; run != nil {
			return run
		}
	}
	return nil
}

// show shows a stored run as waiting if it doesn't run: an earlier owner was killed during it.
func (p *Programs) show(r app.Recording) app.Recording {
	if r.Download == nil || r.Download.Command == nil || r.Download.Command.State != app.CommandRunning {
		return r
	}
	p.mu.Lock()
	ours := p.find(r) != nil
	for _, id := range append([]string{r.ID}, r.Aliases...) {
		ours = ours || p.tries[app.RecordingRef{Account: r.Account, ID: id}] == r.Download.Command.Tries
	}
	p.mu.Unlock()
	if !ours {
		d, o := *r.Download, *r.Download.Command
		o.State, o.Reason = app.CommandWaiting, ReasonNoOwner
		d.Command, r.Download = &o, &d
	}
	return r
}

// Serve runs programs as they become due, until the context ends.
func (p *Programs) Serve() {
	for {
		next, err := p.turn(p.q.opt.Context)
		if err != nil && p.q.opt.Context.Err() == nil {
			p.q.opt.Log.Error("the programs to run on recordings could not be read", "err", err)
			next = p.q.opt.Clock.Now().Add(commandTroubled)
		}
		var due <-chan time.Time
		if !next.IsZero() {
			due = p.q.opt.Clock.After(next.Sub(p.q.opt.Clock.Now()))
			if !p.q.opt.Clock.Now().Before(next) {
				continue // the clock moved while the timer was set
			}
		}
		select {
		case <-due:
		case <-p.look:
		case <-p.q.opt.Context.Done():
			return
		}
	}
}

// turn starts as many due programs as may run, and returns when the next one is due. The end of a run causes another turn.
func (p *Programs) turn(ctx context.Context) (next time.Time, err error) {
	type found struct {
		job store.CommandJob
		r   app.Recording
	}
	var all []found
	err = p.q.opt.Store.View(ctx, func(tx *store.Tx) error {
		jobs, err := tx.CommandJobs()
		for _, j := range jobs {
			r, _, err := store.Found(tx.Recording(j.Account, j.ID))
			if err != nil {
				return err
			}
			all = append(all, found{j, r})
		}
		return err
	})
	if err != nil {
		return next, err
	}
	stable.Sort(all, func(a, b found) int { return a.job.Next.Compare(b.job.Next) })
	for _, f := range all {
		if !p.due(f.job) {
			return f.job.Next, nil // the others are due later still
		}
		if f.r.ID == "" {
			if err := p.q.opt.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteCommandJob(f.job.Account, f.job.ID) }); err != nil {
				return next, err
			}
			continue
		}
		p.mu.Lock()
		full, runs := len(p.running) >= cmp.Or(p.q.opt.Programs, 2), p.find(f.r) != nil
		if !full && !runs {
			runCtx, cancel := context.WithCancelCause(ctx)
			ref, run := f.r.Ref(), &programRun{cancel: cancel, ended: make(chan struct{})}
			p.running[ref] = run
			p.q.opt.Go("program", func() { p.run(runCtx, ref, run) })
		}
		p.mu.Unlock()
		if full {
			return next, nil
		}
	}
	return next, nil
}

// due reports whether a job may begin. A pause longer than the longest comes from a clock that was wrong.
func (p *Programs) due(j store.CommandJob) bool {
	pause := j.Next.Sub(p.q.opt.Clock.Now())
	return pause <= 0 || pause > ProgramPause<<ProgramTries
}

// run runs the program of a recording's job once and stores the outcome.
func (p *Programs) run(ctx context.Context, ref app.RecordingRef, run *programRun) {
	err := p.attempt(ctx, ref, run)
	if err != nil && p.q.opt.Context.Err() == nil {
		p.q.opt.Log.Error("the outcome of a program could not be stored", "recording", ref.ID, "err", err)
		select {
		case <-p.q.opt.Clock.After(commandTroubled):
		case <-ctx.Done():
		}
	}
	run.cancel(nil)
	p.mu.Lock()
	if err != nil {
		delete(p.tries, ref) // it is stored as running, which it no longer is
	}
	delete(p.running, ref)
	p.mu.Unlock()
	close(run.ended)
	p.Wake()
}

func (p *Programs) attempt(ctx context.Context, ref app.RecordingRef, run *programRun) error {
	j, r, err := p.begin(ctx, ref)
	if err != nil || j == nil {
		return err
	}
	p.mu.Lock()
	p.tries[ref] = j.Tries
	p.mu.Unlock()
	timeout := p.q.opt.ProgramTime
	if timeout > 0 {
		stop := p.q.opt.Clock.AfterFunc(timeout, func() {
			defer p.q.opt.Crash.Recover("program's time limit")
			run.cancel(fmt.Errorf("it was killed after %s, its time limit", timeout))
		})
		defer stop.Stop()
	}
	var cause error
	if j.Failure != "" {
		cause = p.q.opt.OnFailure(ctx, r, Failure{What: j.Failure, Reason: j.Reason})
	} else {
		cause = p.q.opt.Command(ctx, r)
	}
	if cause != nil && p.q.opt.Context.Err() != nil {
		return nil // the next owner runs it again
	}
	if cause != nil && ctx.Err() != nil {
		cause = context.Cause(ctx)
	}
	if cause != nil && !errors.Is(cause, errSkipped) {
		p.q.opt.Log.Warn("a program has failed", "recording", j.ID, "after", cmp.Or(j.Failure, "a download"), "try", j.Tries, "of", ProgramTries, "err", cause)
	}
	return p.settle(*j, cause)
}

// begin counts a run and returns its job, nil if there is nothing to run.
func (p *Programs) begin(ctx context.Context, ref app.RecordingRef) (*store.CommandJob, app.Recording, error) {
	var run *store.CommandJob
	var shown app.Recording
	err := p.q.opt.Store.Update(ctx, func(tx *store.Tx) error {
		run = nil
		j, known, err := store.Found(tx.CommandJob(ref.Account, ref.ID))
		if !known || !p.due(j) { // a run that has just failed waits, although an earlier list has it as due
			return err
		}
		r, err := tx.Recording(ref.Account, ref.ID)
		if err != nil {
			return err
		}
		switch {
		case j.Failure == "" && (r.Download == nil || r.Download.State != app.DownloadDone):
			return tx.DeleteCommandJob(j.Account, j.ID) // it is downloaded again, which makes another job
		case j.Failure != "" && p.q.opt.OnFailure == nil:
			return tx.DeleteCommandJob(j.Account, j.ID)
		case j.Failure == "" && p.q.opt.Command == nil:
			return p.end(tx, &r, j, "on_download is no longer configured")
		case j.Tries >= ProgramTries:
			return p.end(tx, &r, j, fmt.Sprintf("Greenroom stopped while it was running, and this was the last of %d attempts", ProgramTries))
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

// settle stores the outcome of a run, unless the job was removed or replaced during it.
func (p *Programs) settle(j store.CommandJob, cause error) error {
	return p.q.opt.Store.Update(context.Background(), func(tx *store.Tx) error {
		now, known, err := store.Found(tx.CommandJob(j.Account, j.ID))
		if !known || !now.Made.Equal(j.Made) || now.Tries != j.Tries {
			return err
		}
		r, err := tx.Recording(now.Account, now.ID)
		if err != nil {
			return err
		}
		switch {
		case cause != nil && now.Tries >= ProgramTries:
			return p.end(tx, &r, now, cause.Error())
		case cause != nil:
			now.Next = p.q.opt.Clock.Now().Add(ProgramPause << (now.Tries - 1)).UTC()
			err = tx.PutCommandJob(now)
		default:
			err = tx.DeleteCommandJob(now.Account, now.ID)
		}
		if err != nil || now.Failure != "" {
			return err
		}
		o := commandOf(&r)
		*o = app.DownloadCommand{State: app.CommandDone, Tries: now.Tries, EndedAt: p.q.now()}
		if cause != nil {
			*o = app.DownloadCommand{State: app.CommandWaiting, Tries: now.Tries, Reason: cause.Error(), RetryAt: app.At(now.Next)}
		}
		return tx.PutRecording(r)
	})
}

// end stores the final failure of a program. After on_download's, on_failure is queued.
func (p *Programs) end(tx *store.Tx, r *app.Recording, j store.CommandJob, reason string) error {
	if j.Failure != "" {
		p.q.opt.Log.Error("on_failure failed every time", "recording", j.ID, "about", j.Failure, "err", reason)
		return tx.DeleteCommandJob(j.Account, j.ID)
	}
	*commandOf(r) = app.DownloadCommand{State: app.CommandFailed, Tries: j.Tries, Reason: reason, EndedAt: p.q.now()}
	return errors.Join(tx.DeleteCommandJob(j.Account, j.ID), p.q.putFailure(tx, *r, FailedProgram, reason), tx.PutRecording(*r))
}

// Running counts the programs that run.
func (p *Programs) Running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.running)
}

// Alerts counts the runs of on_failure that are due.
func (p *Programs) Alerts(ctx context.Context) (n int, err error) {
	err = p.q.opt.Store.View(ctx, func(tx *store.Tx) error {
		jobs, err := tx.CommandJobs()
		for _, j := range jobs {
			if j.Failure != "" && !j.Next.After(p.q.opt.Clock.Now()) {
				n++
			}
		}
		return err
	})
	return n, err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// pauseTime is how long Ctrl-C waits until the downloads are paused.
const pauseTime = 10 * time.Second

// fetchFollower requests downloads and follows them until each has ended.
type fetchFollower struct {
	*program
	backend app.Backend
	board   *fetchBoard
	// order lists the recordings in the order of the requests, known holds their states.
	order []app.RecordingRef
	known map[app.RecordingRef]app.Recording
	// mine marks those that were not running before this command requested them.
	mine map[app.RecordingRef]bool
	// owner reports that this process owns the store, and therefore also runs on_download.
	owner bool
	began time.Time
	// maxWait is how long to follow, 0 for no limit.
	maxWait time.Duration
}

func newFetchFollower(p *program, b app.Backend) *fetchFollower {
	return &fetchFollower{
		program: p, backend: b, board: &fetchBoard{p: p}, known: map[app.RecordingRef]app.Recording{},
		mine: map[app.RecordingRef]bool{}, began: p.now(),
	}
}

// run returns the recordings when all have ended. A recording whose request failed counts as failed; if it is the only one, that is the error.
func (f *fetchFollower) run(ctx context.Context, asked []app.Recording, req app.DownloadRequest) ([]app.Recording, error) {
	// The subscription outlives ctx, until the downloads are paused.
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	changes, err := f.backend.Subscribe(following)
	if err != nil {
		return nil, err
	}
	if err := f.look(ctx); err != nil {
		return nil, f.interrupted(ctx, err)
	}
	for _, r := range asked {
		if err := f.ask(ctx, r, req); err != nil && (len(asked) == 1 || ctx.Err() != nil) {
			return nil, f.interrupted(ctx, err)
		} else if err != nil {
			e := app.AsError(err)
			r.Download = &app.Download{State: app.DownloadFailed, Reason: e.Text, Hint: e.Hint, Total: r.Size()}
			f.note(r)
		}
	}
	if err := f.look(ctx); err != nil {
		return nil, f.interrupted(ctx, err)
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var late <-chan time.Time
	if f.maxWait > 0 {
		timer := time.NewTimer(f.maxWait)
		defer timer.Stop()
		late = timer.C
	}
	for {
		if over, err := f.ended(ctx); err != nil {
			return nil, f.interrupted(ctx, err)
		} else if over {
			break
		}
		select {
		case c, ok := <-changes:
			if !ok {
				return nil, errors.New("the process that owned the store has exited")
			}
			if err := f.see(ctx, c); err != nil && ctx.Err() == nil {
				return nil, err
			}
		case <-tick.C:
			f.board.tick(f.list())
		case <-late:
			f.board.clear()
			f.words(fmt.Sprintf("Not everything was downloaded within %s. The rest stays queued: the screen, `greenroom listen` or "+
				"the same command continues.", f.maxWait))
			return f.list(), nil
		case <-ctx.Done():
			return nil, f.interrupted(ctx, ctx.Err())
		}
	}
	f.board.clear()
	return f.list(), nil
}

func (f *fetchFollower) ask(ctx context.Context, r app.Recording, req app.DownloadRequest) error {
	// A download of a killed process resumes only in this process, so it belongs to this command too.
	d := r.Download
	before := d != nil && d.State.Active() && !(f.owner && d.AskedAt.Before(f.began))
	req.RecordingRef = r.Ref()
	got, err := f.backend.DownloadRecording(ctx, req)
	if err != nil {
		return err
	}
	f.mine[got.Ref()] = !before
	f.note(got)
	return nil
}

// note records the state of a recording.
func (f *fetchFollower) note(r app.Recording) {
	ref := r.Ref()
	was, known := f.known[ref]
	if !known {
		f.order = append(f.order, ref)
	}
	f.known[ref] = r
	f.board.changed(was, r, f.list())
}

func (f *fetchFollower) list() []app.Recording {
	out := make([]app.Recording, len(f.order))
	for i, ref := range f.order {
		out[i] = f.known[ref]
	}
	return out
}

// look finds out whether this process owns the store.
func (f *fetchFollower) look(ctx context.Context) error {
	s, err := f.backend.Status(ctx, app.StatusQuery{})
	f.owner = s.Store.Owner == os.Getpid()
	return err
}

func (f *fetchFollower) see(ctx context.Context, c app.Change) error {
	switch c.Kind {
	case app.RecordingChange:
		ref := c.Recording.Ref()
		if _, ours := f.known[ref]; ours && c.Deleted {
			return f.renamed(ctx, ref)
		} else if ours {
			f.note(*c.Recording)
		}
	case app.StatusChange:
		return f.look(ctx)
	case app.Missed:
		for _, ref := range slices.Clone(f.order) {
			if err := f.renamed(ctx, ref); err != nil {
				return err
			}
		}
		return f.look(ctx)
	}
	return nil
}

// renamed reads a recording again, whose id may have changed.
func (f *fetchFollower) renamed(ctx context.Context, ref app.RecordingRef) error {
	r, err := f.backend.Recording(ctx, ref)
	if err != nil {
		return err
	}
	if now := r.Ref(); now != ref {
		f.known[now], f.mine[now] = f.known[ref], f.mine[ref]
		delete(f.known, ref)
		delete(f.mine, ref)
		f.order[slices.Index(f.order, ref)] = now
	}
	if r.Download != nil {
		f.note(r)
	}
	return nil
}

// ended reports whether nothing is left to follow, including on_failure in this process.
func (f *fetchFollower) ended(ctx context.Context) (bool, error) {
	if !f.over() || !f.owner {
		return f.over(), nil
	}
	s, err := f.backend.Status(ctx, app.StatusQuery{})
	return s.Downloads.Alerts == 0, err
}

// over reports whether all downloads have ended.
func (f *fetchFollower) over() bool {
	for _, r := range f.known {
		d := r.Download
		switch {
		case d == nil, d.State.Active(), d.State == app.DownloadPaused && !d.RetryAt.IsZero():
			return false
		case d.State == app.DownloadDone && f.owner && f.mine[r.Ref()] && d.Command != nil && !d.Command.Settled():
			return false
		case d.State == app.DownloadDone && d.DeleteAfter && r.DeletedAt.IsZero() && d.Kept == "":
			return false
		}
	}
	return true
}

// interrupted pauses the downloads of this command if the user has ended it, and prints how to resume them.
func (f *fetchFollower) interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	pausing, cancel := context.WithTimeout(context.WithoutCancel(ctx), pauseTime)
	defer cancel()
	f.board.clear()
	var ids []string
	for _, r := range f.list() {
		if d := r.Download; !f.mine[r.Ref()] || d == nil || !d.State.Active() && d.State != app.DownloadPaused {
			continue
		}
		if _, err := f.backend.PauseDownload(pausing, r.Ref()); err != nil {
			f.words(plain.Text(fmt.Sprintf("%s could not be paused: %v", r.ID, err)))
			continue
		}
		ids = append(ids, plain.Word(r.ID))
	}
	if len(ids) > 0 {
		f.words("Paused; partial files are kept. To resume: greenroom recording download ", strings.Join(ids, " "))
	}
	return ctx.Err()
}

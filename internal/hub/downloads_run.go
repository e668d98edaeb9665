package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// processingAgain is how often the platform is asked about a recording that it still works on while a download waits
	// for it. A change that becomes known sooner is acted on at once.
	processingAgain = 5 * time.Second
	// downloadTries is how often a download is begun anew after the network or the platform failed it, downloadPause and
	// longestPause how long is waited in between, doubling.
	downloadTries = 8
	downloadPause = 5 * time.Second
	longestPause  = 5 * time.Minute
)

// stopKind says for what a download was stopped by hand.
type stopKind int

const (
	goOn stopKind = iota
	stopPause
	stopCancel
)

// download is one that goes on in this process.
type download struct {
	job store.DownloadJob
	// begun is closed over by its goroutine; ended is closed when that has ended. Both are nil while it waits.
	cancel context.CancelFunc
	ended  chan struct{}
	// next is the earliest time at which it begins.
	next time.Time
	// furthest is how many bytes were here at most after a try that failed.
	furthest int64
	// shown is the recording as the latest commit left it.
	shown app.Recording
	stop  stopKind
	meter
}

// downloads are those that go on in this process, in the order in which they were asked for. mu is never held across a
// call of the store, whose commits come back here to be published.
type downloads struct {
	h *Hub
	// look has an element when the store may hold jobs that are not here yet.
	look chan struct{}

	mu     sync.Mutex
	queue  []*download
	held   map[app.RecordingRef]bool // those that are being stopped
	limit  int64
	closed bool
	timer  clockwork.Timer
}

func newDownloads(h *Hub) *downloads {
	return &downloads{
		h: h, look: make(chan struct{}, 1), limit: h.opt.Downloads.Limit, held: make(map[app.RecordingRef]bool),
	}
}

func (q *downloads) atOnce() int { return cmp.Or(q.h.opt.Downloads.AtOnce, 2) }

// find gives the download of a recording, also one that was begun when that was known under another id; the caller holds mu.
func (q *downloads) find(r app.Recording) *download {
	for _, d := range q.queue {
		if d.job.Account == r.Account && (d.job.ID == r.ID || slices.Contains(r.Aliases, d.job.ID)) {
			return d
		}
	}
	return nil
}

func (q *downloads) has(r app.Recording) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held[r.Ref()] || q.find(r) != nil
}

// add has a job done, unless it is being done.
func (q *downloads) add(r app.Recording, job store.DownloadJob) {
	q.mu.Lock()
	d := q.find(r)
	if d == nil {
		d = &download{}
		q.queue = append(q.queue, d)
		slices.SortStableFunc(q.queue, func(a, b *download) int { return a.job.AskedAt.Compare(b.job.AskedAt) })
	}
	if d.ended == nil {
		d.job, d.shown, d.next = job, r, time.Time{}
		if r.Download != nil {
			d.meter.last = FetchReport{Bytes: r.Download.Bytes, Total: r.Download.Total}
			d.furthest = max(d.furthest, r.Download.Bytes)
		}
		// When its job was written nobody had it yet. Nothing of it can begin, and be told, before mu is let go.
		q.h.bus.publish([]app.Change{{Kind: app.RecordingChange, Recording: new(q.show(r, d))}})
	}
	q.mu.Unlock()
	q.schedule()
}

// nudge has a download that waits for another try begin now.
func (q *downloads) nudge(r app.Recording) {
	q.mu.Lock()
	if d := q.find(r); d != nil && d.ended == nil {
		d.next = time.Time{}
	}
	q.mu.Unlock()
	q.schedule()
}

// remove forgets a download; the caller holds mu.
func (q *downloads) remove(d *download) {
	q.queue = slices.DeleteFunc(q.queue, func(o *download) bool { return o == d })
}

// schedule begins what can begin, and sees to it that it is called again when something can.
func (q *downloads) schedule() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	now, running, soonest := q.h.clock.Now(), 0, time.Time{}
	for _, d := range q.queue {
		if d.ended != nil {
			running++
		}
	}
	for _, d := range q.queue {
		switch {
		case d.ended != nil:
		case now.Before(d.next):
			if soonest.IsZero() || d.next.Before(soonest) {
				soonest = d.next
			}
		case running < q.atOnce():
			running++
			ctx, cancel := context.WithCancel(q.h.ctx)
			d.cancel, d.ended = cancel, make(chan struct{})
			q.h.goes("download", func() { q.run(ctx, d) })
		}
	}
	if q.timer != nil {
		q.timer.Stop()
	}
	if !soonest.IsZero() {
		q.timer = q.h.clock.AfterFunc(soonest.Sub(now), func() {
			defer q.h.crash.Recover("downloads")
			q.schedule()
		})
	}
}

// close lets nothing begin any more.
func (q *downloads) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.timer != nil {
		q.timer.Stop()
	}
}

// stop ends a recording's download, whether it runs or waits, and returns when nothing of it runs any more. Until release
// is called nothing of it begins: what the store says of it is about to change.
func (q *downloads) stop(r app.Recording, why stopKind) (release func()) {
	q.mu.Lock()
	ref := r.Ref()
	q.held[ref] = true
	var ended chan struct{}
	if d := q.find(r); d != nil {
		d.stop = why
		if ended = d.ended; ended == nil {
			q.remove(d)
		} else {
			d.cancel()
		}
	}
	q.mu.Unlock()
	if ended != nil {
		<-ended
	}
	q.schedule()
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.held, ref)
	}
}

// serve takes in the jobs that the store holds: at the start those that an earlier owner left, later those that are made
// by themselves.
func (q *downloads) serve() {
	for {
		if err := q.recall(); err != nil && q.h.ctx.Err() == nil {
			q.h.log.Error("the downloads that were asked for could not be read", "err", err)
		}
		q.schedule()
		select {
		case <-q.look:
		case <-q.h.ctx.Done():
			return
		}
	}
}

// recall adds the jobs of the store that go on and are not here.
func (q *downloads) recall() error {
	type found struct {
		job store.DownloadJob
		r   app.Recording
	}
	var all []found
	var lost []store.DownloadJob
	err := q.h.store.View(q.h.ctx, func(tx *store.Tx) error {
		jobs, err := tx.DownloadJobs()
		for _, j := range jobs {
			r, rerr := tx.Recording(j.Account, j.ID)
			switch {
			case errors.Is(rerr, store.ErrNotFound):
				lost = append(lost, j)
			case rerr != nil:
				err = errors.Join(err, rerr)
			case r.Download != nil && (r.Download.State.Active() || j.Fetched):
				all = append(all, found{j, r})
			}
		}
		return err
	})
	for _, f := range all {
		if !q.has(f.r) && q.h.opt.Downloads.Fetcher != nil {
			q.add(f.r, f.job)
		}
	}
	for _, j := range lost {
		err = errors.Join(err, q.h.store.Update(q.h.ctx, func(tx *store.Tx) error { return tx.DeleteDownloadJob(j.Account, j.ID) }))
	}
	return err
}

// changed is told of the recordings that a commit has written. It doesn't block and calls nothing.
func (q *downloads) changed(r app.Recording) {
	if r.Download == nil || !r.Download.State.Active() {
		return
	}
	q.mu.Lock()
	if d := q.find(r); d != nil {
		if d.ended == nil && d.shown.Status != app.RecordingReady && r.Status == app.RecordingReady {
			d.next = time.Time{} // it waited for the platform
		}
		d.shown = r
	}
	q.mu.Unlock()
	q.lookAgain()
}

// lookAgain has the store's jobs looked at.
func (q *downloads) lookAgain() {
	select {
	case q.look <- struct{}{}:
	default:
	}
}

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
	d.cancel, d.ended = nil, nil
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
		return time.Time{}, q.deleteCopy(r)
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
	job.Report = func(f FetchReport) { q.report(d, f) }
	got, err := h.opt.Downloads.Fetcher.Fetch(ctx, job)
	if err != nil {
		return q.failed(ref, d, err)
	}
	return time.Time{}, q.finished(ref, d, got)
}

// lookAgain asks the platform for what became of a recording, unless it was asked a moment ago.
func (h *Hub) lookAgain(ctx context.Context, r app.Recording) (app.Recording, error) {
	a, err := h.accountOf(r.Account)
	if err != nil {
		return r, err
	}
	l, ok := a.Provider.(provider.RecordingLister)
	a.mu.Lock()
	fresh := h.clock.Since(a.listedAt) < processingAgain-time.Second
	a.mu.Unlock()
	if ok && !fresh {
		if err := h.listRecordings(ctx, a, l, ""); err != nil {
			return r, err
		}
	}
	err = h.store.View(ctx, func(tx *store.Tx) (err error) { r, err = tx.Recording(r.Account, r.ID); return err })
	return r, err
}

func (h *Hub) fetchJob(r app.Recording, job store.DownloadJob, stays []app.Stay) FetchJob {
	return FetchJob{
		Recording: r, Folder: cmp.Or(job.To, h.opt.Downloads.Folder), AudioOnly: job.AudioOnly, People: stays,
		Journal:   func(file string) ChunkJournal { return chunkJournal{h.store, h.clock, job.Account, job.ID, file} },
		Journaled: func(ctx context.Context) ([]string, error) { return journaled(ctx, h.store, job.Account, job.ID) },
		Report:    func(FetchReport) {},
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
	h := q.h
	q.mu.Lock()
	stopped, at, reported := d.stop != goOn, d.job.Tries, d.meter.last
	q.mu.Unlock()
	if h.ctx.Err() != nil {
		return time.Time{}, nil
	}
	e, now := app.AsError(cause), h.clock.Now()
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
		return tx.PutDownloadJob(d.job)
	})
	return next, err
}

// finished notes that a recording is here, and what is to be done next.
func (q *downloads) finished(ref app.RecordingRef, d *download, got Fetched) error {
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
		}
		if h.opt.Downloads.Command != nil {
			o.Command = &app.DownloadCommand{State: app.CommandWaiting}
			if err := tx.PutCommandJob(store.CommandJob{Account: ref.Account, ID: ref.ID, Next: h.clock.Now().UTC()}); err != nil {
				return err
			}
		}
		r = *now
		err := tx.DeleteDownloadJob(ref.Account, ref.ID)
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
	return q.deleteCopy(r)
}

// deleteCopy deletes the platform's copy of a recording that is here. What the end of this process interrupts the next owner
// does.
func (q *downloads) deleteCopy(r app.Recording) error {
	h, kept := q.h, ""
	if r.DeletedAt.IsZero() {
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

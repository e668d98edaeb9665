package downloads

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/recording"
	"greenroom/internal/stable"
	"greenroom/store"
)

const (
	// ProcessingAgain is how often the platform is asked for a recording that it still processes while a download waits for it.
	ProcessingAgain = 5 * time.Second
	// Tries is how often a download is tried after failures of the network or the platform. Pause is the wait after the first
	// failure, which doubles up to LongestPause.
	Tries        = 8
	Pause        = 5 * time.Second
	LongestPause = 5 * time.Minute
)

// stopKind is why the user stopped a download.
type stopKind int

const (
	notStopped stopKind = iota
	stopPause
	stopCancel
)

// download is a queued or running download of this process.
type download struct {
	job store.DownloadJob
	// cancel ends its goroutine, and ended is closed when that has ended. Both are nil while it waits.
	cancel context.CancelFunc
	ended  chan struct{}
	// next is the earliest time at which it may begin.
	next time.Time
	// furthest is the most bytes that had arrived when a try failed.
	furthest int64
	// shown is the recording as of the latest commit.
	shown app.Recording
	stop  stopKind
	// then is the job that follows, requested while this one was ending.
	then *store.DownloadJob
	// yielded reports that no bytes arrive, so that another download may run as well.
	yielded bool
	meter
}

// Queue holds the downloads of this process in the order of their requests, and runs the programs on them. It is safe for
// concurrent use.
type Queue struct {
	opt      Options
	programs *Programs
	// look has an element when the store may have jobs that are not queued.
	look chan struct{}

	// mu is never held during a call of the store, since commits call Changed.
	mu     sync.Mutex
	queue  []*download
	held   map[app.RecordingRef]bool // those that are being stopped
	limit  int64
	closed bool
	timer  clockwork.Timer
}

// New returns a queue and applies the bandwidth. Jobs in the store wait for [Queue.Serve].
func New(o Options) *Queue {
	q := &Queue{opt: o, look: make(chan struct{}, 1), limit: o.Limit, held: make(map[app.RecordingRef]bool)}
	q.programs = newPrograms(q)
	if o.Fetcher != nil {
		o.Fetcher.Limit(o.Limit)
	}
	return q
}

// Programs returns the programs that run on downloads.
func (q *Queue) Programs() *Programs { return q.programs }

// now returns the time as it is stored, in milliseconds.
func (q *Queue) now() app.Time { return app.At(q.opt.Clock.Now().Truncate(time.Millisecond)) }

// lock admits one request about a recording's download at a time.
func (q *Queue) lock(r app.Recording) (unlock func()) {
	return q.opt.Lock("download " + r.Account + "/" + r.ID)
}

// find returns the download of a recording, also one that began when the recording had another id; the caller holds mu.
func (q *Queue) find(r app.Recording) *download {
	for _, d := range q.queue {
		if d.job.Account == r.Account && (d.job.ID == r.ID || slices.Contains(r.Aliases, d.job.ID)) {
			return d
		}
	}
	return nil
}

// Has reports whether a download of a recording is queued, runs, or is being stopped.
func (q *Queue) Has(r app.Recording) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held[r.Ref()] || q.find(r) != nil
}

// Next returns the earliest time at which a waiting download of a recording begins, zero for now.
func (q *Queue) Next(r app.Recording) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.find(r); d != nil {
		return d.next
	}
	return time.Time{}
}

// Ended returns a channel that is closed when no download of a recording runs.
func (q *Queue) Ended(r app.Recording) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if d := q.find(r); d != nil && d.ended != nil {
		return d.ended
	}
	ended := make(chan struct{})
	close(ended)
	return ended
}

// Add queues a job. If one of the recording runs, which is only until it has stored its end, the job follows it.
func (q *Queue) Add(r app.Recording, job store.DownloadJob) {
	q.mu.Lock()
	d := q.find(r)
	if d == nil {
		d = &download{}
		q.queue = append(q.queue, d)
		stable.Sort(q.queue, func(a, b *download) int { return a.job.AskedAt.Compare(b.job.AskedAt) })
	}
	if d.ended != nil {
		d.then = &job
	} else {
		d.job, d.shown, d.next = job, r, time.Time{}
		if r.Download != nil {
			d.meter.last = recording.Report{Bytes: r.Download.Bytes, Total: r.Download.Total}
			d.furthest = max(d.furthest, r.Download.Bytes)
		}
		// The commit of the job was published before the job was queued, so publish its state now, before any progress.
		q.opt.Publish([]app.Change{{Kind: app.RecordingChange, Recording: new(q.show(r, d))}})
	}
	q.mu.Unlock()
	q.Schedule()
}

// nudge starts the next try of a waiting download now.
func (q *Queue) nudge(r app.Recording) {
	q.mu.Lock()
	if d := q.find(r); d != nil && d.ended == nil {
		d.next = time.Time{}
	}
	q.mu.Unlock()
	q.Schedule()
}

// remove drops a download from the queue; the caller holds mu.
func (q *Queue) remove(d *download) {
	q.queue = slices.DeleteFunc(q.queue, func(o *download) bool { return o == d })
}

// Schedule starts the downloads that may begin, and sets a timer for the next one.
func (q *Queue) Schedule() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	now, running, soonest := q.opt.Clock.Now(), 0, time.Time{}
	for _, d := range q.queue {
		if d.ended != nil && !d.yielded {
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
		case running < cmp.Or(q.opt.AtOnce, 2):
			running++
			ctx, cancel := context.WithCancel(q.opt.Context)
			d.cancel, d.ended = cancel, make(chan struct{})
			q.opt.Go("download", func() { q.run(ctx, d) })
		}
	}
	if q.timer != nil {
		q.timer.Stop()
	}
	if !soonest.IsZero() {
		q.timer = q.opt.Clock.AfterFunc(soonest.Sub(now), func() {
			defer q.opt.Crash.Recover("downloads")
			q.Schedule()
		})
	}
}

// Close prevents further downloads. Running ones end with the context.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if q.timer != nil {
		q.timer.Stop()
	}
}

// stop ends a recording's download and returns when nothing of it runs. It can't begin again until release is called, so that the
// caller can change its stored state.
func (q *Queue) stop(r app.Recording, why stopKind) (release func()) {
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
	q.Schedule()
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.held, ref)
	}
}

// Serve queues the jobs in the store until the context ends: those of earlier owners, and new ones of automatic downloads.
func (q *Queue) Serve() {
	for {
		if err := q.Recall(); err != nil && q.opt.Context.Err() == nil {
			q.opt.Log.Error("the requested downloads could not be read", "err", err)
		}
		q.Schedule()
		select {
		case <-q.look:
		case <-q.opt.Context.Done():
			return
		}
	}
}

// Recall queues the active jobs of the store that are not queued.
func (q *Queue) Recall() error {
	type found struct {
		job store.DownloadJob
		r   app.Recording
	}
	var all []found
	var lost []store.DownloadJob
	err := q.opt.Store.View(q.opt.Context, func(tx *store.Tx) error {
		jobs, err := tx.DownloadJobs()
		for _, j := range jobs {
			r, known, readErr := store.Found(tx.Recording(j.Account, j.ID))
			switch {
			case readErr != nil:
				err = errors.Join(err, readErr)
			case !known:
				lost = append(lost, j)
			case r.Download != nil && (r.Download.State.Active() || j.Fetched):
				all = append(all, found{j, r})
			}
		}
		return err
	})
	for _, f := range all {
		if !q.Has(f.r) && q.opt.Fetcher != nil {
			q.Add(f.r, f.job)
		}
	}
	for _, j := range lost {
		err = errors.Join(err, q.opt.Store.Update(q.opt.Context, func(tx *store.Tx) error { return tx.DeleteDownloadJob(j.Account, j.ID) }))
	}
	return err
}

// Changed is called with the recordings that a commit has written. It doesn't block.
func (q *Queue) Changed(r app.Recording) {
	q.programs.changed(r)
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

// lookAgain makes Serve read the store's jobs.
func (q *Queue) lookAgain() {
	select {
	case q.look <- struct{}{}:
	default:
	}
}

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
	"greenroom/internal/recording"
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
	// yielded reports that nothing comes of it, and that another one may run in its place.
	yielded bool
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
			d.meter.last = recording.Report{Bytes: r.Download.Bytes, Total: r.Download.Total}
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

package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/internal/recording/layout"
)

// The defaults of [Options].
const (
	DefaultFiles    = 2
	DefaultWorkers  = 4
	DefaultChunk    = 8 << 20
	DefaultStall    = 30 * time.Second
	DefaultPatience = 10 * time.Minute
	DefaultRecheck  = 15 * time.Second
	// unsavedMost limits the bytes that are fetched again after the process was killed.
	unsavedMost = 64 << 20
)

// Options are the options of a [Downloader]. All have defaults.
type Options struct {
	// Files are downloaded concurrently, each by Workers, which fetch Chunk bytes at a time. Chunks are smaller if the workers would
	// otherwise have more in progress than may be fetched again.
	Files   int
	Workers int
	Chunk   int64
	// Limit is the bandwidth in bytes per second of all files together, 0 for none.
	Limit int64
	// Stall is how long a connection may be silent, Patience how long a task may go without a new byte before it fails, and Recheck
	// the time between two checks for space on a full disk.
	Stall    time.Duration
	Patience time.Duration
	Recheck  time.Duration
	// Mode has the permissions of files.
	Mode  layout.Mode
	Clock clockwork.Clock
	Log   *slog.Logger
	// Crash starts the goroutines.
	Crash *crash.Group
}

// Downloader fetches files. It is safe for concurrent use.
type Downloader struct {
	opt   Options
	slots *semaphore.Weighted
	limit *bandwidth
	disk  storage

	mu      sync.Mutex
	flights map[string]*flight
}

// flight is a task in progress, or one that is being discarded.
type flight struct {
	cancel context.CancelCauseFunc
	ended  chan struct{}
}

// New returns a downloader. It starts nothing.
func New(o Options) *Downloader {
	o.Files = max(cmp.Or(o.Files, DefaultFiles), 1)
	o.Workers = max(cmp.Or(o.Workers, DefaultWorkers), 1)
	o.Chunk = max(cmp.Or(o.Chunk, DefaultChunk), 1)
	o.Stall = cmp.Or(o.Stall, DefaultStall)
	o.Patience = cmp.Or(o.Patience, DefaultPatience)
	o.Recheck = cmp.Or(o.Recheck, DefaultRecheck)
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Downloader{
		opt: o, slots: semaphore.NewWeighted(int64(o.Files)), limit: newBandwidth(o.Clock, o.Limit),
		disk: system, flights: map[string]*flight{},
	}
}

// SetLimit changes the bandwidth of all files together, in bytes per second, also for downloads in progress; 0 or less is no limit.
func (d *Downloader) SetLimit(bytesPerSecond int64) { d.limit.set(bytesPerSecond) }

// Fetch returns when the file is complete, checked and under its final name, or when it has failed. Tasks run in the order of their
// calls. When ctx ends, the task is paused and the error is ctx's cause: the part file stays, and the next Fetch of the same key resumes
// it.
//
// Errors are [ErrBusy], [ErrName], [recording.ErrGone], [recording.ErrDenied], [recording.ErrNotYet], [recording.ErrRefusedAddress],
// [recording.ErrChanged] (after several restarts), [ErrChecksum], the error of the task's check, [ErrDisk] (other than for lack of
// space), or the last failure if the source sent no new byte for [Options].Patience. No error contains a link.
func (d *Downloader) Fetch(ctx context.Context, t recording.Task) (File, error) {
	if t.Key == "" || t.Source == nil || t.Journal == nil {
		return File{}, errors.New("download: a task needs a key, a source and a journal")
	}
	if err := checkName(t.Name); err != nil {
		return File{}, fmt.Errorf("download: %w", err)
	}
	ctx, leave, err := d.enter(ctx, t.Key)
	if err != nil {
		return File{}, fmt.Errorf("download %q: %w", t.Name, err)
	}
	defer leave()
	f := &fetch{d: d, task: t, meter: newMeter(d.opt.Clock, t.Report), turn: newTurn(d.slots)}
	result, err := f.queue(ctx)
	switch {
	case err == nil:
		f.meter.state(recording.Done, "")
	case ctx.Err() != nil:
		err = context.Cause(ctx)
		f.meter.state(recording.Paused, "")
	default:
		f.meter.state(recording.Failed, reason(err))
		d.opt.Log.Warn("a download failed", "name", t.Name, "error", err)
		err = fmt.Errorf("download %q: %w", t.Name, err)
	}
	result.Restarted, result.FetchedBytes = f.meter.stats().Restarted, f.meter.fetched()
	return result, err
}

// enter claims a key.
func (d *Downloader) enter(ctx context.Context, key string) (context.Context, func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.flights[key] != nil {
		return nil, nil, ErrBusy
	}
	ctx, cancel := context.WithCancelCause(ctx)
	f := &flight{cancel, make(chan struct{})}
	d.flights[key] = f
	return ctx, func() {
		cancel(nil)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.flights, key)
		close(f.ended)
	}, nil
}

// Discard cancels a task: it ends one in progress, which then fails with [ErrDiscarded], removes the .part file and clears the journal. A
// finished file stays. A task that was never begun is ignored. The task needs a key and a journal; with folder and name, it also finds a
// part file that isn't in the journal.
func (d *Downloader) Discard(ctx context.Context, t recording.Task) error {
	for {
		d.mu.Lock()
		f := d.flights[t.Key]
		d.mu.Unlock()
		if f != nil {
			f.cancel(ErrDiscarded)
			select {
			case <-f.ended:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		_, leave, err := d.enter(ctx, t.Key)
		if errors.Is(err, ErrBusy) {
			continue
		}
		defer leave()
		return d.discard(ctx, t)
	}
}

func (d *Downloader) discard(ctx context.Context, t recording.Task) error {
	p, err := load(ctx, t.Journal)
	if err != nil {
		return fmt.Errorf("discard %q: read how far it is: %w", t.Name, err)
	}
	if p.Part != "" && filepath.Ext(p.Part) == partEnd {
		if err := os.Remove(p.Part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("discard %q: %w", t.Name, err)
		}
	}
	// There may be a part file that isn't in the journal.
	if err := removePart(t); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrName) {
		return fmt.Errorf("discard %q: %w", t.Name, err)
	}
	if err := t.Journal.Clear(ctx); err != nil {
		return fmt.Errorf("discard %q: forget how far it is: %w", t.Name, err)
	}
	return nil
}

package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/dustin/go-humanize"

	"greenroom/internal/recording"
)

const (
	// restartsMost is how often one call starts a file over before it fails.
	restartsMost = 5
	// rereadsMost is how often parts are fetched again that the disk gave back otherwise.
	rereadsMost = 2
	// oddMost is how many wrong answers to requests for parts in a row make the whole file be asked for.
	oddMost = 3
)

// fetch is one call of [Downloader.Fetch].
type fetch struct {
	d     *Downloader
	task  recording.Task
	meter *meter
	turn  *turn

	in       *folder
	part     *part
	progress Progress
	// odd counts wrong answers to requests for parts, whole says that no part is asked for any more.
	odd   int
	whole bool
	// unlike says that a copy had another checksum than the source, or failed the check, already.
	unlike bool
	// streamed is the SHA-256 in hexadecimal of a file that came in one stream. rereads counts how often the disk gave other
	// bytes back than were written.
	streamed string
	rereads  int
}

// restart means that the file must be downloaded from its beginning.
type restart struct {
	why string
	err error
}

func (r *restart) Error() string { return r.why }
func (r *restart) Unwrap() error { return r.err }

// misread means that chunks have to be fetched again, which are marked no more.
type misread struct{ chunks int }

func (m *misread) Error() string {
	return fmt.Sprintf("the disk returned different bytes than were written, in %d pieces of the file", m.chunks)
}

// queue waits for the task's turn.
func (f *fetch) queue(ctx context.Context) (File, error) {
	f.meter.state(recording.Waiting, "")
	if err := f.turn.take(ctx); err != nil {
		return File{}, err
	}
	defer f.turn.yield()
	ended, end := context.WithCancel(ctx)
	done := make(chan struct{})
	f.d.opt.Crash.Go("recording: report", func() {
		defer close(done)
		f.attend(ended)
	})
	defer func() { // no report comes after the last one
		end()
		<-done
	}()
	defer f.close()
	return f.run(ctx)
}

// run tries until the file is there: after a restart at once, after a full disk when there is space.
func (f *fetch) run(ctx context.Context) (File, error) {
	for {
		f.meter.state(recording.Running, "")
		result, err := f.attempt(ctx)
		if err == nil || ctx.Err() != nil {
			return result, err
		}
		var again *restart
		var part *misread
		var local *diskError
		switch {
		case errors.As(err, &part):
			if f.rereads++; f.rereads > rereadsMost {
				return File{}, disk("read the file back", err)
			}
			f.d.opt.Log.Warn("a part of a download is fetched again", "name", f.task.Name, "reason", err)
		case errors.As(err, &again):
			if len(f.meter.stats().Restarted) >= restartsMost {
				return File{}, fmt.Errorf("restarted %d times: %w", restartsMost, err)
			}
			f.d.opt.Log.Warn("a download is restarted", "name", f.task.Name, "reason", again.why)
			f.meter.restarted(again.why)
			if err := f.forget(ctx); err != nil {
				return File{}, err
			}
		case errors.As(err, &local) && local.full():
			if err := f.space(ctx, local); err != nil {
				return File{}, err
			}
		default:
			return File{}, err
		}
	}
}

// close lets go of the file and its folder.
func (f *fetch) close() {
	if f.part != nil {
		f.part.Close()
		f.part = nil
	}
	if f.in != nil {
		f.in.root.Close()
		f.in = nil
	}
}

// attempt goes from wherever the file is to its end.
func (f *fetch) attempt(ctx context.Context) (File, error) {
	if f.in == nil {
		in, err := openFolder(f.task.Dir, f.task.Name)
		if err != nil {
			return File{}, err
		}
		f.in = in
	}
	p, err := load(ctx, f.task.Journal)
	if err != nil {
		return File{}, fmt.Errorf("read how far it is: %w", err)
	}
	f.progress = p
	if done, ok, err := f.finished(ctx); ok || err != nil {
		return done, err
	}
	id, err := f.identify(ctx)
	if err != nil {
		return File{}, err
	}
	if err := f.open(); err != nil {
		return File{}, err
	}
	have, err := f.resume(ctx, id)
	if err != nil {
		return File{}, err
	}
	f.progress.Identity = id
	if f.streams(id) {
		err = f.stream(ctx, id)
	} else {
		err = f.ranges(ctx, id, have)
	}
	if err != nil {
		return File{}, err
	}
	return f.finish(ctx, id)
}

// streams reports whether the file is read in one stream.
func (f *fetch) streams(id recording.Identity) bool { return f.whole || id.InOneStream() != "" }

// identify asks the source what the file is, patiently.
func (f *fetch) identify(ctx context.Context) (recording.Identity, error) {
	for again := f.retry(); ; {
		watch := f.watch(ctx)
		id, err := f.task.Source.Identify(watch.ctx)
		if err = watch.end(err); err == nil && id.Size > sizeMost {
			err = fmt.Errorf("%w: a length of %d bytes", recording.ErrOdd, id.Size)
		}
		if err == nil {
			return id, nil
		}
		if err := again.after(ctx, err); err != nil {
			return recording.Identity{}, err
		}
	}
}

// open opens the part file, or moves it here from the folder in which the task was begun.
func (f *fetch) open() error {
	if f.part != nil {
		return nil
	}
	name := partName(f.task.Key, path.Base(f.task.Name))
	left := f.in.adopt(f.progress.Part, name)
	p, err := openPart(f.in, name, &f.d.disk, f.d.opt.Mode)
	if err != nil {
		return err
	}
	f.part = p
	if left {
		if err := os.Remove(f.progress.Part); err != nil {
			return fmt.Errorf("remove the part file in the former folder: %w", err)
		}
	}
	return f.syncFolder()
}

// syncFolder makes the names in the folder durable.
func (f *fetch) syncFolder() error {
	if err := f.in.sync(f.d.disk.syncFolder); err != nil {
		return disk("sync the folder", err)
	}
	return nil
}

// resume decides whether what is there is the beginning of the file, and prepares for a new one otherwise.
func (f *fetch) resume(ctx context.Context, id recording.Identity) (*chunks, error) {
	size, err := f.part.size()
	if err != nil {
		return nil, err
	}
	p, why := f.progress, ""
	switch {
	case p.Chunk == 0 && size > 0 && p.Identity != (recording.Identity{}) && id.InOneStream() != "":
		why = id.InOneStream() + ", so the download can't resume"
	case p.Part == "" || p.Chunk == 0:
	case !p.Identity.Same(id):
		why = "the file has changed at its source"
	case f.streams(id):
		why = cmp.Or(id.InOneStream(), "the source no longer supports range requests")
	case size != id.Size || !p.fits(id.Size):
		why = "the part file was deleted or replaced"
	default:
		have := newChunks(id.Size, p.Chunk)
		if err := have.recall(ctx, p, f.part); err != nil {
			return nil, err
		}
		f.progress.Part = f.part.path()
		have.note(&f.progress, have.partial())
		f.meter.begin(have.bytes(), id.Size)
		return have, nil
	}
	if why != "" {
		f.meter.restarted(why)
	}
	return f.begin(ctx, id)
}

// begin prepares an empty part file. The journal forgets first: marks must never stand for bytes that are gone.
func (f *fetch) begin(ctx context.Context, id recording.Identity) (*chunks, error) {
	f.meter.begin(0, id.Size)
	f.progress = Progress{Part: f.part.path(), Identity: id}
	if err := f.save(ctx); err != nil {
		return nil, err
	}
	if err := f.part.reset(id.Size); err != nil {
		return nil, err
	}
	if f.streams(id) {
		return nil, nil
	}
	have := newChunks(id.Size, f.d.chunkOf(id.Size))
	have.note(&f.progress, nil)
	return have, f.save(ctx)
}

// chunkOf is how large the chunks of a file are.
func (d *Downloader) chunkOf(size int64) int64 { return chunkSize(size, d.opt.Chunk, d.opt.Workers) }

// chunkSize is how large the chunks of a file are, most at most: a small file has smaller ones, so that each worker has
// something to do, and many workers have smaller ones, so that little is fetched again after a kill.
func chunkSize(size, most int64, workers int) int64 {
	const step = 1 << 20
	most = min(most, unsavedMost/int64(workers+1))
	each := (size + int64(workers) - 1) / int64(workers)
	return min(most, max((each+step-1)/step*step, step))
}

// forget makes the journal stand for an empty part file.
func (f *fetch) forget(ctx context.Context) error {
	if f.part == nil {
		return nil
	}
	f.progress = Progress{Part: f.part.path()}
	return f.save(ctx)
}

// save writes the journal. A store that is full is a disk that is full.
func (f *fetch) save(ctx context.Context) error {
	if err := f.progress.save(ctx, f.task.Journal); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return disk("note how far it is", err)
	}
	return nil
}

// space waits until what could not be written can be.
func (f *fetch) space(ctx context.Context, missing *diskError) error {
	why := "there is no space left to " + missing.doing
	if missing.need > 0 {
		why = fmt.Sprintf("there is no space for %s in %s", humanize.Bytes(uint64(missing.need)), f.task.Dir)
	}
	f.d.opt.Log.Warn("a download waits for space", "name", f.task.Name, "error", missing)
	f.meter.state(recording.Paused, reason(errors.New(why)))
	f.turn.yield() // others may have room elsewhere
	f.meter.yielded(true, "")
	for {
		timer := f.d.opt.Clock.NewTimer(f.d.opt.Recheck)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.Chan():
		}
		if missing.solved() {
			err := f.turn.take(ctx)
			f.meter.yielded(false, "")
			return err
		}
	}
}

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
	// restartsMost limits the restarts of a file in one call.
	restartsMost = 5
	// rereadsMost limits how often parts are fetched again because the disk returned different bytes.
	rereadsMost = 2
	// oddMost is the number of wrong responses in a row after which the whole file is requested instead of parts.
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
	// odd counts wrong responses to requests for parts in a row; whole means that parts are no longer requested.
	odd   int
	whole bool
	// unlike means that a copy already had another checksum than the source, or failed the check.
	unlike bool
	// streamed is the SHA-256 in hexadecimal of a file that was read in one stream. rereads counts how often the disk returned
	// different bytes than were written.
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

// misread means that chunks, whose marks were removed, must be fetched again.
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

// run downloads the file. It tries again at once after a restart, and after a full disk when there is space.
func (f *fetch) run(ctx context.Context) (File, error) {
	for {
		f.meter.state(recording.Running, "")
		result, err := f.attempt(ctx)
		if err == nil || ctx.Err() != nil {
			return result, err
		}
		again, restarts := errors.AsType[*restart](err)
		_, misread := errors.AsType[*misread](err)
		local, _ := errors.AsType[*diskError](err)
		switch {
		case misread:
			if f.rereads++; f.rereads > rereadsMost {
				return File{}, disk("read the file back", err)
			}
			f.d.opt.Log.Warn("a part of a download is fetched again", "name", f.task.Name, "reason", err)
		case restarts:
			if len(f.meter.stats().Restarted) >= restartsMost {
				return File{}, fmt.Errorf("restarted %d times: %w", restartsMost, err)
			}
			f.d.opt.Log.Warn("a download is restarted", "name", f.task.Name, "reason", again.why)
			f.meter.restarted(again.why)
			if err := f.forget(ctx); err != nil {
				return File{}, err
			}
		case local != nil && local.full():
			if err := f.space(ctx, local); err != nil {
				return File{}, err
			}
		default:
			return File{}, err
		}
	}
}

// close closes the file and its folder.
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

// attempt resumes or begins the file and downloads the rest.
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

// identify returns the file's identity. It repeats failed requests.
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

// open opens the part file. If the task was begun in another folder, it moves the file from there.
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
	if err := f.in.with(f.d.disk.syncFolder); err != nil {
		return disk("sync the folder", err)
	}
	return nil
}

// resume restores the progress if the part file is the beginning of the identified file, and begins a new one otherwise.
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

// begin prepares an empty part file. It resets the journal first: there must never be marks for bytes that are gone.
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
	have := newChunks(id.Size, chunkSize(id.Size, f.d.opt.Chunk, f.d.opt.Workers))
	have.note(&f.progress, nil)
	return have, f.save(ctx)
}

// chunkSize returns the size of a file's chunks, at most most. Small files have smaller chunks, so that every worker is busy. So have
// many workers, so that little is fetched again after a kill.
func chunkSize(size, most int64, workers int) int64 {
	const step = 1 << 20
	most = min(most, unsavedMost/int64(workers+1))
	each := (size + int64(workers) - 1) / int64(workers)
	return min(most, max((each+step-1)/step*step, step))
}

// forget resets the journal to an empty part file.
func (f *fetch) forget(ctx context.Context) error {
	if f.part == nil {
		return nil
	}
	f.progress = Progress{Part: f.part.path()}
	return f.save(ctx)
}

// save writes the journal. An error counts as one of the disk.
func (f *fetch) save(ctx context.Context) error {
	if err := f.progress.save(ctx, f.task.Journal); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return disk("note how far it is", err)
	}
	return nil
}

// space waits until the disk has space.
func (f *fetch) space(ctx context.Context, missing *diskError) error {
	why := "there is no space left to " + missing.doing
	if missing.need > 0 {
		why = fmt.Sprintf("there is no space for %s in %s", humanize.Bytes(uint64(missing.need)), f.task.Dir)
	}
	f.d.opt.Log.Warn("a download is waiting for disk space", "name", f.task.Name, "error", missing)
	f.meter.state(recording.Paused, reason(errors.New(why)))
	f.turn.yield() // others may have space elsewhere
	f.meter.yielded(true, "")
	for {
		if err := f.sleep(ctx, f.d.opt.Recheck); err != nil {
			return err
		}
		if missing.solved() {
			err := f.turn.take(ctx)
			f.meter.yielded(false, "")
			return err
		}
	}
}

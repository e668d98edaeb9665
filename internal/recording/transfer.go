package recording

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// transfer fetches the chunks of one file: workers that each fetch one after the other, and a saver that syncs what they
// have written and notes it.
//
// A slot stands for a chunk that has been asked for and isn't noted yet. There are so few of them that less than
// unsavedMost bytes are fetched again when the process is killed.
type transfer struct {
	*fetch
	id     Identity
	have   *chunks
	ctx    context.Context
	cancel context.CancelCauseFunc

	slots   chan struct{}
	written chan int
	wg      sync.WaitGroup
	// strict is set by a source that admits no more connections than there are workers.
	strict atomic.Bool

	mu  sync.Mutex
	err error
}

// errPanicked ends a transfer of which a goroutine has panicked. The panic was reported by the one who caught it.
var errPanicked = errors.New("something went wrong inside Greenroom; the log has it")

// ranges fetches what is missing.
func (f *fetch) ranges(ctx context.Context, id Identity, have *chunks) error {
	t := &transfer{fetch: f, id: id, have: have}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	defer t.cancel(nil)
	slots := max(1, unsavedMost/have.chunk-1)
	slots = min(slots, int64(2*f.d.opt.Workers)) // more are of no use
	t.slots, t.written = make(chan struct{}, slots), make(chan int, slots)
	for range min(f.d.opt.Workers, have.count()) {
		t.spawn("recording: fetch", t.work)
	}
	saved := make(chan struct{})
	f.d.opt.Crash.Go("recording: save", func() {
		defer close(saved)
		t.guard(func() error { return t.saveAll(context.WithoutCancel(ctx)) })
	})
	t.wg.Wait()
	close(t.written)
	<-saved
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return t.err
}

// spawn runs a part of the transfer. The first one that fails ends all.
func (t *transfer) spawn(name string, f func() error) {
	t.wg.Add(1)
	t.d.opt.Crash.Go(name, func() {
		defer t.wg.Done()
		t.guard(f)
	})
}

// guard runs f, and fails the transfer when f fails or panics.
func (t *transfer) guard(f func() error) {
	err := errPanicked
	defer func() {
		if err != nil {
			t.fail(err)
		}
	}()
	err = f()
}

func (t *transfer) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
		t.cancel(err)
	}
}

// saveAll syncs and notes chunks until no more are written. While it syncs some, others gather. It goes on after a pause, so
// that what is there is kept.
func (t *transfer) saveAll(ctx context.Context) error {
	for i := range t.written {
		batch := []int{i}
		for more := true; more; {
			select {
			case i, ok := <-t.written:
				if more = ok; ok {
					batch = append(batch, i)
				}
			default:
				more = false
			}
		}
		begun := t.have.partial()
		if err := syncData(t.part.File); err != nil {
			return disk("sync the part file", err)
		}
		t.progress.Done = t.have.save(batch)
		for _, i := range batch {
			delete(begun, i)
		}
		t.progress.Begun = begun
		if err := t.save(ctx); err != nil {
			return err
		}
		for range batch {
			<-t.slots
		}
	}
	// The workers have ended. What they have begun is kept too.
	begun := t.have.partial()
	if len(begun) == 0 {
		return nil
	}
	if err := syncData(t.part.File); err != nil {
		return disk("sync the part file", err)
	}
	t.progress.Begun = begun
	return t.save(ctx)
}

// work fetches chunks until there is none left.
func (t *transfer) work() (err error) {
	w := &worker{transfer: t, buf: make([]byte, readMost)}
	err = errPanicked
	defer func() {
		if err != nil {
			t.fail(err) // so that what was asked for ahead ends too
		}
		w.drop()
	}()
	for {
		next := w.ahead
		w.ahead = nil
		if next == nil {
			select {
			case t.slots <- struct{}{}:
			case <-t.ctx.Done():
				return context.Cause(t.ctx)
			}
			i, ok := t.have.take()
			if !ok {
				<-t.slots
				return nil
			}
			next = &opening{chunk: i}
		}
		if err := w.fetch(next); err != nil {
			return err
		}
		t.written <- next.chunk
	}
}

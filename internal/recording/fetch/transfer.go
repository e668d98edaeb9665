package fetch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"greenroom/internal/recording"
)

// transfer fetches the chunks of one file: workers fetch one chunk after the other, and a saver syncs and marks what they have written.
//
// Each chunk that was requested and isn't marked yet has a slot. There are so few slots that less than unsavedMost bytes are fetched
// again after the process is killed. A chunk is claimed with its slot, and its owner either passes it to the saver or releases both.
type transfer struct {
	*fetch
	id     recording.Identity
	have   *chunks
	ctx    context.Context
	cancel context.CancelCauseFunc

	slots   chan struct{}
	written chan *claim
	wg      sync.WaitGroup
	// strict means that the source allows no more connections than there are workers.
	strict atomic.Bool

	mu  sync.Mutex
	err error
}

// ranges fetches the missing chunks. It returns nil only if every chunk is marked.
func (f *fetch) ranges(ctx context.Context, id recording.Identity, have *chunks) error {
	t := &transfer{fetch: f, id: id, have: have}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	defer t.cancel(nil)
	slots := max(1, unsavedMost/have.chunk-1)
	slots = min(slots, int64(2*f.d.opt.Workers)) // more are useless
	t.slots, t.written = make(chan struct{}, slots), make(chan *claim, slots)
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
	if t.err != nil {
		return t.err
	}
	if n := have.missing(); n > 0 {
		return fmt.Errorf("%w: %d of its %d pieces", errIncomplete, n, have.count())
	}
	return nil
}

// claim claims a free chunk and its slot. It returns nil if there is no free chunk or, unless it may wait, no slot.
func (t *transfer) claim(wait bool) (*claim, error) {
	if wait {
		select {
		case t.slots <- struct{}{}:
		case <-t.ctx.Done():
			return nil, context.Cause(t.ctx)
		}
	} else {
		select {
		case t.slots <- struct{}{}:
		default:
			return nil, nil
		}
	}
	mine := t.have.take()
	if mine == nil {
		<-t.slots
	}
	return mine, nil
}

// release releases a claimed chunk and its slot.
func (t *transfer) release(mine *claim) {
	t.have.giveBack(mine)
	<-t.slots
}

// spawn runs a part of the transfer. The first failure ends all parts.
func (t *transfer) spawn(name string, f func() error) {
	t.wg.Add(1)
	t.d.opt.Crash.Go(name, func() {
		defer t.wg.Done()
		t.guard(f)
	})
}

// guard runs f, and fails the transfer if f fails or panics.
func (t *transfer) guard(f func() error) {
	err := recording.ErrPanicked
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

// saveAll syncs and marks chunks until no more are written, in batches: while it syncs some, others gather. It continues after a pause,
// so that fetched chunks are kept.
func (t *transfer) saveAll(ctx context.Context) error {
	for first := range t.written {
		batch := []*claim{first}
		for more := true; more; {
			select {
			case next, ok := <-t.written:
				if more = ok; ok {
					batch = append(batch, next)
				}
			default:
				more = false
			}
		}
		if err := t.saveThese(ctx, batch); err != nil {
			return err
		}
		for range batch {
			<-t.slots
		}
	}
	// The workers have ended. Chunks that they have begun are kept too.
	if len(t.have.partial()) == 0 {
		return nil
	}
	return t.saveThese(ctx, nil)
}

// saveThese syncs the file and then marks chunks, and the beginnings of others that were there before the sync.
func (t *transfer) saveThese(ctx context.Context, batch []*claim) error {
	begun := t.have.partial()
	if err := t.part.flush(); err != nil {
		return err
	}
	if err := t.have.save(batch); err != nil {
		return err
	}
	t.have.note(&t.progress, begun)
	return t.save(ctx)
}

// work fetches chunks until none is left.
func (t *transfer) work() (err error) {
	w := &worker{transfer: t, buf: make([]byte, min(readMost, t.have.chunk))}
	err = recording.ErrPanicked
	defer func() {
		if err != nil {
			t.fail(err) // so that the request made ahead ends too
		}
		w.drop()
	}()
	for {
		o, err := w.next()
		if o == nil {
			return err
		}
		if err := w.fetch(o); err != nil {
			return err
		}
		t.written <- o.claim
	}
}

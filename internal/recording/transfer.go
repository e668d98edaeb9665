package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
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
	slots := max(int64(f.d.opt.Workers), unsavedMost/have.chunk-1)
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
		if err := syncData(t.part.File); err != nil {
			return disk("sync the part file", err)
		}
		t.progress.Done = t.have.save(batch)
		if err := t.save(ctx); err != nil {
			return err
		}
		for range batch {
			<-t.slots
		}
	}
	return nil
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

// opening is a request for a chunk; ready is nil for one that isn't made yet.
type opening struct {
	chunk int
	ready chan struct{}
	// Of a request that is ready:
	watch *watch
	body  io.ReadCloser
	err   error
	// took is how long the source thought before it answered.
	took time.Duration
}

// request makes the request.
func (t *transfer) request(o *opening, off, end int64) {
	begun := t.d.opt.Clock.Now()
	o.watch = t.watch(t.ctx)
	o.body, o.err = t.task.Source.Open(o.watch.ctx, t.id, off, end-off)
	o.watch.pause()
	o.took = t.d.opt.Clock.Since(begun)
	if o.err != nil {
		o.err = o.watch.end(o.err)
		if o.body != nil {
			o.body.Close()
		}
	}
}

// close gives up what was opened.
func (o *opening) close() {
	if o.ready != nil {
		<-o.ready
	}
	if o.err == nil && o.body != nil {
		o.watch.cancel(nil)
		o.body.Close()
		o.watch.end(nil)
	}
}

// worker fetches one chunk at a time. When one is nearly there it asks for the next already, so that the source's time for
// thinking isn't lost.
type worker struct {
	*transfer
	buf   []byte
	ahead *opening
}

// drop gives up what was asked for ahead. Its chunk is taken by the next transfer.
func (w *worker) drop() {
	if w.ahead != nil {
		w.ahead.close()
	}
}

// fetch fetches one chunk, however often it takes. What of it was written stays between the tries.
func (w *worker) fetch(o *opening) error {
	off, end := w.have.span(o.chunk)
	again := w.retry()
	for off < end {
		if o.ready != nil {
			<-o.ready
		} else {
			w.request(o, off, end)
		}
		n, err := int64(0), o.err
		if err == nil {
			n, err = w.copy(o, off, end)
		}
		o = &opening{chunk: o.chunk}
		off += n
		if n > 0 {
			again.reset()
		}
		if err == nil {
			w.fine()
			continue
		}
		if errors.Is(err, errOdd) {
			begin, _ := w.have.span(o.chunk)
			w.meter.forget(off - begin)
			off = begin
		}
		if err := w.strange(err); err != nil {
			return err
		}
		if err := again.after(w.ctx, err); err != nil {
			return err
		}
	}
	return nil
}

// fine ends a row of wrong answers.
func (t *transfer) fine() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.odd = 0
}

// strange counts wrong answers to requests for parts: after some in a row the whole file is asked for instead. Other errors
// are none of its business.
func (t *transfer) strange(err error) error {
	if !errors.Is(err, ErrNoRanges) && !errors.Is(err, errOdd) {
		if errors.Is(err, ErrChanged) {
			return &restart{ErrChanged.Error(), err}
		}
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.odd++; t.odd < oddMost {
		return nil
	}
	t.whole = true
	return &restart{"the source does not serve parts of the file", err}
}

// copy writes what was opened from off to end at most, and says how much that was. Fewer bytes without an error means that
// the connection broke.
func (w *worker) copy(o *opening, off, end int64) (n int64, err error) {
	defer func() {
		o.watch.cancel(nil)
		o.body.Close()
		err = o.watch.end(err)
	}()
	begun, tried := w.d.opt.Clock.Now(), false
	for off+n < end {
		got, rerr := w.read(o, w.buf[:min(int64(len(w.buf)), end-off-n)])
		if got > 0 {
			if err := w.part.write(w.buf[:got], off+n); err != nil {
				return n, err
			}
			n += int64(got)
			w.meter.add(got, true)
			if err := w.d.limit.pay(w.ctx, got); err != nil {
				return n, err
			}
		}
		switch {
		case rerr == io.EOF && off+n < end:
			return n, fmt.Errorf("the connection ended early: %w", io.ErrUnexpectedEOF)
		case rerr != nil && rerr != io.EOF:
			return n, rerr
		case rerr == io.EOF:
			return n, nil
		}
		if !tried && w.soon(n, end-off-n, o.took, begun) {
			tried = true
			w.askAhead()
		}
	}
	if extra, _ := w.read(o, w.buf[:1]); extra > 0 {
		return n, fmt.Errorf("%w: it sent more", errOdd)
	}
	return n, nil
}

// read reads once, with the watch running.
func (w *worker) read(o *opening, b []byte) (int, error) {
	o.watch.resume()
	defer o.watch.pause()
	return o.body.Read(b[:min(len(b), w.d.limit.most())])
}

// soon says whether the rest of a chunk takes about as long as an answer takes to begin.
func (w *worker) soon(n, rest int64, took time.Duration, begun time.Time) bool {
	spent := w.d.opt.Clock.Since(begun)
	if n == 0 || spent <= 0 {
		return false
	}
	return time.Duration(float64(spent)*float64(rest)/float64(n)) <= took+took/4
}

// askAhead asks for another chunk while the present one comes, when there are both a chunk and a slot.
func (w *worker) askAhead() {
	select {
	case w.slots <- struct{}{}:
	default:
		return
	}
	i, ok := w.have.take()
	if !ok {
		<-w.slots
		return
	}
	o := &opening{chunk: i, ready: make(chan struct{})}
	w.ahead = o
	w.spawn("recording: ask ahead", func() error {
		defer close(o.ready)
		off, end := w.have.span(i)
		w.request(o, off, end)
		return nil
	})
}

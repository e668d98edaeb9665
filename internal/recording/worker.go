package recording

import (
	"errors"
	"fmt"
	"io"
	"time"
)

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
	chunk, start := o.chunk, w.have.start(o.chunk)
	begin, end := w.have.span(chunk)
	off := start
	defer func() {
		if off < end {
			w.have.reached(chunk, off-begin)
		}
	}()
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
			w.meter.forget(off - start)
			off = start
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
	if w.strict.Load() {
		return
	}
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
		_, end := w.have.span(i)
		w.request(o, w.have.start(i), end)
		if refused := (*Temporary)(nil); errors.As(o.err, &refused) {
			w.strict.Store(true)
		}
		return nil
	})
}

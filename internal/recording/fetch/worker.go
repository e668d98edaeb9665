package fetch

import (
	"errors"
	"fmt"
	"io"
	"time"

	"greenroom/internal/recording"
)

// opening is a request for the rest of a chunk.
type opening struct {
	*claim
	watch *watch
	// ready is closed when the response to a request made ahead has arrived; nil for a request that isn't made yet.
	ready chan struct{}
	// body and err are the result of a request that is ready.
	body io.ReadCloser
	err  error
	// took is the time until the source responded.
	took time.Duration
}

// request makes the request.
func (t *transfer) request(o *opening) {
	begun := t.d.opt.Clock.Now()
	o.watch.resume()
	o.body, o.err = t.task.Source.Open(o.watch.ctx, t.id, o.off, o.end-o.off)
	o.watch.pause()
	o.took = t.d.opt.Clock.Since(begun)
	if o.err != nil {
		o.err = o.watch.end(o.err)
		if o.body != nil {
			o.body.Close()
		}
	}
}

// worker fetches one chunk at a time. When one is nearly complete, it requests the next, so that no time is lost waiting for the
// response.
type worker struct {
	*transfer
	buf []byte
	// ahead is the request for the next chunk. The worker owns both chunks.
	ahead *opening
}

// next returns the next chunk to fetch, nil if none is free.
func (w *worker) next() (*opening, error) {
	if o := w.ahead; o != nil {
		w.ahead = nil
		return o, nil
	}
	mine, err := w.claim(true)
	if mine == nil {
		return nil, err
	}
	return &opening{claim: mine}, nil
}

// drop cancels the request made ahead and releases its chunk.
func (w *worker) drop() {
	o := w.ahead
	if o == nil {
		return
	}
	w.ahead = nil
	o.watch.cancel(nil)
	<-o.ready
	if o.err == nil && o.body != nil {
		o.body.Close()
	}
	o.watch.end(nil)
	w.release(o.claim)
}

// fetch fetches one chunk, in as many attempts as needed, and keeps the written bytes between them. A chunk that fails is released.
func (w *worker) fetch(o *opening) (err error) {
	mine := o.claim
	err = recording.ErrPanicked
	defer func() {
		if err != nil {
			w.release(mine)
		}
	}()
	again := w.retry()
	for mine.off < mine.end {
		if o.ready != nil {
			<-o.ready
		} else {
			o.watch = w.watch(w.ctx)
			w.request(o)
		}
		before, err := mine.off, o.err
		if err == nil {
			err = w.copy(o)
		}
		o = &opening{claim: mine}
		if mine.off > before {
			again.reset()
		}
		if err == nil {
			w.fine()
			continue
		}
		w.drop() // this chunk may take long
		if errors.Is(err, recording.ErrOdd) {
			w.meter.forget(mine.off - mine.begin)
			w.have.restart(mine)
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

// fine ends a series of wrong responses.
func (t *transfer) fine() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.odd = 0
}

// strange returns a restart if the file has changed, or after several wrong responses to requests for parts: the whole file is then
// requested. It returns nil for other errors.
func (t *transfer) strange(err error) error {
	switch {
	case errors.Is(err, recording.ErrNoRanges), errors.Is(err, recording.ErrOdd):
	case errors.Is(err, recording.ErrChanged):
		return &restart{recording.ErrChanged.Error(), err}
	default:
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

// copy writes the response to the chunk, up to its end. Fewer bytes are an error.
func (w *worker) copy(o *opening) (err error) {
	defer func() {
		o.watch.cancel(nil)
		o.body.Close()
		err = o.watch.end(err)
	}()
	begun, from, tried := w.d.opt.Clock.Now(), o.off, false
	for o.off < o.end {
		got, rerr := w.read(o, w.buf[:min(int64(len(w.buf)), o.end-o.off)])
		if got > 0 {
			if err := w.admitted(w.ctx); err != nil {
				return err
			}
			if err := w.part.write(w.buf[:got], o.off); err != nil {
				return err
			}
			o.wrote(w.buf[:got])
			w.meter.add(got)
			if err := w.d.limit.pay(w.ctx, got); err != nil {
				return err
			}
		}
		switch {
		case rerr == io.EOF && o.off < o.end:
			return fmt.Errorf("the connection ended early: %w", io.ErrUnexpectedEOF)
		case rerr != nil && rerr != io.EOF:
			return rerr
		case rerr == io.EOF:
			return nil
		}
		if !tried && w.soon(o.off-from, o.end-o.off, o.took, begun) {
			tried = true
			w.askAhead()
		}
	}
	if extra, _ := w.read(o, w.buf[:1]); extra > 0 {
		return fmt.Errorf("%w: it sent more", recording.ErrOdd)
	}
	return nil
}

// read reads once, under the watch.
func (w *worker) read(o *opening, b []byte) (int, error) {
	o.watch.resume()
	defer o.watch.pause()
	return o.body.Read(b[:min(len(b), w.d.limit.most())])
}

// soon reports whether the rest of a chunk takes about as long as the source needs to respond.
func (w *worker) soon(n, rest int64, took time.Duration, begun time.Time) bool {
	spent := w.d.opt.Clock.Since(begun)
	if n == 0 || spent <= 0 {
		return false
	}
	return time.Duration(float64(spent)*float64(rest)/float64(n)) <= took+took/4
}

// askAhead requests another chunk while the present one arrives, if there are a free chunk and a slot, and none was requested yet.
func (w *worker) askAhead() {
	if w.ahead != nil || w.strict.Load() {
		return
	}
	mine, err := w.claim(false)
	if mine == nil || err != nil {
		return
	}
	o := &opening{claim: mine, ready: make(chan struct{}), watch: w.watch(w.ctx)}
	w.ahead = o
	w.spawn("recording: ask ahead", func() error {
		defer close(o.ready)
		o.err = recording.ErrPanicked
		w.request(o)
		if _, refused := errors.AsType[*recording.Temporary](o.err); refused {
			w.strict.Store(true)
		}
		return nil
	})
}

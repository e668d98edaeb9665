package relayclient

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

const (
	// batchMost and batchBytes limit one call of Receive; a single request may be larger.
	batchMost  = 256
	batchBytes = 4 << 20
	// patience is after how many damaged arrivals a request is passed on without its body.
	patience = 3
	// returnBytes is how many discarded bytes are collected before their credit is returned.
	returnBytes = 256 << 10
	maxID       = 256
)

var errDamaged = errors.New("a request arrived damaged")

// inbox holds the requests of one connection from their EVENT until they are stored, for each hook in the order in which they
// began. It enforces the relay's credit. The reader fills it and the deliverer empties it.
type inbox struct {
	opt     settings
	damage  func(cursor.Position) int
	ready   chan struct{}       // something may have become deliverable
	streams map[uint64]*request // those that aren't complete; the reader's

	mu     sync.Mutex
	hooks  map[string]*hook
	met    int     // the number of hooks without a stored position
	turn   []*hook // the hooks with requests, in the order of their turns
	events int     // the relay's credit
	bytes  int64
	held   int64 // bytes of the bodies that have begun and aren't stored
}

// hook is the stream of requests of one hook.
type hook struct {
	position cursor.Position
	last     cursor.Position // of the request that began last
	waiting  []*request
	// After a failure the hook waits until a time, longer after each, and alone means that its requests are passed on in separate calls.
	until   time.Time
	backoff tunnel.Backoff
	alone   bool
}

// request is a request under way.
type request struct {
	envelope tunnel.Envelope
	hook     *hook
	stream   uint64
	length   int64
	sum      [sha256.Size]byte
	got      int64
	held     int64 // its part of inbox.held
	credit   int64 // bytes to give back when it is stored, and not before
	complete bool
	// known means stored before; damaged means more data than announced. The body isn't kept in any of these cases.
	known, large, damaged bool
}

func newInbox(opt settings, known []cursor.Position) *inbox {
	i := &inbox{opt: opt, ready: make(chan struct{}, 1), streams: map[uint64]*request{}, hooks: map[string]*hook{}}
	for _, p := range known {
		i.hooks[p.Hook] = &hook{position: p}
	}
	return i
}

// open gives the relay its first credit.
func (i *inbox) open() wire.CreditBody {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := wire.CreditBody{Events: i.opt.Window, Bytes: i.opt.WindowBytes}
	i.grant(c)
	return c
}

func (i *inbox) grant(c wire.CreditBody) { i.events, i.bytes = i.events+c.Events, i.bytes+c.Bytes }

func (i *inbox) positions() []cursor.Position {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []cursor.Position
	for _, h := range i.hooks {
		all = append(all, h.position)
	}
	return all
}

func (i *inbox) known(name string) (cursor.Position, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if h := i.hooks[name]; h != nil {
		return h.position, true
	}
	return cursor.Position{}, false
}

// begin handles an EVENT. Its errors are the relay's violations of the protocol.
func (i *inbox) begin(stream uint64, e wire.EventBody) error {
	switch {
	case e.Hook == "" || len(e.Hook) > maxID || len(e.ID) > maxID || len(e.Method) > maxID || len(e.Remote) > maxID,
		e.Epoch == 0 && e.Seq == 0:
		return errors.New("an EVENT has an invalid name or position")
	case i.streams[stream] != nil:
		return fmt.Errorf("stream %d begins twice", stream)
	}
	if !strings.HasPrefix(e.Target, "/") {
		e.Target = "/" + e.Target
	}
	r := &request{
		stream: stream, length: e.Length, sum: e.SHA256, large: e.Length > i.opt.MaxBody,
		envelope: tunnel.Envelope{
			ID: e.ID, Position: e.Position, ReceivedAt: e.ReceivedAt, Method: e.Method, Target: e.Target,
			Header: e.Header, Remote: e.Remote,
		},
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.events == 0 {
		return errors.New("an EVENT comes without credit")
	}
	h := i.hooks[e.Hook]
	if h == nil {
		if i.met == maxHooks {
			return fmt.Errorf("it names more than %d hooks", maxHooks)
		}
		i.met++
		h = &hook{position: cursor.Position{Hook: e.Hook}}
		i.hooks[e.Hook] = h
	}
	r.hook, r.known = h, !h.position.Before(e.Position)
	if !r.known {
		if err := i.enqueue(h, r); err != nil {
			return err
		}
	}
	i.events--
	i.streams[stream] = r
	if !r.discarded() {
		// Within the window, all memory is allocated now. Beyond it, memory grows as data arrives.
		r.held = e.Length
		if i.held += r.held; i.held <= i.opt.WindowBytes {
			r.envelope.Body = make([]byte, 0, e.Length)
		}
	}
	return nil
}

func (i *inbox) enqueue(h *hook, r *request) error {
	if at := r.envelope.Position; !h.last.Before(at) {
		return fmt.Errorf("request %s comes behind %s", numbers(at), numbers(h.last))
	}
	h.last = r.envelope.Position
	if len(h.waiting) == 0 {
		i.turn = append(i.turn, h)
	}
	h.waiting = append(h.waiting, r)
	return nil
}

// discarded reports whether the request's body isn't kept.
func (r *request) discarded() bool { return r.known || r.large || r.damaged }

// data handles a piece of a body, and returns credit for discarded bytes.
func (i *inbox) data(stream uint64, b []byte) (back wire.CreditBody, err error) {
	r, n := i.streams[stream], int64(len(b))
	if r == nil {
		return back, fmt.Errorf("DATA of stream %d comes without its EVENT", stream)
	}
	r.got += n
	r.credit += n
	r.damaged = r.damaged || r.got > r.length
	if r.discarded() {
		r.envelope.Body = nil
		if r.credit >= returnBytes {
			back.Bytes, r.credit = r.credit, 0
		}
	} else {
		r.envelope.Body = append(r.envelope.Body, b...)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if n > i.bytes {
		return back, errors.New("DATA comes without credit")
	}
	i.bytes -= n
	i.grant(back)
	return back, nil
}

// complete handles an END. For a request that was stored before, it returns the credit and the position to confirm again. Any other is
// ready once those before it are.
func (i *inbox) complete(stream uint64) (back wire.CreditBody, stored *cursor.Position, err error) {
	r := i.streams[stream]
	if r == nil {
		return back, nil, fmt.Errorf("END of stream %d comes without its EVENT", stream)
	}
	delete(i.streams, stream)
	if !r.known {
		if err := i.check(r); err != nil {
			return back, nil, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.known {
		back = wire.CreditBody{Events: 1, Bytes: r.credit}
		i.grant(back)
		p := r.hook.position
		return back, &p, nil
	}
	r.complete = true
	i.wake()
	return back, nil, nil
}

// forget drops a request of which nothing more arrives.
func (i *inbox) forget(stream uint64) (back wire.CreditBody, err error) {
	r := i.streams[stream]
	if r == nil {
		return back, fmt.Errorf("stream %d is gone before its EVENT", stream)
	}
	delete(i.streams, stream)
	i.mu.Lock()
	defer i.mu.Unlock()
	h := r.hook
	h.waiting = slices.DeleteFunc(h.waiting, func(x *request) bool { return x == r })
	i.turn = slices.DeleteFunc(i.turn, func(h *hook) bool { return len(h.waiting) == 0 })
	i.held -= r.held
	back = wire.CreditBody{Events: 1, Bytes: r.credit}
	i.grant(back)
	i.wake() // the next request may be complete
	return back, nil
}

// check checks that a request is whole. The first failures are an error.
func (i *inbox) check(r *request) error {
	e := &r.envelope
	switch {
	case r.large:
		e.Missing = fmt.Sprintf("its body of %d bytes is larger than %d", r.length, i.opt.MaxBody)
	case r.damaged || r.got != r.length || sha256.Sum256(e.Body) != r.sum:
		if n := i.damage(e.Position); n < patience {
			return fmt.Errorf("%w: %s", errDamaged, numbers(e.Position))
		}
		e.Missing, e.Body = fmt.Sprintf("it arrived damaged %d times", patience), nil
	}
	return nil
}

func (i *inbox) wake() {
	select {
	case i.ready <- struct{}{}:
	default:
	}
}

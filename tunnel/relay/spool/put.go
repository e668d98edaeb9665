package spool

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	bolt "go.etcd.io/bbolt"

	"greenroom/tunnel/wire"
)

const (
	// PieceSize is how much of a body is held in memory and written at once.
	PieceSize = 256 << 10
	// smallSize is what stands in the record itself.
	smallSize = 16 << 10
	// headRoom is what is set aside for a record until it is known.
	headRoom = 1 << 10
)

var (
	errMore    = errors.New("spool: a body is longer than was announced")
	errGivenUp = errors.New("spool: the request was given up")
)

var buffers = sync.Pool{New: func() any { b := make([]byte, PieceSize); return &b }}

// Put reads a body and stores the request, and returns its position once it is durable. Epoch, Seq, Length and SHA256 of e
// are filled in; size is the length that the sender announced, or -1.
//
// It fails with [ErrQuota], [ErrNotFound] for the hook, [ErrBusy], [ErrClosed], the body's own error or the disk's; then
// nothing is stored. When ctx ends at the last moment, whether it was stored is not known.
func (s *Spool) Put(ctx context.Context, e wire.EventBody, body io.Reader, size int64) (Position, error) {
	if s.opt.Plain {
		return Position{}, ErrClosed
	}
	u := &upload{s: s, ctx: ctx, e: e}
	p, err := u.run(body, size)
	if err != nil {
		u.giveUp()
	}
	return p, err
}

// upload is a Put under way.
type upload struct {
	s   *Spool
	ctx context.Context
	e   wire.EventBody
	// body is its number among the pieces, 0 while there is none; only the writer sets it, before it answers.
	body uint64
	next uint32 // number of the next piece
	held int64  // what is reserved for it
	// flying is the piece that is being written while the next is read.
	flying *op
}

func (u *upload) run(body io.Reader, size int64) (Position, error) {
	if err := u.reserve(max(size, 0) + headRoom); err != nil {
		return Position{}, err
	}
	hash := sha256.New()
	for {
		var pooled *[]byte
		var buf []byte
		if size >= 0 && size < PieceSize {
			buf = make([]byte, size+1)
		} else {
			pooled = buffers.Get().(*[]byte)
			buf = *pooled
		}
		n, ended, err := fill(body, buf)
		switch {
		case err != nil:
			return Position{}, err
		case !ended && pooled == nil:
			return Position{}, errMore
		case ended && size >= 0 && u.e.Length+int64(n) != size:
			return Position{}, io.ErrUnexpectedEOF
		}
		hash.Write(buf[:n])
		u.e.Length += int64(n)
		if want := u.e.Length + headRoom; want > u.held {
			if err := u.reserve(want - u.held); err != nil {
				return Position{}, err
			}
		}
		if !ended {
			if err := u.piece(buf, pooled); err != nil {
				return Position{}, err
			}
			continue
		}
		hash.Sum(u.e.SHA256[:0])
		p, err := u.finish(buf[:n])
		if err == nil && pooled != nil {
			buffers.Put(pooled)
		}
		return p, err
	}
}

// fill reads until b is full or the body has ended. Only [io.EOF] itself is an end: a body that is cut short is an error of
// its own, which io.ReadFull would not tell from one that is shorter than b.
func fill(body io.Reader, b []byte) (n int, ended bool, err error) {
	for n < len(b) {
		k, err := body.Read(b[n:])
		n += k
		switch {
		case err == io.EOF:
			return n, true, nil
		case err != nil:
			return n, false, err
		}
	}
	return n, false, nil
}

// reserve sets bytes of the hook's share aside.
func (u *upload) reserve(n int64) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	h := u.s.hooks[u.e.Hook]
	if h == nil {
		return ErrNotFound
	}
	if h.state.Bytes+h.reserved+n > u.s.opt.Quota {
		return ErrQuota
	}
	h.reserved += n
	u.held += n
	return nil
}

// release gives back what was set aside. The spool's lock is held.
func (u *upload) release() {
	if h := u.s.hooks[u.e.Hook]; h != nil {
		h.reserved -= u.held
	}
	u.held = 0
}

// piece hands a piece to the writer once the one before it is written.
func (u *upload) piece(b []byte, pooled *[]byte) error {
	if err := u.land(); err != nil {
		return err
	}
	number := u.next
	u.next++
	o := &op{size: len(b), done: make(chan error, 1), apply: func(t *batch) error {
		if u.body == 0 {
			id, err := t.tx.Bucket(bucketPieces).NextSequence()
			if t.fail(err) || t.fail(t.tx.Bucket(bucketOpen).Put(be64(id), []byte{1})) {
				return nil
			}
			u.body = id
		}
		t.fail(t.tx.Bucket(bucketPieces).Put(pieceKey(u.body, number), b))
		return nil
	}}
	o.settled = func(err error) {
		if err != nil && number == 0 {
			u.body = 0 // the number was not given out after all, and will be to another
		}
		buffers.Put(pooled)
	}
	if err := u.s.enqueue(o); err != nil {
		return err
	}
	u.flying = o
	return nil
}

// land waits for the piece that is being written.
func (u *upload) land() error {
	if u.flying == nil {
		return nil
	}
	o := u.flying
	err := u.s.wait(u.ctx, o)
	if err == nil {
		u.flying = nil
	}
	return err
}

// finish writes the record, which makes the request exist.
func (u *upload) finish(tail []byte) (Position, error) {
	if err := u.land(); err != nil {
		return Position{}, err
	}
	age := u.s.age()
	var p Position // the writer's until it has answered
	o := &op{size: len(tail) + headRoom}
	o.apply = func(t *batch) error {
		st := t.state(u.e.Hook)
		if st == nil {
			return ErrNotFound
		}
		if u.body != 0 && t.tx.Bucket(bucketOpen).Get(be64(u.body)) == nil {
			return errGivenUp
		}
		p = st.next(u.s.epoch)
		u.e.Epoch, u.e.Seq = p.Epoch, p.Seq
		r := record{age: age, body: u.body, event: u.e.Append(nil)}
		switch {
		case r.body == 0 && len(tail) <= smallSize:
			r.small = tail
		case r.body == 0:
			id, err := t.tx.Bucket(bucketPieces).NextSequence()
			if t.fail(err) {
				return nil
			}
			r.body = id
			fallthrough
		default:
			if len(tail) > 0 && t.fail(t.tx.Bucket(bucketPieces).Put(pieceKey(r.body, u.next), tail)) {
				return nil
			}
			if t.fail(t.tx.Bucket(bucketOpen).Delete(be64(r.body))) {
				return nil
			}
		}
		events, err := t.tx.Bucket(bucketEvents).CreateBucketIfNotExists([]byte(u.e.Hook))
		if t.fail(err) {
			return nil
		}
		events.FillPercent = 0.9
		if t.fail(events.Put(p.key(), appendRecord(nil, r))) {
			return nil
		}
		st.Depth++
		st.Bytes += weight(r.event, u.e.Length)
		t.fresh[u.e.Hook] = true
		return nil
	}
	o.settled = func(error) { u.release() }
	if err := u.s.do(u.ctx, o); err != nil {
		return Position{}, err
	}
	return p, nil
}

// giveUp lets the pieces that were written be removed.
func (u *upload) giveUp() {
	s := u.s
	abort := func() {
		s.mu.Lock()
		u.release()
		if u.body != 0 {
			s.aborts = append(s.aborts, u.body)
		}
		s.mu.Unlock()
		s.wake()
	}
	if u.flying == nil {
		abort()
		return
	}
	// Its number is known when the writer has answered.
	s.opt.Crash.Go("spool abort", func() {
		select {
		case <-u.flying.done:
		case <-s.closed:
		}
		abort()
	})
}

// abort removes bodies whose record never came.
func (b *batch) abort(bodies []uint64) {
	for _, body := range bodies {
		open := b.tx.Bucket(bucketOpen)
		k := be64(body)
		if open.Get(k) == nil {
			continue // its record came after all
		}
		if b.fail(dropBody(b.tx, body)) || b.fail(open.Delete(k)) {
			return
		}
	}
}

func pieceKey(body uint64, number uint32) []byte {
	return binary.BigEndian.AppendUint32(be64(body), number)
}

// dropBody removes the pieces of a body.
func dropBody(tx *bolt.Tx, body uint64) error {
	bucket := tx.Bucket(bucketPieces)
	for number := uint32(0); ; number++ {
		k := pieceKey(body, number)
		if bucket.Get(k) == nil {
			return nil
		}
		if err := bucket.Delete(k); err != nil {
			return err
		}
	}
}

package spool

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/cursor"
	"greenroom/tunnel/wire"
)

const (
	// PieceSize is how much of a body is held in memory and written at a time.
	PieceSize = 256 << 10
	// smallSize is the largest body in the record itself.
	smallSize = 16 << 10
	// headRoom is reserved for a record until its size is known.
	headRoom = 1 << 10
	// firstSize is the first buffer of a body, which grows fourfold up to PieceSize. It is enough for a webhook, and is granted
	// however much memory others have.
	firstSize = 16 << 10
	// tokenShare divides the memory: the hooks of one token get at most one in tokenShare.
	tokenShare = 4
)

var (
	errMore      = errors.New("spool: a body is longer than was announced")
	errCancelled = errors.New("spool: the request was cancelled")
)

// Put reads a body and stores the request, and returns its position once it is durable. It sets Epoch, Seq, Length and SHA256 of
// e; size is the length that the sender announced, or -1.
//
// It fails with [ErrQuota], [ErrNotFound] for the hook, [ErrBusy], [ErrClosed], the body's own error or the disk's; then nothing
// is stored. If ctx ends at the last moment, it is unknown whether it was stored.
func (s *Spool) Put(ctx context.Context, e wire.EventBody, body io.Reader, size int64) (cursor.Position, error) {
	if s.opt.Plain {
		return cursor.Position{}, ErrClosed
	}
	u := &upload{s: s, ctx: ctx, e: e}
	p, err := u.run(body, size)
	if err != nil {
		u.cancel()
	}
	return p, err
}

// upload is a Put under way.
type upload struct {
	s   *Spool
	ctx context.Context
	e   wire.EventBody
	// body is its number among the pieces, 0 without pieces; only the writer sets it, before it answers.
	body uint64
	next uint32 // number of the next piece
	held int64  // what is reserved for it
	// memory is its buffer's part of the token's share.
	token  string
	memory int
	// flying is the piece that is being written while the next is read.
	flying *op
}

func (u *upload) run(body io.Reader, size int64) (cursor.Position, error) {
	if err := u.reserve(headRoom, max(size, 0)); err != nil {
		return cursor.Position{}, err
	}
	defer u.free()
	hash := sha256.New()
	for {
		buf, n, ended, err := u.fill(body)
		switch {
		case err != nil:
			return cursor.Position{}, err
		case size >= 0 && u.e.Length+int64(n) > size:
			return cursor.Position{}, errMore
		case ended && size >= 0 && u.e.Length+int64(n) != size:
			return cursor.Position{}, io.ErrUnexpectedEOF
		}
		hash.Write(buf[:n])
		u.e.Length += int64(n)
		if !ended {
			if err := u.piece(buf); err != nil {
				return cursor.Position{}, err
			}
			continue
		}
		hash.Sum(u.e.SHA256[:0])
		return u.finish(buf[:n])
	}
}

// fill reads the next piece, or the rest of the body. Its memory and its part of the hook's share grow with the bytes that
// arrive, so a body that is only announced uses neither. Only [io.EOF] itself is an end: a body that is cut short is an error of
// its own.
func (u *upload) fill(body io.Reader) (b []byte, n int, ended bool, err error) {
	if err := u.grow(firstSize); err != nil {
		return nil, 0, false, err
	}
	b = make([]byte, firstSize)
	for {
		k, err := body.Read(b[n:])
		n += k
		if want := u.e.Length + int64(n) + headRoom; want > u.held {
			if err := u.reserve(want-u.held, 0); err != nil {
				return nil, n, false, err
			}
		}
		switch {
		case err == io.EOF:
			return b, n, true, nil
		case err != nil:
			return nil, n, false, err
		case n == PieceSize:
			return b, n, false, nil
		case n == len(b):
			if err := u.grow(3 * n); err != nil {
				return nil, n, false, err
			}
			b = append(make([]byte, 0, 4*n), b...)[:4*n]
		}
	}
}

// reserve reserves bytes of the hook's share, if more could be reserved after them.
func (u *upload) reserve(n, more int64) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	h := u.s.hooks[u.e.Hook]
	if h == nil {
		return ErrNotFound
	}
	if h.state.Bytes+h.reserved+n+more > u.s.opt.Quota {
		return ErrQuota
	}
	h.reserved += n
	u.held += n
	return nil
}

// grow allocates a buffer, within the limits of all uploads together and of one token.
func (u *upload) grow(n int) error {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	if u.token == "" {
		h := u.s.hooks[u.e.Hook]
		if h == nil {
			return ErrNotFound
		}
		u.token = h.Token
	}
	m := &u.s.memory
	if n > firstSize && (m.all+n > u.s.opt.Memory || m.byToken[u.token]+n > u.s.opt.Memory/tokenShare) {
		return ErrBusy
	}
	m.add(u.token, n)
	u.memory += n
	return nil
}

// free returns the memory that no piece under way uses.
func (u *upload) free() {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.s.memory.add(u.token, -u.memory)
	u.memory = 0
}

// memory is the bytes of bodies in uploads.
type memory struct {
	all     int
	byToken map[string]int
}

func (m *memory) add(token string, n int) {
	m.all += n
	if m.byToken[token] += n; m.byToken[token] == 0 {
		delete(m.byToken, token)
	}
}

// release returns the reserved bytes. The spool's lock is held.
func (u *upload) release() {
	if h := u.s.hooks[u.e.Hook]; h != nil {
		h.reserved -= u.held
	}
	u.held = 0
}

// piece passes a piece to the writer once the one before it is written.
func (u *upload) piece(b []byte) error {
	if err := u.land(); err != nil {
		return err
	}
	number, token, mine := u.next, u.token, u.memory
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
			u.body = 0 // the number was not used, and will be given to another
		}
		u.s.memory.add(token, -mine)
	}
	if err := u.s.enqueue(o); err != nil {
		return err
	}
	u.flying, u.memory = o, 0
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
func (u *upload) finish(tail []byte) (cursor.Position, error) {
	if err := u.land(); err != nil {
		return cursor.Position{}, err
	}
	age := u.s.age()
	o := &op{size: len(tail) + headRoom}
	o.apply = func(t *batch) error {
		st := t.state(u.e.Hook)
		if st == nil {
			return ErrNotFound
		}
		if u.body != 0 && t.tx.Bucket(bucketOpen).Get(be64(u.body)) == nil {
			return errCancelled
		}
		to := st.next(u.s.epoch)
		u.e.Epoch, u.e.Seq = to.Epoch, to.Seq // the writer's until it has answered
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
		if t.fail(events.Put(key(to.Epoch, to.Seq), appendRecord(nil, r))) {
			return nil
		}
		st.Depth++
		st.Bytes += weight(r.event, u.e.Length)
		t.fresh[u.e.Hook] = true
		return nil
	}
	o.settled = func(error) { u.release() }
	if err := u.s.do(u.ctx, o); err != nil {
		return cursor.Position{}, err
	}
	return u.e.Position, nil
}

// cancel lets the writer remove the pieces that were written.
func (u *upload) cancel() {
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

// abort removes bodies without a record.
func (b *batch) abort(bodies []uint64) {
	for _, body := range bodies {
		open := b.tx.Bucket(bucketOpen)
		k := be64(body)
		if open.Get(k) == nil {
			continue // its record exists after all
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

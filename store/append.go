package store

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
)

// slowWait is how long a rejected delivery may wait for another commit. It limits the disk writes of a flood of forged requests.
const slowWait = 50 * time.Millisecond

// Effect applies the changes of a delivery or a call. It runs in the writer's goroutine and must not block. An error undoes the
// changes of this effect only.
type Effect func(*Tx) error

// Entry is one delivery to append.
type Entry struct {
	Delivery app.Delivery
	// Effect is applied unless the delivery repeats an earlier one; nil changes nothing. It may set the delivery's Meeting, Room
	// and so on through its pointer.
	Effect func(*Tx, *app.Delivery) error
	// Position is stored in the same transaction if its Hook is set. An entry at or before the stored position is not stored
	// again.
	Position cursor.Position
	// Keep selects what is stored.
	Keep Keep
	// Once, if it isn't zero, identifies the delivery: a second one is not stored.
	Once [16]byte
}

// Keep selects what is stored of an [Entry].
type Keep int

// The delivery with its effect, a record in the ring of rejected ones, or only the position.
const (
	KeepWhole Keep = iota
	KeepInRing
	// KeepStray is KeepInRing for requests that anyone can send: without a signature, or for no account.
	KeepStray
	// KeepCaught and KeepUncaught store it in a ring of the catch that its account names: accepted, or rejected.
	KeepCaught
	KeepUncaught
	KeepPosition
)

// Appended is the result for an [Entry].
type Appended struct {
	// Delivery has its sequence number; it is zero if only the position was stored.
	Delivery app.Delivery
	// Known means that the entry's position had been passed already, or that its Once was stored before; nothing was stored now.
	Known bool
	// Err means that it was not stored.
	Err error
}

// item is a queued entry.
type item struct {
	Entry
	blob []byte
	got  Appended
}

func newItem(e Entry) (*item, error) {
	it := &item{Entry: e}
	if e.Keep == KeepPosition {
		return it, nil
	}
	var err error
	it.blob, err = encodeBlob(e.Delivery)
	return it, err
}

// write is the unit that a commit includes whole or not at all: deliveries in order, an effect, or a task on the file.
type write struct {
	items    []*item
	effect   Effect
	maintain func() error // runs alone, between commits

	done  chan error
	state atomic.Int32 // waiting, begun or withdrawn
}

// The states of a write.
const (
	waiting int32 = iota
	begun
	withdrawn
)

// begin reports whether the writer may carry out a write, which then can't be withdrawn.
func (w *write) begin() bool {
	return w.state.CompareAndSwap(waiting, begun) || w.state.Load() == begun
}

// withdraw withdraws a write that has not begun.
func (w *write) withdraw() bool { return w.state.CompareAndSwap(waiting, withdrawn) }

// Append stores a delivery and its effect in one transaction with other waiting writes, and returns the delivery with its
// sequence number once that is durable. A delivery with a known provider id is stored as a duplicate and has no effect; if its
// effect fails, it is stored as unapplied with the reason.
//
// It fails with [ErrBusy] if the queue is full, [ErrClosed], or the disk's error; then nothing was stored. If ctx ends while the
// write waits, it is withdrawn; a write that has begun is waited for.
func (s *Store) Append(ctx context.Context, e Entry) (app.Delivery, error) {
	return s.one(ctx, s.queue, e)
}

// one writes one entry by a queue.
func (s *Store) one(ctx context.Context, queue chan *write, e Entry) (app.Delivery, error) {
	it, err := newItem(e)
	if err == nil {
		err = s.enqueue(ctx, queue, &write{items: []*item{it}, done: make(chan error, 1)})
	}
	if err = cmp.Or(err, it.got.Err); err != nil {
		return app.Delivery{}, err
	}
	return it.got.Delivery, nil
}

// AppendBatch is Append for several entries, in order and in one transaction: either all of them are stored, or an error is
// returned. Only if the record of a meeting is damaged does each get a transaction of its own; then the first one that fails, and
// all after it, have an Err and were not stored.
func (s *Store) AppendBatch(ctx context.Context, entries []Entry) ([]Appended, error) {
	if len(entries) == 0 {
		return nil, ctx.Err()
	}
	w := &write{done: make(chan error, 1)}
	for _, e := range entries {
		it, err := newItem(e)
		if err != nil {
			return nil, err
		}
		w.items = append(w.items, it)
	}
	if err := s.enqueue(ctx, s.queue, w); err != nil {
		return nil, err
	}
	out := make([]Appended, len(w.items))
	for i, it := range w.items {
		out[i] = it.got
	}
	return out, nil
}

// Reject stores a delivery whose verdict isn't verified in a ring of bounded size. It joins other commits or waits a little, so
// that forgeries cost the disk almost nothing; if too many wait it is dropped, counted and reported with [ErrBusy].
func (s *Store) Reject(ctx context.Context, d app.Delivery) (app.Delivery, error) {
	return s.reject(ctx, Entry{Delivery: d, Keep: KeepInRing})
}

// RejectStray is Reject for requests that anyone can send.
func (s *Store) RejectStray(ctx context.Context, d app.Delivery) (app.Delivery, error) {
	return s.reject(ctx, Entry{Delivery: d, Keep: KeepStray})
}

// RejectUncaught is Reject for a request that a catch rejects.
func (s *Store) RejectUncaught(ctx context.Context, d app.Delivery) (app.Delivery, error) {
	return s.reject(ctx, Entry{Delivery: d, Keep: KeepUncaught})
}

func (s *Store) reject(ctx context.Context, e Entry) (app.Delivery, error) {
	d, err := s.one(ctx, s.slow, e)
	if errors.Is(err, ErrBusy) {
		s.dropped.Add(1)
	}
	return d, err
}

// Update applies an effect in one transaction with other waiting writes, and returns once it is durable. It returns the effect's
// own error unchanged; then nothing was changed.
func (s *Store) Update(ctx context.Context, f Effect) error {
	w := &write{effect: f, done: make(chan error, 1)}
	return s.enqueue(ctx, s.queue, w)
}

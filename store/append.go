package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// slowWait is how long a rejected delivery may wait for a commit that is made for something else. It bounds how often a
// flood of forged requests can make the disk turn.
const slowWait = 50 * time.Millisecond

// Effect is what a delivery or a call changes. It runs in the writer's goroutine and must not block. An error undoes
// what this effect wrote and nothing else.
type Effect func(*Tx) error

// Position is how far a tunnel's record stream was stored.
type Position struct {
	Hook  string `json:"hook"`
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// Entry is one delivery to append.
type Entry struct {
	Delivery app.Delivery
	// Effect is applied unless the delivery repeats an earlier one; nil changes nothing. It may fill in the delivery's
	// Meeting, Room and so on through the pointer it is given.
	Effect func(*Tx, *app.Delivery) error
	// Position is stored with the delivery when its Hook is set.
	Position Position
}

type write struct {
	entry    *Entry
	effect   Effect
	rejected bool
	maintain func() error // runs alone, between commits
	blob     []byte

	done chan error
	got  app.Delivery
}

// Append stores a delivery and its effect in one transaction with whatever else waits, and returns the delivery with
// its sequence number once that is durable. A delivery whose provider id was seen before is stored as a duplicate and
// has no effect; one whose effect fails is stored as unapplied with the reason.
//
// It fails with [ErrBusy] when the queue is full, [ErrClosed], or the disk's error; then nothing was stored. When ctx
// ends while the write waits, whether it was stored is not known.
func (s *Store) Append(ctx context.Context, e Entry) (app.Delivery, error) {
	blob, err := encodeBlob(e.Delivery)
	if err != nil {
		return app.Delivery{}, err
	}
	w := &write{entry: &e, blob: blob, done: make(chan error, 1)}
	if err := s.enqueue(ctx, s.queue, w); err != nil {
		return app.Delivery{}, err
	}
	return w.got, nil
}

// Reject stores a delivery whose verdict isn't verified in a ring of bounded size. It takes part in commits made for
// other things or waits a little, so that forgeries cost the disk next to nothing; when too many wait it is dropped,
// counted and reported with [ErrBusy].
func (s *Store) Reject(ctx context.Context, d app.Delivery) (app.Delivery, error) {
	blob, err := encodeBlob(d)
	if err != nil {
		return app.Delivery{}, err
	}
	w := &write{entry: &Entry{Delivery: d}, blob: blob, rejected: true, done: make(chan error, 1)}
	if err := s.enqueue(ctx, s.slow, w); err != nil {
		if errors.Is(err, ErrBusy) {
			s.dropped.Add(1)
		}
		return app.Delivery{}, err
	}
	return w.got, nil
}

// Update applies an effect in one transaction with whatever else waits, and returns once it is durable. The effect's
// own error is returned as it is, with nothing changed.
func (s *Store) Update(ctx context.Context, f Effect) error {
	w := &write{effect: f, done: make(chan error, 1)}
	return s.enqueue(ctx, s.queue, w)
}

func (s *Store) enqueue(ctx context.Context, queue chan *write, w *write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case queue <- w:
	default:
		return ErrBusy
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		// The writer has ended; it may have answered just before.
		select {
		case err := <-w.done:
			return err
		default:
			return ErrClosed
		}
	}
}

// run is the writer: it takes what waits, up to a batch, commits it at once, and answers.
func (s *Store) run() {
	defer close(s.closed)
	var slow []*write
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	var due <-chan time.Time
	retain := time.NewTicker(retainEvery)
	defer retain.Stop()
	for {
		var batch []*write
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		case w := <-s.slow:
			slow = append(slow, w)
			if due == nil {
				timer.Reset(slowWait)
				due = timer.C
			}
			if len(slow) < s.opt.Batch {
				continue
			}
		case <-due:
		case <-retain.C:
			s.retain()
			continue
		case <-s.closing:
			s.drain(slow)
			return
		}
		batch = s.take(s.queue, batch, s.opt.Batch)
		slow = s.take(s.slow, slow, s.opt.Batch)
		s.commit(append(batch, slow...))
		slow, due = nil, nil
		timer.Stop()
	}
}

func (s *Store) take(queue chan *write, batch []*write, most int) []*write {
	for len(batch) < most {
		select {
		case w := <-queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

func (s *Store) drain(slow []*write) {
	for {
		batch := s.take(s.queue, slow, s.opt.Batch)
		batch = s.take(s.slow, batch, s.opt.Batch)
		slow = nil
		if len(batch) == 0 {
			return
		}
		s.commit(batch)
	}
}

// errAlone says that the commit failed for a reason that may lie in one of its effects.
var errAlone = errors.New("store: an effect cannot be settled")

// commit writes a batch in one transaction, publishes its changes and answers its callers.
func (s *Store) commit(batch []*write) {
	batch = slices.DeleteFunc(batch, func(w *write) bool {
		if w.maintain == nil {
			return false
		}
		w.done <- apply(w.maintain)
		return true
	})
	if len(batch) == 0 {
		return
	}
	changes, results, err := s.write(batch, true)
	if errors.Is(err, errAlone) && len(batch) > 1 {
		for _, w := range batch {
			s.commit([]*write{w})
		}
		return
	}
	if errors.Is(err, errAlone) {
		reason := err
		if changes, results, err = s.write(batch, false); err == nil && batch[0].effect != nil {
			results[0] = reason
		}
	}
	if err == nil && s.opt.OnCommit != nil && len(changes) > 0 {
		s.opt.OnCommit(changes)
	}
	for i, w := range batch {
		if err != nil {
			w.done <- fmt.Errorf("store: write: %w", err)
			continue
		}
		w.done <- results[i]
	}
}

// write is one transaction. Without effects it stores the deliveries as unapplied.
func (s *Store) write(batch []*write, effects bool) (changes []app.Change, results []error, err error) {
	results = make([]error, len(batch))
	err = apply(func() error {
		return s.db.Update(func(b *bolt.Tx) error {
			touched := make(map[string][]roster.Stay)
			rows, err := s.openRows(b)
			if err != nil {
				return err
			}
			for i, w := range batch {
				tx := &Tx{b: b, store: s, over: make(map[string]map[string][]byte)}
				if w.entry == nil {
					if !effects {
						continue
					}
					if results[i] = apply(func() error { return w.effect(tx) }); results[i] != nil {
						continue
					}
				} else if err := s.writeDelivery(tx, rows, w, effects); err != nil {
					return err
				}
				if err := tx.flush(); err != nil {
					return err
				}
				changes = append(changes, tx.changes...)
				for id, stays := range tx.stays {
					touched[id] = append(touched[id], stays...)
				}
				maps.Copy(s.dirty, tx.meetings)
				if w.entry != nil {
					d := w.got
					d.Headers, d.Body = nil, nil
					changes = append(changes, app.Change{Kind: app.DeliveryChange, Delivery: &d})
				}
			}
			last := &Tx{b: b, store: s, over: make(map[string]map[string][]byte)}
			settled, err := last.settle(s.warm, touched)
			if err != nil {
				return fmt.Errorf("%w: %w", errAlone, err)
			}
			changes = append(changes, settled...)
			if err := last.flush(); err != nil {
				return err
			}
			return rows.flush()
		})
	})
	clear(s.dirty)
	if err != nil {
		clear(s.warm)
		return nil, results, err
	}
	s.commits.Add(1)
	return changes, results, err
}

func (s *Store) writeDelivery(tx *Tx, rows *rows, w *write, effects bool) error {
	d := w.entry.Delivery
	d.Seq = rows.next()
	if w.rejected {
		w.got = d
		return s.writeRing(tx.b, d, w.blob)
	}
	hash := seenHash(d.Account, d.ProviderID)
	if d.ProviderID != "" {
		d.DuplicateOf = app.Seq(rows.seen(hash))
	}
	if d.DuplicateOf != 0 {
		if first, err := tx.row(uint64(d.DuplicateOf)); err == nil { // retention may have dropped it
			d.Meeting, d.Room = first.Meeting, first.Room
		}
	} else if d.ProviderID != "" {
		if err := rows.see(hash, d.Seq); err != nil {
			return err
		}
	}
	if d.DuplicateOf == 0 && w.entry.Effect != nil {
		was, err := d, errors.New("the record of the meeting is damaged")
		if effects {
			err = apply(func() error { return w.entry.Effect(tx, &d) })
		}
		if err != nil {
			*tx = Tx{b: tx.b, store: s, over: make(map[string]map[string][]byte)}
			d = was
			d.Unapplied = err.Error()
		}
	}
	if p := w.entry.Position; p.Hook != "" {
		if err := tx.putJSON(bucketPositions, p.Hook, p); err != nil {
			return err
		}
	}
	w.got = d
	return rows.add(d, w.blob)
}

// apply turns a panic of an effect into its error: one event that is not understood must not stop the others.
func apply(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

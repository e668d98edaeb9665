package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// run is the writer: it collects waiting writes, up to a batch, commits them, and answers.
func (s *Store) run() {
	defer close(s.closed)
	var slow []*write
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	var due <-chan time.Time
	soon := false       // due is soonWait after a write
	var wrote time.Time // when the last batch with a write that doesn't wait was committed
	merge := time.NewTimer(time.Hour)
	merge.Stop()
	var merging time.Time // since when a batch has waited for that, zero while none does
	logged := int64(0)    // the log's length when the timer was set
	quiet := false        // the last batch had only writes that may wait
	crowd := 0            // for how many writes the next batch waits, see gather
	retain := time.NewTicker(retainEvery)
	defer retain.Stop()
	for {
		switch {
		case s.open == nil && !merging.IsZero():
			merge.Stop()
			merging = time.Time{}
		case s.open != nil && merging.IsZero():
			merging, logged = time.Now(), 0
			switch {
			case s.log.full:
				merge.Reset(s.log.again)
			case quiet:
				merge.Reset(mergeQuietly)
			default:
				merge.Reset(mergeAfter)
			}
		}
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
		case w := <-s.soon:
			slow = append(slow, w)
			if time.Since(wrote) < soonAfter && len(slow) < s.opt.Batch {
				if !soon {
					timer.Reset(soonWait)
					due, soon = timer.C, true
				}
				continue
			}
		case <-due:
		case done := <-s.reads:
			_ = s.merge() // if the disk refuses it, the reader gets what is in the file
			close(done)
			continue
		case done := <-s.laterReads:
			if s.open == nil {
				close(done)
			} else {
				s.patient = append(s.patient, done)
			}
			continue
		case <-merge.C:
			fills := s.log.fills(logged)
			s.busy.Store(fills)
			if fills && time.Since(merging) < mergeAtLast {
				logged = s.log.at
				merge.Reset(mergeAfter)
				continue
			}
			merging = time.Time{}
			_ = s.merge() // what was acknowledged is in the log
			continue
		case <-retain.C:
			s.retain()
			continue
		case <-s.closing:
			s.drain(slow)
			s.keepAge(ageAtClose)
			s.end()
			return
		}
		batch = s.gather(batch, crowd)
		crowd = len(batch)
		slow = s.take(s.slow, s.take(s.soon, slow, s.opt.Batch), s.opt.Batch)
		quiet = len(batch) == 0
		s.commit(append(batch, slow...))
		if !quiet {
			wrote = time.Now()
			crowd = (crowd + len(s.queue)) / 2
		}
		slow, due, soon = nil, nil, false
		timer.Stop()
	}
}

// end merges, and leaves the log where that isn't possible.
func (s *Store) end() {
	var err error
	if s.failed.Load() == nil {
		err = s.merge()
	}
	merged := err == nil && s.failed.Load() == nil
	if !merged {
		s.log.at = 0 // nothing is carried out again
		_ = s.abandon()
	}
	s.log.close(merged)
}

// errUnsettled is why a delivery is unapplied whose effect can't be settled.
var errUnsettled = errors.New("the record of the meeting is damaged")

// errAlone means that the commit failed for a reason that may be in one of its effects.
var errAlone = errors.New("store: an effect cannot be settled")

// commit writes a batch in one transaction, publishes its changes and answers its callers.
func (s *Store) commit(batch []*write) {
	batch = slices.DeleteFunc(batch, func(w *write) bool {
		if !w.begin() {
			return true
		}
		if w.maintain == nil {
			return false
		}
		err := s.merge()
		if err == nil {
			err = s.apply(w.maintain)
		}
		w.done <- err
		return true
	})
	if len(batch) == 0 {
		return
	}
	changes, results, err := s.write(batch, true)
	if errors.Is(err, errAlone) && s.log.at > redoStep {
		_ = s.merge() // or all of the log would be carried out again after each effect that can't be settled
	}
	if errors.Is(err, errAlone) && len(batch) > 1 {
		for _, w := range batch {
			s.commit([]*write{w})
		}
		return
	}
	if errors.Is(err, errAlone) && len(batch[0].items) > 1 {
		s.commitEach(batch[0])
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
	if err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrFailed) && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("store: write: %w", err)
	}
	for i, w := range slices.Backward(batch) { // the goroutine that is woken last runs first; it should be one that answers a webhook
		if err != nil {
			w.done <- err
			continue
		}
		w.done <- results[i]
	}
}

// commitEach gives each delivery of a write its own transaction, up to the first that can't be stored: a position must never
// cover a delivery that isn't stored.
func (s *Store) commitEach(w *write) {
	for i, it := range w.items {
		one := &write{items: []*item{it}, done: make(chan error, 1)}
		s.commit([]*write{one})
		err := <-one.done
		if err == nil {
			continue
		}
		for _, it := range w.items[i:] {
			it.got.Err = err
		}
		break
	}
	w.done <- nil
}

// write is one transaction. Without effects it stores the deliveries as unapplied.
func (s *Store) write(batch []*write, effects bool) (changes []app.Change, results []error, err error) {
	results = make([]error, len(batch))
	err = s.stage(func(b *bolt.Tx) error {
		c := &commit{s: s, b: b, effects: effects, positions: openPositions(s, b), touched: make(map[string][]*roster.Stay)}
		var err error
		if c.rows, err = s.openRows(b); err != nil {
			return err
		}
		for i, w := range batch {
			if w.effect != nil && effects {
				tx := c.tx()
				if results[i] = s.apply(func() error { return w.effect(tx) }); results[i] == nil {
					err = c.keep(tx)
				} else if errors.Is(results[i], ErrDamaged) {
					err = results[i]
				}
			}
			for _, it := range w.items {
				if err == nil {
					err = c.deliver(it)
				}
			}
			if err != nil {
				return err
			}
		}
		last := c.tx()
		settled, err := last.settle(s.warm, c.touched)
		if err != nil {
			return fmt.Errorf("%w: %w", errAlone, err)
		}
		s.warm.forget(c.touched, s.whole)
		changes = append(c.changes, settled...)
		if err := last.flush(); err != nil {
			return err
		}
		if err := c.positions.flush(); err != nil {
			return err
		}
		if err := c.rows.flush(); err != nil {
			return err
		}
		for _, a := range c.tried { // they are counted with their segments, which have been written
			if err := s.writeAttempt(b, a); err != nil {
				return err
			}
		}
		return s.age.put(&s.log.record, b, s.opt.Running())
	})
	clear(s.dirty)
	if err != nil {
		clear(s.warm)
		return nil, results, err
	}
	s.commits.Add(1)
	s.tail.keep(batch)
	return changes, results, nil
}

// update runs one transaction of its own on the file, on the terms of [Store.stage].
func (s *Store) update(f func(*bolt.Tx) error) error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	if err := s.db.There(s.opt.Path); err != nil {
		return err
	}
	if err := s.merge(); err != nil {
		return err
	}
	committing := false
	err := kind.Guard(s.opt.Path, func() error {
		return s.db.Update(func(b *bolt.Tx) error {
			err := f(b)
			committing = err == nil
			return err
		})
	})
	switch {
	case err == nil:
		return s.db.There(s.opt.Path)
	case errors.Is(err, ErrDamaged):
		s.fail(err)
	case committing && !refused(err):
		err = diskFailed(err)
		s.fail(err)
	}
	return err
}

// refused reports whether a commit ended before its sync, with the file unchanged: for example on a full disk. The state after a
// failed sync is unknown.
func refused(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" || strings.HasPrefix(err.Error(), "file resize error")
}

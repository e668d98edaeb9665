package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A batch waits for mergeAfter until it is merged, see redo.go. A merge holds all up, the longer the more there is to merge. Where the
// log fills up so fast that a merge every mergeAfter would concern more than a few deliveries in a hundred, it waits until the log is
// full, but no longer than mergeAtLast. A batch of nothing but writes that may wait, such as the outcomes of forwards, waits for
// mergeQuietly: rare webhooks would otherwise often meet the merge of the one before.
const (
	mergeAfter   = 100 * time.Millisecond
	mergeQuietly = time.Second
	mergeAtLast  = 2 * time.Second
	mergeAgain   = 5 * time.Second // after one that was refused
	fastShare    = 30              // of the log, within mergeAfter
)

// stage carries out a batch and makes it durable: in the redo log, or by merging. It succeeds only if the store's file has its
// name. After damage, or a failure that leaves the disk's state unknown, it always fails.
func (s *Store) stage(f func(*bolt.Tx) error) error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	if err := s.db.There(s.opt.Path); err != nil {
		return err
	}
	s.log.begin()
	defer func() { s.log.last = time.Now() }()
	err := s.inOpen(f)
	if err != nil {
		return errors.Join(err, s.abandon())
	}
	if !s.log.ready() {
		if err := s.merge(); err != nil {
			return err
		}
		return s.db.There(s.opt.Path)
	}
	if synced, err := s.log.append(!s.db.NoSync); err != nil {
		if !synced {
			err = diskFailed(err)
			s.fail(err)
		}
		return errors.Join(err, s.abandon())
	}
	s.unmerged.Store(true)
	return s.db.There(s.opt.Path)
}

// inOpen runs f in the open transaction, and begins one where there is none.
func (s *Store) inOpen(f func(*bolt.Tx) error) error {
	err := kind.Guard(s.opt.Path, func() (err error) {
		if s.open == nil {
			if s.open, err = s.db.Begin(true); err != nil {
				return err
			}
		}
		return f(s.open)
	})
	if errors.Is(err, ErrDamaged) {
		s.fail(err)
	}
	return err
}

// release lets the patient readers read. If the disk refused the merge, they get what is in the file.
func (s *Store) release() {
	for _, done := range s.patient {
		close(done)
	}
	s.patient = nil
}

// merge commits the open transaction. If the disk refuses that, the batches in the log remain there.
func (s *Store) merge() error {
	if s.open == nil {
		return nil
	}
	defer s.release()
	tx, committing := s.open, false
	var epoch []byte
	err := kind.Guard(s.opt.Path, func() (err error) {
		if err = s.recent.flush(); err != nil {
			return err
		}
		if epoch, err = newEpoch(tx); err != nil {
			return err
		}
		committing = true
		return tx.Commit()
	})
	if err == nil {
		s.open = nil
		s.unmerged.Store(false)
		if s.log.full {
			s.commits.Add(1) // since the last one, readers saw less
		}
		s.log.restart(epoch)
		return nil
	}
	switch {
	case errors.Is(err, ErrDamaged):
		s.fail(err)
	case committing && !refused(err):
		err = diskFailed(err)
		s.fail(err)
	default:
		s.log.full = true
	}
	return errors.Join(err, s.abandon())
}

func diskFailed(err error) error {
	return fmt.Errorf("%w during a write (%w): fix the disk, then restart Greenroom", ErrFailed, err)
}

// abandon undoes the open transaction, and then carries out the batches in the log again, unless writing has ended.
func (s *Store) abandon() error {
	clear(s.warm)
	clear(s.recent.rows)
	var err error
	if tx := s.open; tx != nil {
		s.open = nil
		if err = kind.Guard(s.opt.Path, func() error { _ = tx.Rollback(); return nil }); err != nil { // after Commit it is done
			s.fail(err)
		}
	}
	if !s.log.pending() || s.failed.Load() != nil {
		s.unmerged.Store(false)
		s.release()
		return err
	}
	s.unmerged.Store(true)
	err = s.inOpen(func(b *bolt.Tx) error {
		end, _, err := s.log.replay(b)
		if err == nil && end < s.log.at {
			err = errRecord
		}
		return err
	})
	if err != nil {
		err = diskFailed(err)
		s.fail(err)
		return errors.Join(err, s.abandon())
	}
	return nil
}

// recover merges the batches that the log has and the file lacks: the last process ended before it merged them.
func (s *Store) recover() error {
	err := s.db.View(func(b *bolt.Tx) error {
		if meta := b.Bucket(bucketMeta); meta != nil && schemaOf(b) <= schema {
			s.log.epoch = bytes.Clone(meta.Get(keyEpoch))
		}
		return nil
	})
	if err != nil || len(s.log.epoch) != 16 {
		s.log.epoch = nil
		return err
	}
	if s.opt.ReadOnly {
		return s.log.nothingIn()
	}
	err = s.inOpen(func(b *bolt.Tx) error {
		s.log.at, s.log.sum, err = s.log.replay(b)
		return err
	})
	switch {
	case err != nil:
	case s.log.pending():
		err = s.merge()
	}
	s.log.at = 0
	return errors.Join(err, s.abandon())
}

// nothingIn fails if the log has records that the file lacks: a file that can't be written to can't take them.
func (r *redo) nothingIn() error {
	end, _, err := r.replay(nil)
	if err == nil && end > 0 {
		err = fmt.Errorf("%w: %s has events that aren't in the store yet; open it once where it can be written to", ErrReadOnly, r.path)
	}
	return err
}

// merged waits until everything that was acknowledged can be read. patiently doesn't hasten that.
func (s *Store) merged(ctx context.Context, patiently bool) {
	if !s.unmerged.Load() {
		return
	}
	done, reads := make(chan struct{}), s.reads
	if patiently {
		reads = s.laterReads
	}
	select {
	case reads <- done:
	case <-ctx.Done():
		return
	case <-s.closed:
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	case <-s.closed:
	}
}

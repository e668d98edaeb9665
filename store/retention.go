package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const retainEvery = time.Minute

// retain drops the oldest closed segment when it is past retention, and generations of seen events that are older than seenFor.
// One segment a turn keeps the writer's pauses short. A failure is retried a turn later.
func (s *Store) retain() {
	if s.opt.ReadOnly {
		return
	}
	defer s.keepAge(ageBetween)
	for {
		dropped := false
		err := s.update(func(b *bolt.Tx) error {
			var err error
			now := s.now()
			if dropped, err = s.dropSegment(b, now); err == nil {
				err = dropGenerations(b, now, &dropped)
			}
			if err == nil && !dropped {
				err = errNothing
			}
			return err
		})
		if err != nil {
			return
		}
		if batch := s.take(s.queue, nil, s.opt.Batch); len(batch) > 0 {
			s.commit(batch) // no write waits for more than one segment
		}
	}
}

// errNothing ends a transaction that has no changes.
var errNothing = errors.New("store: nothing to drop")

func (s *Store) dropSegment(b *bolt.Tx, now int64) (bool, error) {
	all := b.Bucket(bucketSegments)
	c := all.Cursor()
	oldest, _ := c.First()
	if last, _ := c.Last(); oldest == nil || bytes.Equal(oldest, last) {
		return false, nil // the open segment stays
	}
	var total uint64
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		total += statOf(all.Bucket(k)).bytes
	}
	oldest, _ = c.First()
	stat := statOf(all.Bucket(oldest))
	fresh := now-int64(s.opt.RetainFor/time.Second) <= stat.aged
	if fresh && total <= uint64(s.opt.RetainBytes) {
		return false, nil
	}
	if err := dropQueued(b, all.Bucket(oldest)); err != nil {
		return false, err
	}
	if err := all.DeleteBucket(bytes.Clone(oldest)); err != nil {
		return false, fmt.Errorf("store: drop a segment: %w", err)
	}
	meta := b.Bucket(bucketMeta)
	rows := un64(meta.Get(keyTotal))
	return true, meta.Put(keyTotal, be64(rows-min(rows, stat.rows)))
}

func dropGenerations(b *bolt.Tx, now int64, dropped *bool) error {
	all := b.Bucket(bucketSeen)
	for {
		// A generation is as young as the beginning of the one after it.
		c := all.Cursor()
		oldest, _ := c.First()
		next, _ := c.Next()
		if oldest == nil || next == nil || time.Unix(now, 0).Sub(time.Unix(0, int64(un64(next)))) < seenFor {
			return nil
		}
		if err := all.DeleteBucket(bytes.Clone(oldest)); err != nil {
			return fmt.Errorf("store: forget old events: %w", err)
		}
		*dropped = true
	}
}

package store

import (
	"bytes"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

const retainEvery = time.Minute

// retain drops the oldest closed segment when it is past retention, and generations of seen events that are older than
// seenFor. One segment a turn keeps the writer's pauses short. A failure is tried again a turn later.
func (s *Store) retain() {
	for {
		dropped := false
		err := s.db.Update(func(b *bolt.Tx) error {
			var err error
			if dropped, err = s.dropSegment(b); err != nil {
				return err
			}
			return dropGenerations(b, s.opt.Now())
		})
		if err != nil || !dropped {
			return
		}
		if batch := s.take(s.queue, nil, s.opt.Batch); len(batch) > 0 {
			s.commit(batch) // nobody waits for more than one segment
		}
	}
}

func (s *Store) dropSegment(b *bolt.Tx) (bool, error) {
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
	fresh := s.opt.Now().Add(-s.opt.RetainFor).Unix() <= stat.newest
	if fresh && total <= uint64(s.opt.RetainBytes) {
		return false, nil
	}
	if err := all.DeleteBucket(bytes.Clone(oldest)); err != nil {
		return false, fmt.Errorf("store: drop a segment: %w", err)
	}
	meta := b.Bucket(bucketMeta)
	rows := un64(meta.Get(keyTotal))
	return true, meta.Put(keyTotal, be64(rows-min(rows, stat.rows)))
}

func dropGenerations(b *bolt.Tx, now time.Time) error {
	all := b.Bucket(bucketSeen)
	for {
		// A generation is as young as the beginning of the one after it.
		c := all.Cursor()
		oldest, _ := c.First()
		next, _ := c.Next()
		if oldest == nil || next == nil || now.Sub(time.Unix(0, int64(un64(next)))) < seenFor {
			return nil
		}
		if err := all.DeleteBucket(bytes.Clone(oldest)); err != nil {
			return fmt.Errorf("store: forget old events: %w", err)
		}
	}
}

package store

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
)

// Rejected deliveries are kept in a ring of their own, bounded in rows and bytes, so that strangers who know the URL
// can fill neither the disk nor the history.
var (
	keyRingRows  = []byte("ring-rows")
	keyRingBytes = []byte("ring-bytes")
)

func (s *Store) writeRing(b *bolt.Tx, d app.Delivery, blob []byte) error {
	row, err := encodeRow(d)
	if err != nil {
		return err
	}
	ring, meta := b.Bucket(bucketRing), b.Bucket(bucketMeta)
	rowB, err := ring.CreateBucketIfNotExists(keyRows)
	if err != nil {
		return fmt.Errorf("store: open the ring: %w", err)
	}
	bodyB, err := ring.CreateBucketIfNotExists(keyBodies)
	if err != nil {
		return fmt.Errorf("store: open the ring: %w", err)
	}
	n, size := un64(meta.Get(keyRingRows)), un64(meta.Get(keyRingBytes))
	key := be64(d.Seq)
	if err := rowB.Put(key, row); err != nil {
		return fmt.Errorf("store: write to the ring: %w", err)
	}
	if err := bodyB.Put(key, blob); err != nil {
		return fmt.Errorf("store: write to the ring: %w", err)
	}
	n, size = n+1, size+uint64(len(row)+len(blob))
	for n > 1 && (n > uint64(s.opt.RingRows) || size > uint64(s.opt.RingBytes)) {
		oldest, v := rowB.Cursor().First()
		size -= uint64(len(v) + len(bodyB.Get(oldest)))
		n--
		oldest = append([]byte(nil), oldest...)
		if err := rowB.Delete(oldest); err != nil {
			return fmt.Errorf("store: trim the ring: %w", err)
		}
		if err := bodyB.Delete(oldest); err != nil {
			return fmt.Errorf("store: trim the ring: %w", err)
		}
	}
	if err := meta.Put(keyRingRows, be64(n)); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	if err := meta.Put(keyRingBytes, be64(size)); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	return nil
}

func ringGet(b *bolt.Tx, key []byte) (row, blob []byte) {
	ring := b.Bucket(bucketRing)
	if ring.Bucket(keyRows) == nil {
		return nil, nil
	}
	return ring.Bucket(keyRows).Get(key), ring.Bucket(keyBodies).Get(key)
}

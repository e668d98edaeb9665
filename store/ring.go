package store

import (
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
)

// Rejected deliveries are stored in separate rings, bounded in rows and bytes, so that strangers who know the URL can fill
// neither the disk nor the history. One ring is for wrong signatures, the other for requests without a signature or for no
// account: a flood of the latter, which costs nothing, never displaces the former.
type ring struct {
	rows, bodies          []byte // the buckets
	countOfRows, countOfB []byte // the counts' names
}

var (
	ringRejected = ring{keyRows, keyBodies, []byte("ring-rows"), []byte("ring-bytes")}
	ringStrays   = ring{[]byte("stray-rows"), []byte("stray-bodies"), []byte("stray-rows"), []byte("stray-bytes")}
	rings        = []ring{ringRejected, ringStrays}
)

// Bounds of the ring of strays.
const (
	strayRows  = 200
	strayBytes = 4 << 20
)

// ringsOf returns all rings.
func ringsOf(b *bolt.Tx) []ring { return append(allCatchRings(b), rings...) }

// ring returns the ring for a kind, with its bounds. account is "catch:NAME" for one of a catch.
func (s *Store) ring(k Keep, account string) (r ring, rows, bytes uint64) {
	name, _ := app.CatchOf(account)
	switch k {
	case KeepStray:
		return ringStrays, strayRows, strayBytes
	case KeepCaught:
		return catchRings(name)[0], uint64(s.opt.RingRows), uint64(s.opt.RingBytes)
	case KeepUncaught:
		return catchRings(name)[1], uint64(s.opt.RingRows), uint64(s.opt.RingBytes)
	}
	return ringRejected, uint64(s.opt.RingRows), uint64(s.opt.RingBytes)
}

func (s *Store) writeRing(b *bolt.Tx, k Keep, d app.Delivery, blob []byte) error {
	row, err := encodeRow(d)
	if err != nil {
		return err
	}
	r, mostRows, mostBytes := s.ring(k, d.Account)
	rec := &s.log.record
	all, meta := rec.in(b.Bucket(bucketRing), bucketRing), rec.in(b.Bucket(bucketMeta), bucketMeta)
	rowB, err := all.inside(r.rows)
	if err != nil {
		return fmt.Errorf("store: open the ring: %w", err)
	}
	bodyB, err := all.inside(r.bodies)
	if err != nil {
		return fmt.Errorf("store: open the ring: %w", err)
	}
	n, size := un64(meta.Get(r.countOfRows)), un64(meta.Get(r.countOfB))
	key := be64(d.Seq)
	if err := rowB.Put(key, row); err != nil {
		return fmt.Errorf("store: write to the ring: %w", err)
	}
	if err := bodyB.Put(key, blob); err != nil {
		return fmt.Errorf("store: write to the ring: %w", err)
	}
	n, size = n+1, size+uint64(len(row)+len(blob))
	for n > 1 && (n > mostRows || size > mostBytes) {
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
	if err := meta.Put(r.countOfRows, be64(n)); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	if err := meta.Put(r.countOfB, be64(size)); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	return nil
}

// ringAttempts is how many attempts of a delivery in a ring are kept: the first ones and the latest. They are part of its row.
const ringAttempts = 6

// writeRingAttempt stores an attempt with a delivery of a ring, unless others have displaced it.
func (s *Store) writeRingAttempt(b *bolt.Tx, a app.Attempt) error {
	rec := &s.log.record
	all, meta, key := b.Bucket(bucketRing), rec.in(b.Bucket(bucketMeta), bucketMeta), be64(a.Seq)
	for _, r := range ringsOf(b) {
		found := all.Bucket(r.rows)
		if found == nil || found.Get(key) == nil {
			continue
		}
		rows := rec.in(found, bucketRing, r.rows)
		was := rows.Get(key)
		d, err := decode[app.Delivery](was)
		if err != nil {
			continue // a damaged row keeps none, and is reported where it is read
		}
		a.Seq = 0
		d.Forwards = append(d.Forwards, a)
		if n := len(d.Forwards); n > ringAttempts {
			d.Forwards = slices.Delete(d.Forwards, ringAttempts/2, n-ringAttempts/2)
		}
		row, err := encodeRow(d)
		if err != nil {
			return err
		}
		size := un64(meta.Get(r.countOfB)) + uint64(len(row)) - uint64(len(was))
		if err := rows.Put(key, row); err != nil {
			return fmt.Errorf("store: keep an attempt: %w", err)
		}
		if err := meta.Put(r.countOfB, be64(size)); err != nil {
			return fmt.Errorf("store: write counts: %w", err)
		}
		return nil
	}
	return nil
}

// ringGet reads a delivery of any ring.
func ringGet(b *bolt.Tx, key []byte) (row, blob []byte) {
	all := b.Bucket(bucketRing)
	for _, r := range ringsOf(b) {
		if rows := all.Bucket(r.rows); rows != nil {
			if row := rows.Get(key); row != nil {
				return row, all.Bucket(r.bodies).Get(key)
			}
		}
	}
	return nil, nil
}

// inRings counts the deliveries of all rings.
func inRings(b *bolt.Tx) (n uint64) {
	for _, r := range ringsOf(b) {
		n += un64(b.Bucket(bucketMeta).Get(r.countOfRows))
	}
	return n
}

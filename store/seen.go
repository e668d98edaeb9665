package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Event ids are remembered in generations, buckets named by their beginning. A new one begins when the last is full or a month
// old; one is dropped when everything in it is older than seenFor. Since hashes land everywhere in a generation, its bounded size
// keeps the number of pages per commit small.
const (
	seenFor        = 180 * 24 * time.Hour
	generationFor  = 30 * 24 * time.Hour
	generationRows = 1 << 18
)

var keySeenRows = []byte("seen-rows") // in the newest generation

// seenHash identifies repeats: 128 bits of a hash of the account and the platform's id of the event.
func seenHash(account, id string) [16]byte {
	sum := sha256.Sum256([]byte(account + "\x00" + id))
	return [16]byte(sum[:16])
}

// recent holds the hashes that the open transaction adds to the newest generation. They are written in their order when it is
// merged: each page that they are on is read and written once.
type recent struct {
	in   *bolt.Bucket
	rows map[[16]byte]uint64
}

func (r *recent) add(to *bucket, hash [16]byte, seq uint64) {
	if r.rows == nil {
		r.rows = make(map[[16]byte]uint64)
	}
	r.in, r.rows[hash] = to.Bucket, seq
	to.rec.add(redoPut, to.path, hash[:], be64(seq))
}

// flush writes the hashes into their generation.
func (r *recent) flush() error {
	for _, hash := range slices.SortedFunc(maps.Keys(r.rows), func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }) {
		if err := r.in.Put(hash[:], be64(r.rows[hash])); err != nil {
			return fmt.Errorf("store: remember events: %w", err)
		}
	}
	clear(r.rows)
	return nil
}

type generations struct {
	recent    *recent
	rec       *record
	all, meta *bolt.Bucket
	now       time.Time
	// old are the earlier generations, newest first; newest is nil until the first addition.
	old    []*bolt.Bucket
	newest *bucket
	count  uint64
	dirty  bool
}

func openGenerations(recent *recent, rec *record, b *bolt.Tx, now time.Time) (*generations, error) {
	g := &generations{recent: recent, rec: rec, all: b.Bucket(bucketSeen), meta: b.Bucket(bucketMeta), now: now}
	c := g.all.Cursor()
	var began time.Time
	var last []byte
	for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
		if began.IsZero() {
			began, last = time.Unix(0, int64(un64(k))), bytes.Clone(k)
		}
		g.old = append(g.old, g.all.Bucket(k))
	}
	g.count = un64(g.meta.Get(keySeenRows))
	if len(g.old) > 0 && g.count < generationRows && now.Sub(began) < generationFor {
		newest := rec.in(g.old[0], bucketSeen, last)
		g.newest, g.old = &newest, g.old[1:]
	}
	return g, nil
}

func (g *generations) find(hash [16]byte) uint64 {
	if seq := g.recent.rows[hash]; seq != 0 {
		return seq
	}
	if g.newest != nil {
		if v := g.newest.Get(hash[:]); v != nil {
			return un64(v)
		}
	}
	for _, b := range g.old {
		if v := b.Get(hash[:]); v != nil {
			return un64(v)
		}
	}
	return 0
}

func (g *generations) add(hash [16]byte, seq uint64) error {
	if g.newest == nil {
		if err := g.recent.flush(); err != nil {
			return err
		}
		// The name is later than every earlier one even if the clock went back.
		name := binary.BigEndian.AppendUint64(nil, uint64(g.now.UnixNano()))
		if last, _ := g.all.Cursor().Last(); last != nil && un64(last) >= un64(name) {
			name = be64(un64(last) + 1)
		}
		b, err := g.all.CreateBucket(name)
		if err != nil {
			return fmt.Errorf("store: remember events: %w", err)
		}
		newest := g.rec.in(b, bucketSeen, name)
		g.newest, g.count = &newest, 0
	}
	g.recent.add(g.newest, hash, seq)
	g.count++
	g.dirty = true
	return nil
}

func (g *generations) flush() error {
	if !g.dirty {
		return nil
	}
	if err := g.rec.in(g.meta, bucketMeta).Put(keySeenRows, be64(g.count)); err != nil {
		return fmt.Errorf("store: remember events: %w", err)
	}
	return nil
}

package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
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

type generations struct {
	all, meta *bolt.Bucket
	now       time.Time
	// old are the earlier generations, newest first; newest is nil until the first addition.
	old    []*bolt.Bucket
	newest *bolt.Bucket
	count  uint64
	dirty  bool
}

func openGenerations(b *bolt.Tx, now time.Time) (*generations, error) {
	g := &generations{all: b.Bucket(bucketSeen), meta: b.Bucket(bucketMeta), now: now}
	c := g.all.Cursor()
	var began time.Time
	for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
		if began.IsZero() {
			began = time.Unix(0, int64(un64(k)))
		}
		g.old = append(g.old, g.all.Bucket(k))
	}
	g.count = un64(g.meta.Get(keySeenRows))
	if len(g.old) > 0 && g.count < generationRows && now.Sub(began) < generationFor {
		g.newest, g.old = g.old[0], g.old[1:]
	}
	return g, nil
}

func (g *generations) find(hash [16]byte) uint64 {
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
		// The name is later than every earlier one even if the clock went back.
		name := binary.BigEndian.AppendUint64(nil, uint64(g.now.UnixNano()))
		if last, _ := g.all.Cursor().Last(); last != nil && un64(last) >= un64(name) {
			name = be64(un64(last) + 1)
		}
		b, err := g.all.CreateBucket(name)
		if err != nil {
			return fmt.Errorf("store: remember events: %w", err)
		}
		g.newest, g.count = b, 0
	}
	if err := g.newest.Put(hash[:], be64(seq)); err != nil {
		return fmt.Errorf("store: remember events: %w", err)
	}
	g.count++
	g.dirty = true
	return nil
}

func (g *generations) flush() error {
	if !g.dirty {
		return nil
	}
	if err := g.meta.Put(keySeenRows, be64(g.count)); err != nil {
		return fmt.Errorf("store: remember events: %w", err)
	}
	return nil
}

package store

import (
	"bytes"
	"context"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// scanBudget is how many rows one text search reads before it returns; the caller continues from there. It limits both the time
// until the first hit is shown and how long a read transaction holds pages back.
const scanBudget = 20_000

// Events lists deliveries without their headers and bodies, newest first, in time proportional to the result. q.Meeting is a
// meeting's id here. A text search may return a short page with More set.
func (s *Store) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	w, err := wantedBy(q)
	if err != nil {
		return app.EventPage{}, err
	}
	needle := []byte(strings.ToLower(q.Grep))
	page := app.EventPage{Events: []app.Delivery{}}
	forward := q.Forward || q.After > 0 && q.Before == 0
	err = s.View(ctx, func(tx *Tx) error {
		budget := scanBudget
		var failed error
		tx.deliveries(&w, forward, func(seq uint64, row []byte, blob func() []byte) bool {
			if budget--; budget < 0 || len(page.Events) == q.Limit {
				page.More = true
				return false
			}
			if budget%512 == 0 && ctx.Err() != nil {
				failed = ctx.Err()
				return false
			}
			page.Next = seq
			if len(needle) > 0 && !bytes.Contains(bytes.ToLower(row), needle) &&
				!bytes.Contains(bytes.ToLower(blob()), needle) {
				return true
			}
			if !w.filter.Empty() {
				e := rawEvent{row: row, blob: blob}
				if matches := w.filter.Match(&e); e.err != nil || !matches {
					failed = e.err
					return failed == nil
				}
			}
			d, err := decode[app.Delivery](row)
			if err != nil {
				failed = err
				return false
			}
			if w.row(&d) {
				if d.Forwards, failed = tx.attempts(seq); failed != nil {
					return false
				}
				page.Events = append(page.Events, d)
			}
			return true
		})
		return failed
	})
	if err != nil {
		return app.EventPage{}, err
	}
	if forward {
		slices.Reverse(page.Events)
	}
	return page, nil
}

// CountEvents counts the deliveries that a query without Grep and Filter selects, by columns only in the segments, which are large;
// the ring is small. q.Meeting is a meeting's id here.
func (t *Tx) CountEvents(q app.EventQuery) (n int) {
	w := wanted(q)
	n = newSegmentIterator(t.b, &w, false).count()
	it := newRingIterator(t.b, &w, false)
	for seq, row, _ := it.next(); seq != 0; seq, row, _ = it.next() {
		if d, err := decode[app.Delivery](row); err == nil && w.row(&d) {
			n++
		}
	}
	return n
}

// deliveries visits the rows with matching columns, of the segments and of the rings, in the order of their numbers.
func (t *Tx) deliveries(w *want, forward bool, visit func(seq uint64, row []byte, blob func() []byte) bool) {
	all := newMerged(newSegmentIterator(t.b, w, forward), newRingIterator(t.b, w, forward), forward)
	for seq, row, blob := all.next(); seq != 0; seq, row, blob = all.next() {
		if !visit(seq, row, blob) {
			return
		}
	}
}

// iterator returns the next row in its direction, or sequence 0 at the end.
type iterator interface {
	next() (seq uint64, row []byte, blob func() []byte)
}

type none struct{}

func (*none) next() (uint64, []byte, func() []byte) { return 0, nil, nil }

type ringIterator struct {
	rows    *bolt.Cursor
	bodies  *bolt.Bucket
	w       *want
	forward bool
	started bool
}

// newRingIterator visits all rings that may have a match.
func newRingIterator(b *bolt.Tx, w *want, forward bool) iterator {
	var out iterator = &none{}
	all := b.Bucket(bucketRing)
	some := allCatchRings(b)
	if w.unverified() {
		some = append(some, rings...)
	}
	for _, r := range some {
		if rows := all.Bucket(r.rows); rows != nil {
			out = newMerged(out, &ringIterator{rows: rows.Cursor(), bodies: all.Bucket(r.bodies), w: w, forward: forward}, forward)
		}
	}
	return out
}

// merged visits the rows of two iterators in the order of their numbers.
type merged struct {
	heads   [2]front
	forward bool
	// last returned the current row: it advances on the next call.
	last *front
}

// front is an iterator with its next row.
type front struct {
	of   iterator
	seq  uint64
	row  []byte
	blob func() []byte
}

func (h *front) step() { h.seq, h.row, h.blob = h.of.next() }

func newMerged(a, b iterator, forward bool) *merged {
	m := &merged{heads: [2]front{{of: a}, {of: b}}, forward: forward}
	for i := range m.heads {
		m.heads[i].step()
	}
	return m
}

func (m *merged) next() (uint64, []byte, func() []byte) {
	if m.last != nil {
		m.last.step()
	}
	first, other := &m.heads[0], &m.heads[1]
	if first.seq == 0 || other.seq != 0 && (other.seq < first.seq) == m.forward {
		first = other
	}
	m.last = first
	return first.seq, first.row, first.blob
}

func (it *ringIterator) next() (uint64, []byte, func() []byte) {
	k, v := it.step()
	if k == nil || !it.w.inRange(un64(k)) {
		return 0, nil, nil
	}
	return un64(k), v, func() []byte { return it.bodies.Get(k) }
}

func (it *ringIterator) step() (k, v []byte) {
	if it.started {
		if it.forward {
			return it.rows.Next()
		}
		return it.rows.Prev()
	}
	it.started = true
	if it.forward {
		return it.rows.Seek(be64(it.w.After + 1))
	}
	return seekBefore(it.rows, it.w.Before)
}

// seekBefore finds the last key below n, or the last of all when n is 0.
func seekBefore(c *bolt.Cursor, n uint64) (k, v []byte) {
	if n == 0 {
		return c.Last()
	}
	if k, _ := c.Seek(be64(n)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// segmentIterator walks segments, their blocks of columns, and the columns in a block.
type segmentIterator struct {
	all      *bolt.Bucket
	segments *bolt.Cursor
	w        *want
	forward  bool
	started  bool

	rows, bodies *bolt.Bucket
	blocks       *bolt.Cursor
	block        []byte
	i            int
	// size is that of an entry in a block, at decodes one.
	size int
	at   func([]byte, int, *filter.Columns)
	row  filter.Columns
}

func newSegmentIterator(b *bolt.Tx, w *want, forward bool) *segmentIterator {
	all := b.Bucket(bucketSegments)
	return &segmentIterator{all: all, segments: all.Cursor(), w: w, forward: forward}
}

func (it *segmentIterator) next() (uint64, []byte, func() []byte) {
	seq := it.find()
	if seq == 0 {
		return 0, nil, nil
	}
	key, bodies := be64(seq), it.bodies
	return seq, it.rows.Get(key), func() []byte { return bodies.Get(key) }
}

// count counts the rest, without reading rows.
func (it *segmentIterator) count() (n int) {
	for it.find() != 0 {
		n++
	}
	return n
}

// find returns the number of the next row whose columns match, 0 at the end.
func (it *segmentIterator) find() uint64 {
	c := &it.row
	for {
		for it.i >= 0 && it.i*it.size < len(it.block) {
			it.at(it.block, it.i, c)
			it.advance()
			if !it.w.inRange(c.Seq) {
				if it.w.Before != 0 && c.Seq >= it.w.Before && it.forward || c.Seq <= it.w.After && !it.forward {
					return 0
				}
				continue
			}
			if it.w.columns(c) {
				return c.Seq
			}
		}
		if !it.nextBlock() {
			return 0
		}
	}
}

func (it *segmentIterator) advance() {
	if it.forward {
		it.i++
	} else {
		it.i--
	}
}

func (it *segmentIterator) nextBlock() bool {
	for {
		var v []byte
		if it.blocks != nil {
			if it.forward {
				_, v = it.blocks.Next()
			} else {
				_, v = it.blocks.Prev()
			}
		}
		if v == nil {
			if v = it.nextSegment(); v == nil {
				return false
			}
		}
		n := len(v) / it.size
		if n == 0 || it.misses(un64(v[:8]), un64(v[(n-1)*it.size:][:8])) {
			continue
		}
		it.block, it.i = v, 0
		if !it.forward {
			it.i = n - 1
		}
		return true
	}
}

// misses reports whether a block from first to last lies entirely before the range and can be skipped.
func (it *segmentIterator) misses(first, last uint64) bool {
	if it.forward {
		return last <= it.w.After
	}
	return it.w.Before != 0 && first >= it.w.Before
}

// nextSegment opens the next segment that may match, and returns the first of its blocks.
func (it *segmentIterator) nextSegment() []byte {
	for {
		k := it.stepSegment()
		if k == nil {
			return nil
		}
		seg := it.all.Bucket(k)
		if !it.w.segment(statOf(seg)) {
			continue
		}
		it.rows, it.bodies = seg.Bucket(keyRows), seg.Bucket(keyBodies)
		blocks, size, at := blocksOf(seg)
		it.blocks, it.size, it.at = blocks.Cursor(), size, at
		var v []byte
		if it.forward {
			_, v = it.blocks.First()
		} else {
			_, v = it.blocks.Last()
		}
		if v != nil {
			return v
		}
	}
}

func (it *segmentIterator) stepSegment() []byte {
	var k []byte
	switch {
	case it.started && it.forward:
		k, _ = it.segments.Next()
	case it.started:
		k, _ = it.segments.Prev()
	case it.forward:
		it.started = true
		if k, _ = seekBefore(it.segments, it.w.After+2); k == nil {
			k, _ = it.segments.First()
		}
	default:
		it.started = true
		k, _ = seekBefore(it.segments, it.w.Before)
	}
	return k
}

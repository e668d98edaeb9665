package store

import (
	"context"
	"slices"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// scanBudget is how many bytes one search reads before it returns, and rowCost what a row counts besides its bytes; the caller
// continues from there. It limits both the time until the first hit is shown and how long a read transaction holds pages back.
const (
	scanBudget = 64 << 20
	rowCost    = 512
)

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
	w.unindexed, w.indexDamaged = s.opt.unindexed, s.renew
	page := app.EventPage{Events: []app.Delivery{}}
	forward := q.Forward || q.After > 0 && q.Before == 0
	err = s.View(ctx, func(tx *Tx) error {
		budget := scanBudget
		var failed error
		visited := 0
		tx.deliveries(&w, forward, func(seq uint64, at iterator) bool {
			if budget < 0 || len(page.Events) == q.Limit {
				page.More = true
				return false
			}
			if visited++; visited%512 == 0 && ctx.Err() != nil {
				failed = ctx.Err()
				return false
			}
			page.Next = seq
			e := eventAt(at)
			matches := (w.grep == "" || e.holds(&w)) && w.filter.Match(&e)
			budget -= rowCost + len(e.row) + len(e.stored)
			if e.err != nil || !matches {
				failed = e.err
				return failed == nil
			}
			d, err := decode[app.Delivery](e.row)
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
	for it.next() != 0 {
		if d, err := decode[app.Delivery](it.row()); err == nil && w.row(&d) {
			n++
		}
	}
	return n
}

// deliveries visits the rows with matching columns, of the segments and of the rings, in the order of their numbers.
func (t *Tx) deliveries(w *want, forward bool, visit func(seq uint64, at iterator) bool) {
	all := newMerged(newSegmentIterator(t.b, w, forward), newRingIterator(t.b, w, forward), forward)
	for seq := all.next(); seq != 0; seq = all.next() {
		if !visit(seq, all.last.of) {
			return
		}
	}
}

// iterator visits rows in its direction.
type iterator interface {
	// next moves to the next row and returns its number, 0 at the end.
	next() uint64
	// row, body and columns return those of the row that next moved to. columns is nil where none are kept.
	row() []byte
	body() []byte
	columns() *filter.Columns
}

// none visits nothing.
type none struct{}

func (none) next() uint64             { return 0 }
func (none) row() []byte              { return nil }
func (none) body() []byte             { return nil }
func (none) columns() *filter.Columns { return nil }

// reader reads the values of a bucket by their numbers. Reading one beside the one before is fast.
type reader struct {
	*bolt.Cursor
	at uint64
}

func (r *reader) read(seq uint64) []byte {
	var k, v []byte
	switch {
	case r.at != 0 && seq == r.at+1:
		k, v = r.Next()
	case r.at != 0 && seq == r.at-1:
		k, v = r.Prev()
	}
	if k == nil || un64(k) != seq {
		k, v = r.Seek(be64(seq))
	}
	if r.at = seq; k == nil || un64(k) != seq {
		r.at, v = 0, nil
	}
	return v
}

type ringIterator struct {
	rows       *bolt.Cursor
	bodies     *bolt.Bucket
	w          *want
	forward    bool
	started    bool
	key, value []byte
}

// newRingIterator visits all rings that may have a match.
func newRingIterator(b *bolt.Tx, w *want, forward bool) iterator {
	var out iterator = none{}
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

// front is an iterator with the number of its row.
type front struct {
	of  iterator
	seq uint64
}

func newMerged(a, b iterator, forward bool) *merged {
	return &merged{heads: [2]front{{a, a.next()}, {b, b.next()}}, forward: forward}
}

func (m *merged) next() uint64 {
	if m.last != nil {
		m.last.seq = m.last.of.next()
	}
	first, other := &m.heads[0], &m.heads[1]
	if first.seq == 0 || other.seq != 0 && (other.seq < first.seq) == m.forward {
		first = other
	}
	m.last = first
	return first.seq
}

func (m *merged) row() []byte              { return m.last.of.row() }
func (m *merged) body() []byte             { return m.last.of.body() }
func (m *merged) columns() *filter.Columns { return m.last.of.columns() }

func (it *ringIterator) next() uint64 {
	if it.key, it.value = it.step(); it.key == nil || !it.w.inRange(un64(it.key)) {
		return 0
	}
	return un64(it.key)
}

func (it *ringIterator) row() []byte           { return it.value }
func (it *ringIterator) body() []byte          { return it.bodies.Get(it.key) }
func (*ringIterator) columns() *filter.Columns { return nil }

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

	rows, bodies reader
	blocks       *bolt.Cursor
	block        []byte
	i            int
	// size is the size of an entry in a block, at decodes one.
	size int
	at   func([]byte, int, *filter.Columns)
	cols filter.Columns
	// may are the blocks that may have a match.
	may filter.Set
}

func newSegmentIterator(b *bolt.Tx, w *want, forward bool) *segmentIterator {
	all := b.Bucket(bucketSegments)
	return &segmentIterator{all: all, segments: all.Cursor(), w: w, forward: forward}
}

func (it *segmentIterator) next() uint64             { return it.find() }
func (it *segmentIterator) row() []byte              { return it.rows.read(it.cols.Seq) }
func (it *segmentIterator) body() []byte             { return it.bodies.read(it.cols.Seq) }
func (it *segmentIterator) columns() *filter.Columns { return &it.cols }

// count counts the rest, without reading rows.
func (it *segmentIterator) count() (n int) {
	for it.find() != 0 {
		n++
	}
	return n
}

// find returns the number of the next row whose columns match, 0 at the end.
func (it *segmentIterator) find() uint64 {
	c := &it.cols
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
		var k, v []byte
		if it.blocks != nil {
			if it.forward {
				k, v = it.blocks.Next()
			} else {
				k, v = it.blocks.Prev()
			}
		}
		if v == nil {
			if k, v = it.nextSegment(); v == nil {
				return false
			}
		}
		n := len(v) / it.size
		if !it.may.Has(un64(k)) || n == 0 || it.misses(un64(v[:8]), un64(v[(n-1)*it.size:][:8])) {
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
func (it *segmentIterator) nextSegment() (k, block []byte) {
	for {
		name := it.stepSegment()
		if name == nil {
			return nil, nil
		}
		seg := it.all.Bucket(name)
		if !it.w.segment(statOf(seg)) {
			continue
		}
		it.enter(seg)
		if it.may, it.cols.Accounts = nil, nil; !it.w.unindexed {
			texts := seg.Bucket(keyTexts)
			if shape, ok := shapeOf(texts); ok {
				holds := shape.holds(texts, func() { it.w.indexDamaged(name) })
				it.may, it.cols.Accounts = it.w.filter.Blocks(holds, it.w.texts...), shape.accounts
			}
		}
		if it.forward {
			k, block = it.blocks.First()
		} else {
			k, block = it.blocks.Last()
		}
		if block != nil {
			return k, block
		}
	}
}

// enter opens a segment.
func (it *segmentIterator) enter(seg *bolt.Bucket) {
	it.rows, it.bodies = reader{Cursor: seg.Bucket(keyRows).Cursor()}, reader{Cursor: seg.Bucket(keyBodies).Cursor()}
	blocks, size, at := blocksOf(seg)
	it.blocks, it.size, it.at = blocks.Cursor(), size, at
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

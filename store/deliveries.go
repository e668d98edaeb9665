package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
)

// Deliveries live in segments, each a bucket named by its first sequence number:
//
//	rows    seq -> app.Delivery as JSON, without headers and body
//	bodies  seq -> length of the headers' JSON, the headers, the body
//	columns block number -> columns of up to blockBytes/columnSize rows, see columns.go; facets in files of schema 6 and earlier
//	stat    the segment's segmentStat
//	texts   the index of texts, see grams.go; only in segments that are full
//	tries   seq, number -> app.Attempt to pass the delivery on; only where there was one
//
// so that lists never touch bodies and retention drops a segment as a whole.
var (
	keyRows    = []byte("rows")
	keyBodies  = []byte("bodies")
	keyColumns = []byte("columns")
	keyFacets  = []byte("facets")
	keyStat    = []byte("stat")
	keyTries   = []byte("tries")

	keySchema = []byte("schema")
	keyTotal  = []byte("rows-total")
)

// fill is high because these pages only grow at the end.
const fill = 0.9

func encodeBlob(d app.Delivery) ([]byte, error) {
	h, err := app.EncodeHeader(d.Headers)
	if err != nil {
		return nil, fmt.Errorf("store: encode headers: %w", err)
	}
	out := make([]byte, 0, len(h)+len(d.Body)+4)
	out = binary.AppendUvarint(out, uint64(len(h)))
	return append(append(out, h...), d.Body...), nil
}

func decodeBlob(raw []byte) (http.Header, app.Body, error) {
	n, w := binary.Uvarint(raw)
	if w <= 0 || n > uint64(len(raw)-w) {
		return nil, nil, fmt.Errorf("store: a damaged body record")
	}
	h, err := app.DecodeHeader(raw[w : w+int(n)])
	if err != nil {
		return nil, nil, fmt.Errorf("store: damaged headers: %w", err)
	}
	if h == nil {
		h = http.Header{}
	}
	return h, bytes.Clone(raw[w+int(n):]), nil
}

func encodeRow(d app.Delivery) ([]byte, error) {
	type row app.Delivery // without the methods, which cost time and are needed only for odd targets
	d.Headers = nil
	var v any = (*row)(&d)
	if !utf8.ValidString(d.Target) {
		v = &d
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store: encode delivery: %w", err)
	}
	return raw, nil
}

// rows collects a commit's deliveries at the end of the open segment.
type rows struct {
	s       *Store
	meta    bucket
	all     bucket
	seens   *generations
	now     int64 // by the store's own clock
	segment *bucket
	rowB    bucket
	bodyB   bucket
	columnB bucket
	block   []byte
	blockNo uint64
	stat    segmentStat
	total   uint64
	dirty   bool
}

// segmentStat holds what retention and queries need without opening a segment.
type segmentStat struct {
	bytes, rows uint64
	newest      int64  // the latest arrival, Unix seconds
	begun       int64  // when the segment was opened, by the store's own clock (age.go)
	aged        int64  // the same of its last delivery; files of earlier versions have newest instead
	others      uint64 // rows that aren't verified
}

func (s segmentStat) encode() []byte {
	return slices.Concat(be64(s.bytes), be64(s.rows), be64(uint64(s.newest)), be64(uint64(s.begun)), be64(uint64(s.aged)), be64(s.others))
}

func statOf(segment *bolt.Bucket) segmentStat {
	raw := segment.Get(keyStat)
	if len(raw) != 32 && len(raw) != 40 && len(raw) != 48 {
		return segmentStat{}
	}
	s := segmentStat{bytes: un64(raw[:8]), rows: un64(raw[8:16]), newest: int64(un64(raw[16:24])), begun: int64(un64(raw[24:32]))}
	if s.aged = s.newest; len(raw) >= 40 {
		s.aged = int64(un64(raw[32:40]))
	}
	if len(raw) == 48 {
		s.others = un64(raw[40:])
	}
	return s
}

func (s *Store) openRows(b *bolt.Tx) (*rows, error) {
	rec := &s.log.record
	r := &rows{s: s, meta: rec.in(b.Bucket(bucketMeta), bucketMeta), all: rec.in(b.Bucket(bucketSegments), bucketSegments), now: s.now()}
	r.total = un64(r.meta.Get(keyTotal))
	if last, _ := r.all.Cursor().Last(); last != nil {
		r.stat = statOf(r.all.Bucket.Bucket(last))
	}
	var err error
	r.seens, err = openGenerations(&s.recent, rec, b, time.Unix(r.now, 0))
	return r, err
}

// next returns a new sequence number. Numbers of a failed transaction are reused.
func (r *rows) next() uint64 {
	n, err := r.all.NextSequence()
	if err != nil {
		panic(err) // only a read transaction or a bucket outside of one fails
	}
	return n
}

func (r *rows) seen(hash [16]byte) uint64 { return r.seens.find(hash) }

func (r *rows) see(hash [16]byte, seq uint64) error { return r.seens.add(hash, seq) }

// add writes one delivery into the open segment, starting a new one when that is full.
func (r *rows) add(d app.Delivery, blob []byte) error {
	row, err := encodeRow(d)
	if err != nil {
		return err
	}
	full := r.stat.bytes >= uint64(r.s.opt.SegmentBytes) || r.stat.rows >= uint64(r.s.opt.SegmentRows) ||
		r.now-r.stat.begun > int64(r.s.opt.RetainFor/time.Second)/8
	if r.segment == nil || full {
		if err := r.open(d.Seq, full); err != nil {
			return err
		}
	}
	key := be64(d.Seq)
	if err := r.rowB.Put(key, row); err != nil {
		return fmt.Errorf("store: write delivery: %w", err)
	}
	if err := r.bodyB.Put(key, blob); err != nil {
		return fmt.Errorf("store: write body: %w", err)
	}
	if len(r.block)+columnSize > blockBytes {
		if err := r.columnB.Put(be64(r.blockNo), r.block); err != nil {
			return fmt.Errorf("store: write columns: %w", err)
		}
		r.block, r.blockNo = nil, r.blockNo+1
	}
	c := filter.ColumnsOf(&d)
	r.block = appendColumns(r.block, &c)
	r.stat.bytes += uint64(len(row) + len(blob) + 64)
	r.stat.rows++
	if d.Verdict != provider.Verified {
		r.stat.others++
	}
	r.stat.newest, r.stat.aged = max(r.stat.newest, d.At.Unix()), r.now
	r.total++
	r.dirty = true
	return nil
}

func (r *rows) open(seq uint64, fresh bool) error {
	if err := r.flushSegment(); err != nil {
		return err
	}
	last, _ := r.all.Cursor().Last()
	if last == nil || fresh || r.all.Bucket.Bucket(last).Bucket(keyColumns) == nil {
		last, r.stat = be64(seq), segmentStat{begun: r.now}
		select {
		case r.s.filled <- struct{}{}:
		default:
		}
	}
	seg, err := r.all.inside(bytes.Clone(last))
	if err != nil {
		return fmt.Errorf("store: open a segment: %w", err)
	}
	r.segment = &seg
	for _, b := range []struct {
		key []byte
		to  *bucket
	}{{keyRows, &r.rowB}, {keyBodies, &r.bodyB}, {keyColumns, &r.columnB}} {
		if *b.to, err = seg.inside(b.key); err != nil {
			return fmt.Errorf("store: open a segment: %w", err)
		}
		b.to.FillPercent = fill
	}
	r.block, r.blockNo = nil, 0
	if k, v := r.columnB.Cursor().Last(); k != nil {
		r.block, r.blockNo = bytes.Clone(v), un64(k)
	}
	return nil
}

func (r *rows) flushSegment() error {
	if r.segment == nil {
		return nil
	}
	if len(r.block) > 0 {
		if err := r.columnB.Put(be64(r.blockNo), r.block); err != nil {
			return fmt.Errorf("store: write columns: %w", err)
		}
	}
	if err := r.segment.Put(keyStat, r.stat.encode()); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	return nil
}

func (r *rows) flush() error {
	r.all.noteSequence()
	if !r.dirty {
		return nil
	}
	if err := r.flushSegment(); err != nil {
		return err
	}
	if err := r.meta.Put(keyTotal, be64(r.total)); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	return r.seens.flush()
}

// rowsIn counts all deliveries, those of the ring included.
func rowsIn(b *bolt.Tx) uint64 {
	n := un64(b.Bucket(bucketMeta).Get(keyTotal))
	return n + inRings(b)
}

// row reads one authentic delivery without its headers and body.
func (t *Tx) row(seq uint64) (app.Delivery, error) {
	row, _ := segmentGet(t.b, be64(seq))
	return decode[app.Delivery](row)
}

// Delivery reads one delivery with its headers and body.
func (t *Tx) Delivery(seq uint64) (app.Delivery, error) {
	key := be64(seq)
	row, blob := ringGet(t.b, key)
	if row == nil {
		row, blob = segmentGet(t.b, key)
	}
	d, err := decode[app.Delivery](row)
	if err != nil {
		return d, err
	}
	if d.Forwards, err = t.attempts(seq); err != nil {
		return d, err
	}
	d.Headers, d.Body, err = decodeBlob(blob)
	return d, err
}

func segmentGet(b *bolt.Tx, key []byte) (row, blob []byte) {
	_, seg := segmentOf(b, key)
	if seg == nil {
		return nil, nil
	}
	return seg.Bucket(keyRows).Get(key), seg.Bucket(keyBodies).Get(key)
}

// segmentOf returns the segment whose range includes a delivery, and its name; nil without any segment.
func segmentOf(b *bolt.Tx, key []byte) (name []byte, segment *bolt.Bucket) {
	all := b.Bucket(bucketSegments)
	c := all.Cursor()
	first, _ := c.Seek(key)
	if first == nil {
		first, _ = c.Last()
	} else if !bytes.Equal(first, key) {
		first, _ = c.Prev()
	}
	if first == nil {
		return nil, nil
	}
	return bytes.Clone(first), all.Bucket(first)
}

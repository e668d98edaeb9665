package store

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Facets are a column beside the rows: 24 bytes of filter criteria per delivery, in blocks that fill a page. A commit rewrites
// the last block of the open segment, and a filter over a million deliveries reads 24 MB in order instead of decoding a million
// rows. Hashes may collide; the row itself decides.
const (
	facetSize      = 24
	facetsPerBlock = 4000 / facetSize
)

type facet struct {
	seq     uint64
	at      uint32 // Unix seconds
	meeting uint32 // hash
	account uint32 // hash
	kind    uint8  // index into provider.EventKinds
	repeats bool   // an earlier one; false in blocks that were written before this was kept
}

var kindIndex = func() map[provider.EventKind]uint8 {
	m := make(map[provider.EventKind]uint8)
	for i, k := range provider.EventKinds() {
		m[k] = uint8(i)
	}
	return m
}()

func hash32(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

func facetOf(d app.Delivery) facet {
	k, ok := kindIndex[d.Kind]
	if !ok {
		k = kindIndex[provider.KindUnknown]
	}
	return facet{
		seq: d.Seq, at: uint32(max(d.At.Unix(), 0)), meeting: hash32(d.Meeting), account: hash32(d.Account), kind: k,
		repeats: d.DuplicateOf != 0,
	}
}

func (f facet) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, f.seq)
	b = binary.BigEndian.AppendUint32(b, f.at)
	b = binary.BigEndian.AppendUint32(b, f.meeting)
	b = binary.BigEndian.AppendUint32(b, f.account)
	var flags byte
	if f.repeats {
		flags = 1
	}
	return append(b, f.kind, flags, 0, 0)
}

func facetAt(block []byte, i int) facet {
	b := block[i*facetSize:]
	return facet{
		seq: binary.BigEndian.Uint64(b), at: binary.BigEndian.Uint32(b[8:]), meeting: binary.BigEndian.Uint32(b[12:]),
		account: binary.BigEndian.Uint32(b[16:]), kind: b[20],
		repeats: b[21]&1 != 0,
	}
}

// want is an EventQuery prepared for comparison.
type want struct {
	app.EventQuery
	kinds            uint32
	account, meeting uint32
	since            uint32
	original         bool // leaves out repeats of earlier ones
}

func wanted(q app.EventQuery) want {
	w := want{EventQuery: q, account: hash32(q.Account), meeting: hash32(q.Meeting)}
	for _, k := range q.Kinds {
		w.kinds |= 1 << kindIndex[k]
	}
	if !q.Since.IsZero() {
		w.since = uint32(max(q.Since.Unix(), 0))
	}
	return w
}

func (w *want) facet(f facet) bool {
	return (w.kinds == 0 || w.kinds&(1<<f.kind) != 0) && (w.Account == "" || w.account == f.account) &&
		(w.Meeting == "" || w.meeting == f.meeting) && f.at >= w.since && !(w.original && f.repeats)
}

func (w *want) row(d *app.Delivery) bool {
	return (len(w.Kinds) == 0 || slices.Contains(w.Kinds, d.Kind)) && (w.Account == "" || w.Account == d.Account) &&
		(w.Meeting == "" || w.Meeting == d.Meeting) && (w.Verdict == "" || w.Verdict == d.Verdict) &&
		(w.Since.IsZero() || !d.At.Before(w.Since.Time))
}

// inRange reports whether seq lies strictly between After and Before.
func (w *want) inRange(seq uint64) bool {
	return seq > w.After && (w.Before == 0 || seq < w.Before)
}

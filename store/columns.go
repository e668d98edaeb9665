package store

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
)

// Columns lie beside the rows: 48 bytes of filter criteria per delivery, in blocks that fill a page. A commit rewrites the last
// block of the open segment, and a filter over a million deliveries reads 48 MB in order instead of decoding a million rows.
// Hashes may collide; the row itself decides.
//
// Segments of schema 6 and earlier have facets instead, with fewer criteria.
const (
	columnSize = 48
	facetSize  = 24
	blockBytes = 4000
	// folded is the form of columns whose hashes are of texts without accents; it was 0 before.
	folded = 1
)

// appendColumns encodes c.
func appendColumns(b []byte, c *filter.Columns) []byte {
	form := uint16(0)
	if c.Folded {
		form = folded
	}
	b = binary.BigEndian.AppendUint64(b, c.Seq)
	b = binary.BigEndian.AppendUint32(b, uint32(max(c.At, 0)))
	b = append(b, c.Kind, c.Verdict)
	b = binary.BigEndian.AppendUint16(b, uint16(c.Flags))
	b = binary.BigEndian.AppendUint16(b, c.Status)
	b = binary.BigEndian.AppendUint16(b, form)
	for _, n := range [...]uint32{c.Size, c.Account, c.Type, c.Room, c.Meeting, c.Participant, c.Session} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// columnsAt decodes the columns of a row in a block.
func columnsAt(block []byte, i int, c *filter.Columns) {
	b := (*[columnSize]byte)(block[i*columnSize:])
	c.Seq, c.At = binary.BigEndian.Uint64(b[:8]), int64(binary.BigEndian.Uint32(b[8:12]))
	c.Kind, c.Verdict, c.Flags = b[12], b[13], filter.Flag(binary.BigEndian.Uint16(b[14:16]))
	c.Status, c.Size = binary.BigEndian.Uint16(b[16:18]), binary.BigEndian.Uint32(b[20:24])
	c.Folded = binary.BigEndian.Uint16(b[18:20]) == folded
	c.Account, c.Type = binary.BigEndian.Uint32(b[24:28]), binary.BigEndian.Uint32(b[28:32])
	c.Room, c.Meeting = binary.BigEndian.Uint32(b[32:36]), binary.BigEndian.Uint32(b[36:40])
	c.Participant, c.Session, c.Old = binary.BigEndian.Uint32(b[40:44]), binary.BigEndian.Uint32(b[44:48]), false
}

// facetAt decodes a facet. Its hashes depend on case. A repeat of an earlier event may lack its flag.
func facetAt(block []byte, i int, c *filter.Columns) {
	b := block[i*facetSize:][:facetSize]
	word := func(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
	*c = filter.Columns{Seq: binary.BigEndian.Uint64(b), At: int64(word(8)), Meeting: word(12), Account: word(16), Kind: b[20], Old: true}
	if b[21]&1 != 0 {
		c.Flags = filter.Duplicate
	}
}

// blocksOf returns the blocks of a segment, the size of their entries and their decoder.
func blocksOf(segment *bolt.Bucket) (*bolt.Bucket, int, func([]byte, int, *filter.Columns)) {
	if b := segment.Bucket(keyColumns); b != nil {
		return b, columnSize, columnsAt
	}
	return segment.Bucket(keyFacets), facetSize, facetAt
}

func hash32(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

// want is an EventQuery prepared for comparison.
type want struct {
	app.EventQuery
	filter                 *filter.Filter
	kinds                  uint32
	account, meeting       uint32 // as in columns
	oldAccount, oldMeeting uint32 // as in facets
	since                  int64
	verdicts               uint8    // bits of [filter.VerdictIndex]
	grep                   string   // in lower case
	texts                  []string // the parts of grep in ASCII
	unindexed              bool     // the index of texts isn't used
	indexDamaged           func(segment []byte)
}

const (
	anyVerdict  = ^uint8(0)
	segmentOnly = 1 // the bit of verified
)

// wanted prepares a query without a filter.
func wanted(q app.EventQuery) want {
	w := want{
		EventQuery: q, account: filter.Hash(q.Account), meeting: filter.Hash(q.Meeting), oldAccount: hash32(q.Account),
		oldMeeting: hash32(q.Meeting), verdicts: anyVerdict, indexDamaged: func([]byte) {}, grep: strings.ToLower(q.Grep),
	}
	for _, k := range q.Kinds {
		w.kinds |= 1 << filter.KindIndex(k)
	}
	if !q.Since.IsZero() {
		w.since = max(q.Since.Unix(), 0)
	}
	w.texts = strings.FieldsFunc(w.grep, func(r rune) bool { return r >= utf8.RuneSelf })
	if q.Verdict != "" {
		w.verdicts = 1 << filter.VerdictIndex(q.Verdict)
	}
	return w
}

// wantedBy prepares a query with its filter, whose range it takes over. Errors are of type [*filter.Error].
func wantedBy(q app.EventQuery) (want, error) {
	w := wanted(q)
	if q.Filter == "" {
		return w, nil
	}
	var err error
	if w.filter, err = filter.Parse(q.Filter, filter.Options{}); err != nil {
		return w, err
	}
	r := w.filter.Range()
	if r.First > 0 {
		w.After = max(w.After, r.First-1)
	}
	if r.Last < 1<<63 && (w.Before == 0 || r.Last+1 < w.Before) {
		w.Before = r.Last + 1
	}
	w.since, w.verdicts = max(w.since, r.Since), w.verdicts&r.Verdicts
	return w, nil
}

// columns reports whether the row with these columns may match.
func (w *want) columns(c *filter.Columns) bool {
	if w.kinds != 0 && w.kinds&(1<<c.Kind) == 0 || c.At < w.since {
		return false
	}
	account, meeting := w.account, w.meeting
	if c.Old {
		account, meeting = w.oldAccount, w.oldMeeting
	}
	return (w.Account == "" || account == c.Account || !c.Folded && !c.Old) && (w.Meeting == "" || meeting == c.Meeting) &&
		w.verdicts&(1<<c.Verdict) != 0 && w.filter.May(c)
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

// segment reports whether a segment may have a match.
func (w *want) segment(s segmentStat) bool {
	return (w.since == 0 || s.newest >= w.since) && (w.verdicts&segmentOnly != 0 || s.others > 0)
}

// unverified reports whether an event that isn't verified may match. The rings of rejected ones hold no others.
func (w *want) unverified() bool { return w.verdicts != segmentOnly }

package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
)

// ForwardJob is a forward with its progress.
type ForwardJob struct {
	Name   string            `json:"name"`
	URL    string            `json:"url"` // as configured, with its password
	Source app.ForwardSource `json:"source"`
	// Position is the last settled event, Trying the next one while it has been sent and not accepted, 0 for none.
	Position uint64 `json:"position"`
	Trying   uint64 `json:"trying,omitempty"`
	// Tries counts the attempts at Trying, Failing is the running time since the first.
	Tries   int           `json:"tries,omitempty"`
	Failing time.Duration `json:"failing,omitempty"`
	Parked  []uint64      `json:"parked,omitempty"`
	Last    *app.Attempt  `json:"last,omitempty"`
	// Dropped counts the events that retention dropped while they waited.
	Dropped uint64 `json:"dropped,omitempty"`
	// Damaged is the reason why the record can't be read; then only Name is set.
	Damaged error `json:"-"`
}

// Forward reads a forward by its name.
func (t *Tx) Forward(name string) (ForwardJob, error) {
	return decode[ForwardJob](t.get(bucketForwards, name))
}

// PutForward writes a forward.
func (t *Tx) PutForward(j ForwardJob) error { return t.putJSON(bucketForwards, j.Name, j) }

// Forwards reads all forwards by name, including those with a damaged record.
func (t *Tx) Forwards() []ForwardJob {
	var out []ForwardJob
	t.scan(bucketForwards, "", func(name string, raw []byte) bool {
		j, err := decode[ForwardJob](raw)
		if err != nil {
			j = ForwardJob{Name: name, Damaged: err}
		}
		out = append(out, j)
		return true
	})
	return out
}

// LastSeq is the newest sequence number, 0 before the first delivery.
func (t *Tx) LastSeq() uint64 { return t.b.Bucket(bucketSegments).Sequence() }

// forwardable selects the events to forward: authentic events beyond after, without repeats and test pings.
func forwardable(after uint64) want {
	w := wanted(app.EventQuery{Verdict: provider.Verified, After: after})
	w.original = true
	for _, k := range provider.EventKinds() {
		if k != provider.KindTest {
			w.kinds |= 1 << filter.KindIndex(k)
		}
	}
	return w
}

// ErrUnreadable is returned with the number of an event whose record is damaged.
var ErrUnreadable = errors.New("store: the record of the event is damaged")

// NextToForward returns the first event to forward beyond after, with its headers and body, or [ErrNotFound]. With
// [ErrUnreadable] it returns only the number.
func (t *Tx) NextToForward(after uint64) (app.Delivery, error) {
	w := forwardable(after)
	out, err := app.Delivery{}, ErrNotFound
	t.deliveries(&w, true, func(seq uint64, row []byte, _ func() []byte) bool {
		var d app.Delivery
		if d, err = decode[app.Delivery](row); err == nil && d.DuplicateOf != 0 { // blocks of facets of earlier versions lack this
			err = ErrNotFound
			return true
		}
		if err == nil {
			out, err = t.Delivery(seq)
		}
		if err != nil {
			out, err = app.Delivery{Seq: seq}, fmt.Errorf("%w: %v", ErrUnreadable, err) // a missing row is damage, too
		}
		return false
	})
	return out, err
}

// Queue counts the events to forward beyond after, by columns only.
func (t *Tx) Queue(after uint64) int {
	w := forwardable(after)
	return newSegmentIterator(t.b, &w, true).count()
}

// dropQueued counts, for each forward, the waiting events of a segment that retention drops.
func dropQueued(b *bolt.Tx, segment *bolt.Bucket) error {
	t := &Tx{b: b, over: make(map[string]map[string][]byte)}
	for _, j := range t.Forwards() {
		w, n := forwardable(j.Position), uint64(0)
		blocks, size, at := blocksOf(segment)
		c := blocks.Cursor()
		var row filter.Columns
		for k, block := c.First(); k != nil; k, block = c.Next() {
			for i := range len(block) / size {
				if at(block, i, &row); w.inRange(row.Seq) && w.columns(&row) {
					n++
				}
			}
		}
		if j.Damaged != nil || n == 0 {
			continue
		}
		j.Dropped += n
		if err := t.PutForward(j); err != nil {
			return err
		}
	}
	return t.flush()
}

// How many attempts of each delivery are kept: the first ones, and the latest of the others.
const (
	firstAttempts  = 5
	latestAttempts = 25
	attemptSize    = 32 // of an attempt's key and its place in a page
)

// AddAttempt stores an attempt with the delivery a.Seq, unless retention has dropped that, and publishes it.
func (t *Tx) AddAttempt(a app.Attempt) {
	t.tried = append(t.tried, a)
	t.Changed(app.Change{Kind: app.AttemptChange, Attempt: &a})
}

func attemptKey(seq, n uint64) []byte { return append(be64(seq), be64(n)...) }

func writeAttempt(b *bolt.Tx, a app.Attempt) error {
	seq := a.Seq
	seg := segmentOf(b, be64(seq))
	if seg == nil || seg.Bucket(keyRows).Get(be64(seq)) == nil {
		return nil
	}
	tries, err := seg.CreateBucketIfNotExists(keyTries)
	if err != nil {
		return fmt.Errorf("store: keep an attempt: %w", err)
	}
	n := uint64(1)
	if last, _ := seekBefore(tries.Cursor(), seq+1); last != nil && un64(last[:8]) == seq {
		n = binary.BigEndian.Uint64(last[8:]) + 1
	}
	a.Seq = 0
	raw, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("store: encode an attempt: %w", err)
	}
	if err := tries.Put(attemptKey(seq, n), raw); err != nil {
		return fmt.Errorf("store: keep an attempt: %w", err)
	}
	stat := statOf(seg) // answers count for retention
	stat.bytes += uint64(len(raw) + attemptSize)
	if n > firstAttempts+latestAttempts {
		drop := attemptKey(seq, n-latestAttempts)
		stat.bytes -= min(stat.bytes, uint64(len(tries.Get(drop))+attemptSize))
		if err := tries.Delete(drop); err != nil {
			return fmt.Errorf("store: drop an attempt: %w", err)
		}
	}
	if err := seg.Put(keyStat, stat.encode()); err != nil {
		return fmt.Errorf("store: write counts: %w", err)
	}
	return nil
}

// attempts reads the attempts to forward a delivery, oldest first.
func (t *Tx) attempts(seq uint64) ([]app.Attempt, error) {
	seg := segmentOf(t.b, be64(seq))
	if seg == nil || seg.Bucket(keyTries) == nil {
		return nil, nil
	}
	var out []app.Attempt
	c := seg.Bucket(keyTries).Cursor()
	for k, v := c.Seek(be64(seq)); k != nil && un64(k[:8]) == seq; k, v = c.Next() {
		a, err := decode[app.Attempt](v)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	// Filter is as the user wrote it, Selects the canonical text of all that it selects; empty selects [DefaultSelection].
	Filter  string `json:"filter,omitempty"`
	Selects string `json:"selects,omitempty"`
	// Resign is a secret, CA certificates in PEM.
	Resign   string `json:"resign,omitempty"`
	CA       string `json:"ca,omitempty"`
	Insecure bool   `json:"insecure,omitempty"`
	// Paused by the user. Unlisted is one of the configuration that the file doesn't have any more.
	Paused   bool `json:"paused,omitempty"`
	Unlisted bool `json:"unlisted,omitempty"`
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

	stored []byte // the record, as it was read or written last
}

// Forward reads a forward by its name.
func (t *Tx) Forward(name string) (ForwardJob, error) {
	raw := t.get(bucketForwards, name)
	j, err := decode[ForwardJob](raw)
	j.stored = bytes.Clone(raw)
	return j, err
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

// DefaultSelection selects the events that happened: authentic ones, without repeats, replays, imports and the platforms' tests.
const DefaultSelection = "verdict:verified -is:duplicate -is:replay -is:imported -kind:test"

// Selection returns the canonical text of all that a forward with a filter selects: [DefaultSelection] and the filter, without the
// parts of it that the filter asks for.
func Selection(f *filter.Filter) string {
	verdicts := string(provider.Verified)
	for _, v := range []provider.Verdict{provider.Rejected, provider.Unverified} {
		if f.AsksVerdict(v) {
			verdicts += "," + string(v)
		}
	}
	parts := []string{"verdict:" + verdicts}
	for word, flag := range map[string]filter.Flag{"duplicate": filter.Duplicate, "replay": filter.Replay, "imported": filter.Imported} {
		if !f.Asks(flag) {
			parts = append(parts, "-is:"+word)
		}
	}
	if !f.AsksKind(provider.KindTest) {
		parts = append(parts, "-kind:"+string(provider.KindTest))
	}
	slices.Sort(parts[1:])
	if !f.Empty() {
		parts = append(parts, "("+f.String()+")")
	}
	return strings.Join(parts, " ")
}

// wants prepares what a forward selects beyond after.
func (j ForwardJob) wants(after uint64) (want, error) {
	w, err := wantedBy(app.EventQuery{Filter: cmp.Or(j.Selects, DefaultSelection), After: after})
	if err != nil {
		err = fmt.Errorf("store: the filter of the forward %s: %w", j.Name, err)
	}
	return w, err
}

// DeleteForward deletes a forward. The attempts stay with their events.
func (t *Tx) DeleteForward(name string) error { return t.del(bucketForwards, name) }

// ErrUnreadable is returned with the number of an event whose record is damaged.
var ErrUnreadable = errors.New("store: the record of the event is damaged")

// countedRows is the number of waiting events whose rows are read to count them. Beyond it columns alone are compared.
const countedRows = 20_000

// Queue counts the events that wait for a forward: without a filter by columns only, with one as exactly as [countedRows] allows.
func (t *Tx) Queue(j ForwardJob) (n int) {
	w, err := j.wants(j.Position)
	if err != nil {
		return 0 // the forward reports it when it sends
	}
	if j.Filter == "" && len(allCatchRings(t.b)) == 0 {
		return newSegmentIterator(t.b, &w, true).count()
	}
	rows := 0
	t.deliveries(&w, true, func(_ uint64, at iterator) bool {
		if rows++; rows > countedRows {
			n++
			return true
		}
		if e := eventAt(at); w.filter.Match(&e) {
			n++
		}
		return true
	})
	return n
}

// bodyOf reads the body of a row.
type bodyOf struct {
	bodies *bolt.Bucket
	seq    uint64
}

func (b bodyOf) body() []byte { return b.bodies.Get(be64(b.seq)) }

// dropQueued counts, for each forward, the waiting events of a segment that retention drops.
func dropQueued(b *bolt.Tx, segment *bolt.Bucket) error {
	t := &Tx{b: b, over: make(map[string]map[string][]byte)}
	rows, bodies := segment.Bucket(keyRows), segment.Bucket(keyBodies)
	for _, j := range t.Forwards() {
		w, err := j.wants(j.Position)
		if j.Damaged != nil || err != nil {
			continue
		}
		n := uint64(0)
		blocks, size, at := blocksOf(segment)
		c := blocks.Cursor()
		var row filter.Columns
		for k, block := c.First(); k != nil; k, block = c.Next() {
			for i := range len(block) / size {
				if at(block, i, &row); !w.inRange(row.Seq) || !w.columns(&row) {
					continue
				}
				if j.Filter == "" || w.filter.Match(&rawEvent{row: rows.Get(be64(row.Seq)), at: bodyOf{bodies, row.Seq}}) {
					n++
				}
			}
		}
		if n == 0 {
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

// attempt is an attempt with its record.
type attempt struct {
	app.Attempt
	raw []byte
}

func newAttempt(a app.Attempt) (attempt, error) {
	of := a
	of.Seq = 0 // it is in the key
	raw, err := json.Marshal(of)
	if err != nil {
		err = fmt.Errorf("store: encode an attempt: %w", err)
	}
	return attempt{a, raw}, err
}

// Settle stores an attempt with the delivery a.Seq, unless retention has dropped that, and the forward's new progress, soon: see
// [Store.UpdateSoon]. What users or retention have changed of the forward meanwhile remains, and is in j afterwards. The records are
// encoded before the write waits for the writer, which then has little to do.
func (s *Store) Settle(ctx context.Context, j *ForwardJob, a app.Attempt) error {
	j.Last = &a
	tried, err := newAttempt(a)
	if err != nil {
		return err
	}
	next, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("store: encode a forward: %w", err)
	}
	return s.UpdateSoon(ctx, func(tx *Tx) error {
		if raw := tx.get(bucketForwards, j.Name); !bytes.Equal(raw, j.stored) {
			now, err := decode[ForwardJob](raw)
			if err != nil {
				return err
			}
			now.Position, now.Trying, now.Tries, now.Failing = j.Position, j.Trying, j.Tries, j.Failing
			now.Parked, now.Last = j.Parked, j.Last
			*j = now
			if next, err = json.Marshal(j); err != nil {
				return fmt.Errorf("store: encode a forward: %w", err)
			}
		}
		tx.addAttempt(tried)
		j.stored = next
		return tx.put(bucketForwards, j.Name, next)
	})
}

func (t *Tx) addAttempt(a attempt) {
	t.tried = append(t.tried, a)
	t.Changed(app.Change{Kind: app.AttemptChange, Attempt: &a.Attempt})
}

func attemptKey(seq, n uint64) []byte { return append(be64(seq), be64(n)...) }

func (s *Store) writeAttempt(b *bolt.Tx, a attempt) error {
	seq := a.Seq
	name, found := segmentOf(b, be64(seq))
	if found == nil || found.Bucket(keyRows).Get(be64(seq)) == nil {
		return s.writeRingAttempt(b, a.Attempt)
	}
	seg := s.log.in(found, bucketSegments, name)
	tries, err := seg.inside(keyTries)
	if err != nil {
		return fmt.Errorf("store: keep an attempt: %w", err)
	}
	n := uint64(1)
	if last, _ := seekBefore(tries.Cursor(), seq+1); last != nil && un64(last[:8]) == seq {
		n = binary.BigEndian.Uint64(last[8:]) + 1
	}
	if err := tries.Put(attemptKey(seq, n), a.raw); err != nil {
		return fmt.Errorf("store: keep an attempt: %w", err)
	}
	stat := statOf(seg.Bucket) // answers count for retention
	stat.bytes += uint64(len(a.raw) + attemptSize)
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
	_, seg := segmentOf(t.b, be64(seq))
	if seg == nil || seg.Bucket(keyTries) == nil || seg.Bucket(keyRows).Get(be64(seq)) == nil {
		row, _ := ringGet(t.b, be64(seq))
		if row == nil {
			return nil, nil
		}
		d, err := decode[app.Delivery](row)
		return d.Forwards, err
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

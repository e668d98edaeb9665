package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// ForwardJob is a forward with what it has still to do.
type ForwardJob struct {
	Name   string            `json:"name"`
	URL    string            `json:"url"` // as it was given, with its password
	Source app.ForwardSource `json:"source"`
	// Position is the last settled event, Trying the one after it that was sent and not accepted, 0 for none.
	Position uint64 `json:"position"`
	Trying   uint64 `json:"trying,omitempty"`
	// Tries counts the attempts at Trying, Failing is the running time since the first.
	Tries   int           `json:"tries,omitempty"`
	Failing time.Duration `json:"failing,omitempty"`
	Parked  []uint64      `json:"parked,omitempty"`
	Last    *app.Attempt  `json:"last,omitempty"`
}

// Forward reads a forward by its name.
func (t *Tx) Forward(name string) (ForwardJob, error) {
	return decode[ForwardJob](t.get(bucketForwards, name))
}

// PutForward writes a forward.
func (t *Tx) PutForward(j ForwardJob) error { return t.putJSON(bucketForwards, j.Name, j) }

// Forwards reads all forwards, by name.
func (t *Tx) Forwards() ([]ForwardJob, error) {
	var out []ForwardJob
	var err error
	t.scan(bucketForwards, "", func(name string, raw []byte) bool {
		var j ForwardJob
		if err = json.Unmarshal(raw, &j); err != nil {
			err = fmt.Errorf("store: the forward %q: %w", name, err)
			return false
		}
		out = append(out, j)
		return true
	})
	return out, err
}

// LastSeq is the newest sequence number, 0 before the first delivery.
func (t *Tx) LastSeq() uint64 { return t.b.Bucket(bucketSegments).Sequence() }

// forwardable selects what forwards send: authentic events beyond after that repeat none, and no test pings.
func forwardable(after uint64) want {
	w := wanted(app.EventQuery{Verdict: provider.Verified, After: after})
	w.original = true
	for _, k := range provider.EventKinds() {
		if k != provider.KindTest {
			w.kinds |= 1 << kindIndex[k]
		}
	}
	return w
}

// NextToForward returns the first event beyond after that forwards send, with its headers and body, or [ErrNotFound].
func (t *Tx) NextToForward(after uint64) (app.Delivery, error) {
	w := forwardable(after)
	out, err := app.Delivery{}, ErrNotFound
	t.deliveries(&w, true, func(seq uint64, row []byte, _ func() []byte) bool {
		var d app.Delivery
		if d, err = decode[app.Delivery](row); err != nil {
			return false
		}
		if d.DuplicateOf != 0 { // blocks of facets that were written earlier don't say it
			err = ErrNotFound
			return true
		}
		out, err = t.Delivery(seq)
		return false
	})
	return out, err
}

// maxQueue bounds what [Tx.Queue] counts.
const maxQueue = 100_000

// Queue counts the events beyond after that forwards send, up to 100,000.
func (t *Tx) Queue(after uint64) int {
	w, n := forwardable(after), 0
	t.deliveries(&w, true, func(uint64, []byte, func() []byte) bool { n++; return n < maxQueue })
	return n
}

// The attempts that are kept of each delivery: the first ones, and of the others the latest.
const (
	firstAttempts  = 5
	latestAttempts = 25
)

// AddAttempt keeps an attempt with the delivery a.Seq, unless retention has dropped that, and publishes it.
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
	if drop := n - latestAttempts; n > firstAttempts+latestAttempts {
		if err := tries.Delete(attemptKey(seq, drop)); err != nil {
			return fmt.Errorf("store: drop an attempt: %w", err)
		}
	}
	return nil
}

// attempts reads the attempts to pass a delivery on, oldest first.
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

package spool

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/cursor"
)

// Gap describes requests that were dropped before their client had them.
type Gap struct {
	Hook  string `json:"hook"`
	Epoch uint64 `json:"epoch"`
	// From and To are the seqs of the first and the last of them.
	From   uint64    `json:"from"`
	To     uint64    `json:"to"`
	Count  int       `json:"count"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// GapAge is the reason of requests dropped by age.
const GapAge = "too old"

func gapKey(g Gap) []byte {
	k := append([]byte(g.Hook), 0)
	k = binary.BigEndian.AppendUint64(k, g.Epoch)
	return binary.BigEndian.AppendUint64(k, g.From)
}

// Stored records that a client has stored a hook's requests up to a position. They are removed soon. Repeated and late calls have no
// effect. It fails with [ErrAhead] for a position that was never given out.
func (s *Spool) Stored(p cursor.Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hooks[p.Hook]
	if h == nil {
		return ErrNotFound
	}
	if h.high.Before(p) {
		return ErrAhead
	}
	s.noteStored(p)
	s.wake()
	return nil
}

// noteStored asks the writer to prune. The lock is held.
func (s *Spool) noteStored(p cursor.Position) {
	if s.stored[p.Hook].Before(p) {
		s.stored[p.Hook] = p
	}
}

// prune removes requests that a client has stored: a part if there are many, and the rest soon.
func (b *batch) prune(p cursor.Position) {
	st := b.state(p.Hook)
	if st == nil || !b.dropGaps(p) {
		return
	}
	st.trim(p.Epoch)
	events := b.tx.Bucket(bucketEvents).Bucket([]byte(p.Hook))
	if events == nil {
		return
	}
	var keys []cursor.Position
	c := events.Cursor()
	for k, _ := c.First(); k != nil && !p.Before(positionOf(p.Hook, k)); k, _ = c.Next() {
		if len(keys) == lazyMost {
			b.after = append(b.after, func() { b.s.noteStored(p); b.s.wake() })
			break
		}
		keys = append(keys, positionOf(p.Hook, k))
	}
	for _, k := range keys {
		if !b.remove(events, st, k) {
			return
		}
	}
}

// remove removes one request, and reports whether it succeeded.
func (b *batch) remove(events *bolt.Bucket, st *state, p cursor.Position) bool {
	at := key(p.Epoch, p.Seq)
	r, err := parseRecord(events.Get(at))
	if b.fail(err) {
		return false
	}
	e, err := r.decode()
	if b.fail(err) {
		return false
	}
	if r.body != 0 && b.fail(dropBody(b.tx, r.body)) {
		return false
	}
	st.Depth--
	st.Bytes -= weight(r.event, e.Length)
	return !b.fail(events.Delete(at))
}

// dropGaps removes the gaps that a client knows, since it has stored later requests.
func (b *batch) dropGaps(p cursor.Position) bool {
	bucket := b.tx.Bucket(bucketGaps)
	for _, g := range gapsOf(b.tx, p.Hook) {
		if !(cursor.Position{Epoch: g.Epoch, Seq: g.To}).Before(p) {
			break
		}
		if b.fail(bucket.Delete(gapKey(g))) {
			return false
		}
	}
	return true
}

func gapsOf(tx *bolt.Tx, id string) (gaps []Gap) {
	prefix := id + "\x00"
	c := tx.Bucket(bucketGaps).Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, v = c.Next() {
		var g Gap
		if json.Unmarshal(v, &g) == nil {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

// Gaps returns a hook's gaps that its client hasn't passed yet.
func (s *Spool) Gaps(id string) (gaps []Gap, err error) {
	err = s.view(func(tx *bolt.Tx) error { gaps = gapsOf(tx, id); return nil })
	return gaps, err
}

// retention drops requests that have waited too long.
func (s *Spool) retention() *op {
	return &op{apply: func(b *batch) error {
		s.mu.RLock()
		var waiting []string
		for id, h := range s.hooks {
			if h.state.Depth > 0 {
				waiting = append(waiting, id)
			}
		}
		s.mu.RUnlock()
		if len(waiting) > 0 {
			b.wrote = true // the spool's age is kept with every commit
		}
		for _, id := range waiting {
			b.expire(id)
		}
		return nil
	}}
}

// Expire drops requests that have waited too long, which otherwise happens every minute.
func (s *Spool) Expire(ctx context.Context) error { return s.do(ctx, s.retention()) }

func (b *batch) expire(id string) {
	st := b.state(id)
	events := b.tx.Bucket(bucketEvents).Bucket([]byte(id))
	if st == nil || events == nil {
		return
	}
	oldest := b.s.age() - b.s.opt.Retain
	var keys []cursor.Position
	c := events.Cursor()
	for k, v := c.First(); k != nil && len(keys) < lazyMost; k, v = c.Next() {
		r, err := parseRecord(v)
		if b.fail(err) {
			return
		}
		if r.age > oldest {
			break
		}
		keys = append(keys, positionOf(id, k))
	}
	if len(keys) == lazyMost {
		b.after = append(b.after, func() { b.s.old = true; b.s.wake() })
	}
	var gap Gap
	for _, p := range keys {
		if !b.remove(events, st, p) {
			return
		}
		if gap.Count == 0 || gap.Epoch != p.Epoch {
			b.gap(gap)
			gap = Gap{Hook: id, Epoch: p.Epoch, From: p.Seq, At: b.s.opt.Clock.Now().UTC(), Reason: GapAge}
		}
		gap.To = p.Seq
		gap.Count++
	}
	b.gap(gap)
}

// gap records dropped requests, together with those dropped just before. An empty gap has no effect.
func (b *batch) gap(g Gap) {
	if g.Count == 0 {
		return
	}
	known := gapsOf(b.tx, g.Hook)
	if n := len(known); n > 0 {
		// Requests are dropped from the oldest on, so nothing lies between the last gap of an epoch and this one.
		if last := known[n-1]; last.Epoch == g.Epoch && last.Reason == g.Reason {
			g.From, g.Count = last.From, last.Count+g.Count
		}
	}
	raw, err := json.Marshal(g)
	if b.fail(err) || b.fail(b.tx.Bucket(bucketGaps).Put(gapKey(g), raw)) {
		return
	}
	b.gaps = append(b.gaps, g)
}

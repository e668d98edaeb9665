package spool

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"greenroom/internal/cursor"
)

// state is the part of a hook that changes with each commit.
type state struct {
	// Marks are the last seq of each epoch, in order. Cut means that older ones were dropped, since the client has passed them.
	Marks []mark `json:"marks,omitempty"`
	Cut   bool   `json:"cut,omitempty"`
	// Depth and Bytes are the waiting requests.
	Depth int   `json:"depth"`
	Bytes int64 `json:"bytes"`
	// Floor is the lowest epoch for new requests, if the client knows of later epochs than the relay. Each hook has its own, so that no
	// client can change another's.
	Floor uint64 `json:"floor,omitempty"`
	// Agreed is the epoch of the client's last HELLO. The client's later requests are all from here.
	Agreed uint64 `json:"agreed,omitempty"`
}

type mark struct {
	Epoch uint64 `json:"e"`
	Seq   uint64 `json:"s"`
}

func (m mark) of(hook string) cursor.Position {
	return cursor.Position{Hook: hook, Epoch: m.Epoch, Seq: m.Seq}
}

const (
	// maxMarks limits the marks of a hook whose client stays away during many restarts.
	maxMarks = 64
	// farEpoch and farSeq are larger than any real number.
	farEpoch = 1 << 62
	farSeq   = 1 << 62
	// epochSpread makes it unlikely that two copies of a file with wrong clocks choose the same epoch. As a time it is 17 minutes.
	epochSpread = 1 << 20
)

// nextEpoch returns an epoch later than last, even with a wrong clock.
func nextEpoch(now time.Time, last uint64) uint64 {
	return max(uint64(max(now.UnixMilli(), 0)), last+1) + rand.Uint64N(epochSpread)
}

func (st state) clone() state {
	st.Marks = slices.Clone(st.Marks)
	return st
}

func (st *state) last() mark {
	if len(st.Marks) == 0 {
		return mark{}
	}
	return st.Marks[len(st.Marks)-1]
}

// next returns a new position under an epoch that is not before the last.
func (st *state) next(epoch uint64) mark {
	last := st.last()
	m := mark{max(epoch, st.Floor, last.Epoch), last.Seq + 1}
	st.give(m)
	return m
}

// give records that a position, which is not before the last, was given out.
func (st *state) give(m mark) {
	if n := len(st.Marks); n > 0 && st.Marks[n-1].Epoch == m.Epoch {
		st.Marks[n-1].Seq = m.Seq
		return
	}
	st.Marks = append(st.Marks, m)
	if len(st.Marks) > maxMarks {
		st.Marks, st.Cut = slices.Delete(st.Marks, 0, 1), true
	}
}

// upTo returns the highest seq that was given out in an epoch or before it.
func (st *state) upTo(epoch uint64) uint64 {
	seq := uint64(0)
	for i, m := range st.Marks {
		if m.Epoch <= epoch || i == 0 && st.Cut {
			seq = m.Seq
		}
	}
	return seq
}

// trim drops marks before a position that the client has stored.
func (st *state) trim(epoch uint64) {
	n := 0
	for n+1 < len(st.Marks) && st.Marks[n+1].Epoch <= epoch {
		n++
	}
	if n > 0 {
		st.Marks, st.Cut = slices.Delete(st.Marks, 0, n), true
	}
}

// ahead reports whether this spool never gave out a client's position: then the file is an older copy of the one that the client knows.
func (st *state) ahead(p cursor.Position, epoch uint64) bool {
	return p.Epoch > max(epoch, st.Floor) || p.Seq > st.upTo(p.Epoch)
}

// Greeting is a hook's part of WELCOME.
type Greeting struct {
	// Restored means that the client has stored requests that this spool never had.
	Restored bool
	// Epoch is the epoch of the hook's next requests.
	Epoch uint64
}

// Hello accepts a client's positions, by hook, and returns a greeting for each hook of the token. Requests up to the positions are
// removed.
//
// A position that this spool never gave out means that the file was restored from a backup. Then new requests get an epoch later than
// the client's. Requests since the last HELLO, which may only seem to be before the client's position, get new numbers: such a
// request may arrive twice, but is not lost. It fails with [ErrInvalid] for impossible numbers.
func (s *Spool) Hello(ctx context.Context, token string, at map[string]cursor.Position) (map[string]Greeting, error) {
	out := map[string]Greeting{}
	err := s.do(ctx, &op{apply: func(b *batch) error {
		hooks := s.HooksOf(token)
		for _, h := range hooks {
			st := b.state(h.ID)
			if p := at[h.ID]; st != nil &&
				(p.Epoch > farEpoch && p.Epoch > max(b.s.epoch, st.Floor) || p.Seq > farSeq && p.Seq > st.last().Seq) {
				return fmt.Errorf("spool: the position %d/%d: %w", p.Epoch, p.Seq, ErrInvalid)
			}
		}
		for _, h := range hooks {
			st := b.state(h.ID)
			if st == nil {
				continue
			}
			g := Greeting{}
			p := at[h.ID]
			p.Hook = h.ID
			if p.Epoch != 0 || p.Seq != 0 {
				if g.Restored = st.ahead(p, b.s.epoch); g.Restored {
					b.restored(st, p)
				}
				b.prune(p)
			}
			g.Epoch = max(b.s.epoch, st.Floor)
			if st.Agreed != g.Epoch {
				st.Agreed, b.wrote = g.Epoch, true
			}
			out[h.ID] = g
		}
		return nil
	}})
	return out, err
}

// restored moves a hook beyond the position of a client that has later requests.
func (b *batch) restored(st *state, p cursor.Position) {
	b.wrote = true
	events := b.tx.Bucket(bucketEvents).Bucket([]byte(p.Hook))
	var doubtful []cursor.Position
	if events != nil {
		c := events.Cursor()
		for k, _ := c.Seek(key(st.Agreed+1, 0)); k != nil; k, _ = c.Next() {
			doubtful = append(doubtful, positionOf(p.Hook, k))
		}
	}
	renumber := len(doubtful) > 0 && !p.Before(doubtful[0])
	if now := max(b.s.epoch, st.Floor); p.Epoch >= now || renumber {
		st.Floor = max(p.Epoch, now) + 1
	}
	// The client's seq was given out once: later ones are larger.
	if last := st.last(); p.Seq > last.Seq {
		st.give(mark{max(last.Epoch, p.Epoch), p.Seq})
	}
	if !renumber {
		return
	}
	for _, old := range doubtful {
		was := key(old.Epoch, old.Seq)
		r, err := parseRecord(events.Get(was))
		if b.fail(err) {
			return
		}
		to := st.next(b.s.epoch)
		if r, err = r.moved(to); b.fail(err) {
			return
		}
		raw := appendRecord(nil, r)
		if b.fail(events.Delete(was)) || b.fail(events.Put(key(to.Epoch, to.Seq), raw)) {
			return
		}
	}
	b.fresh[p.Hook] = true
}

// Epoch returns the epoch of new requests, except for hooks whose client knows of a later one.
func (s *Spool) Epoch() uint64 { return s.epoch }

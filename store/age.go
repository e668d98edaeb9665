package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The store ages its content by a clock of its own, which no wrong reading of the system's clock can move. It counts the time for
// which the store was open. Time with the store closed or the machine asleep is added only after the system's clock has claimed
// it throughout a day of running. A wrong clock therefore never overestimates ages, and underestimates them by at most the last
// day of running.
const (
	ageWindow = 24 // parts of a day of running
	agePart   = time.Hour

	// How much running time justifies a place in a commit, a commit of its own when the store is closed, and one in between.
	ageInCommit, ageAtClose, ageBetween = time.Minute, 10 * time.Minute, time.Hour
)

var keyAge = []byte("age")

// age is the clock, in Unix seconds. Any reading of the system's clock is the time of running plus an offset. The clock uses the
// least offset of the last day of running, unless an earlier one was greater.
type age struct {
	// Ran is how many seconds the store had been open before this opening.
	Ran int64 `json:"ran"`
	// Offset is the current offset.
	Offset int64 `json:"offset"`
	// Least are the least offsets of the system's clock in the parts of the last day of running; Began is when the last part
	// began, by Ran.
	Least []int64 `json:"least"`
	Began int64   `json:"began"`

	opened, kept time.Duration
}

// ran returns how many seconds the store has been open.
func (a *age) ran(running time.Duration) int64 { return a.Ran + int64((running-a.opened)/time.Second) }

// look reads the clocks and returns the store's time in Unix seconds.
func (a *age) look(wall time.Time, running time.Duration) int64 {
	ran := a.ran(running)
	offset := wall.Unix() - ran
	if ran-a.Began >= int64(agePart/time.Second) {
		a.Least, a.Began = append(a.Least[1:], offset), ran
	}
	last := &a.Least[len(a.Least)-1]
	*last = min(*last, offset)
	a.Offset = max(a.Offset, slices.Min(a.Least))
	return ran + a.Offset
}

// start sets the clock of a new store.
func (a *age) start(at int64) {
	a.Offset, a.Least = at, make([]int64, ageWindow)
	for i := range a.Least {
		a.Least[i] = at
	}
}

// now reads the clocks.
func (s *Store) now() int64 { return s.age.look(s.opt.Now(), s.opt.Running()) }

// recallAge reads the clock, or starts the clock of a store without one at its newest delivery: the system's present time must
// not age the content.
func (s *Store) recallAge() error {
	opened := s.opt.Running()
	return s.db.View(func(b *bolt.Tx) error {
		s.age = age{opened: opened, kept: opened}
		if raw := b.Bucket(bucketMeta).Get(keyAge); raw != nil {
			if err := json.Unmarshal(raw, &s.age); err != nil || len(s.age.Least) != ageWindow {
				return kind.Damaged(s.opt.Path, "the record of its age can't be read")
			}
			return nil
		}
		at, all := s.opt.Now().Unix(), b.Bucket(bucketSegments)
		if last, _ := all.Cursor().Last(); last != nil {
			at = min(at, statOf(all.Bucket(last)).newest)
		}
		s.age.start(at)
		return nil
	})
}

// put writes the clock into a commit if it has advanced.
func (a *age) put(rec *record, b *bolt.Tx, running time.Duration) error {
	if running-a.kept < ageInCommit && b.Bucket(bucketMeta).Get(keyAge) != nil {
		return nil
	}
	kept := *a
	kept.Ran = a.ran(running)
	raw, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("store: encode the age: %w", err)
	}
	a.kept = running
	return rec.in(b.Bucket(bucketMeta), bucketMeta).Put(keyAge, raw)
}

// keepAge writes the clock of an idle store.
func (s *Store) keepAge(after time.Duration) {
	if s.opt.ReadOnly || s.opt.Running()-s.age.kept < after {
		return
	}
	_ = s.update(func(b *bolt.Tx) error { return s.age.put(nil, b, s.opt.Running()) }) // without it deliveries are younger
}

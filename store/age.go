package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What is kept is aged by a clock of the store's own, which no wrong reading of the system's clock can move. It counts the
// time for which the store was open, and adds time for which it wasn't, or for which the machine slept, only after the
// system's clock has claimed it throughout a day of running. Ages are therefore never overestimated by a wrong clock, and
// underestimated by at most what passed during the last day of running.
const (
	ageWindow = 24 // parts of a day of running
	agePart   = time.Hour

	// How much running is worth a place in a commit, a commit of its own when the store is closed, and one in between.
	ageInCommit, ageAtClose, ageBetween = time.Minute, 10 * time.Minute, time.Hour
)

var keyAge = []byte("age")

// age is the clock, in Unix seconds. Any reading of the system's clock is the time of running plus an offset. The least
// offset of the last day of running is believed, unless an earlier one was greater.
type age struct {
	// Ran is for how many seconds the store was open, up to when it was opened now.
	Ran int64 `json:"ran"`
	// Offset is what is believed.
	Offset int64 `json:"offset"`
	// Least are the least offsets of the system's clock in the parts of the last day of running; Began is when the last
	// of them began, by Ran.
	Least []int64 `json:"least"`
	Began int64   `json:"began"`

	opened, kept time.Duration
}

// ran is for how many seconds the store has been open.
func (a *age) ran(running time.Duration) int64 { return a.Ran + int64((running-a.opened)/time.Second) }

// look takes one reading of the clocks and returns the time by which things age, in Unix seconds.
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

// start sets the clock of a store that has none.
func (a *age) start(at int64) {
	a.Offset, a.Least = at, make([]int64, ageWindow)
	for i := range a.Least {
		a.Least[i] = at
	}
}

// now looks at the clocks.
func (s *Store) now() int64 { return s.age.look(s.opt.Now(), s.opt.Running()) }

// recallAge reads the clock, or starts that of a store without one: at its newest delivery, since what the system's clock
// says at this moment must not age what is there.
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

// put writes the clock beside what else a commit writes, when it has moved.
func (a *age) put(b *bolt.Tx, running time.Duration) error {
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
	return b.Bucket(bucketMeta).Put(keyAge, raw)
}

// keepAge writes the clock of a store in which nothing happens.
func (s *Store) keepAge(after time.Duration) {
	if s.opt.ReadOnly || s.opt.Running()-s.age.kept < after {
		return
	}
	_ = s.update(func(b *bolt.Tx) error { return s.age.put(b, s.opt.Running()) }) // without it things are younger
}

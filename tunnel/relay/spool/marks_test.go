package spool

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

func TestAnEpochIsLaterThanTheLast(t *testing.T) {
	last := uint64(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	for _, year := range []int{1960, 1970, 2026, 2040} {
		now := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 2_000_000 { // the least spread is rare
			if got := nextEpoch(now, last); got <= last || got > last+1+epochSpread {
				t.Fatalf("%d in %d, after %d", got, year, last)
			}
		}
	}
}

// A hook remembers one mark for each epoch, of as many epochs as are bounded, and that it forgot some.
func TestMarksAreOneForEachEpoch(t *testing.T) {
	var st state
	for epoch := range uint64(maxMarks) {
		for range 3 {
			p := st.next(100 + epoch)
			if p.Epoch != 100+epoch || p != st.last() {
				t.Fatalf("%v under %d", p, 100+epoch)
			}
		}
	}
	if len(st.Marks) != maxMarks || st.Cut || st.Marks[0] != (mark{100, 3}) {
		t.Fatalf("%d marks from %v, cut: %t", len(st.Marks), st.Marks[0], st.Cut)
	}
	st.next(1000)
	if len(st.Marks) != maxMarks || !st.Cut || st.Marks[0] != (mark{101, 6}) || st.last() != (mark{1000, 3*maxMarks + 1}) {
		t.Errorf("%d marks from %v to %v, cut: %t", len(st.Marks), st.Marks[0], st.last(), st.Cut)
	}
}

// What lies before a position that the client has stored is forgotten; the mark of that position's epoch is needed.
func TestMarksBeforeAStoredPositionAreForgotten(t *testing.T) {
	for _, test := range []struct {
		stored uint64 // an epoch
		want   []mark
	}{
		{0, []mark{{10, 5}, {20, 9}, {30, 12}}},
		{10, []mark{{10, 5}, {20, 9}, {30, 12}}},
		{19, []mark{{10, 5}, {20, 9}, {30, 12}}},
		{20, []mark{{20, 9}, {30, 12}}},
		{30, []mark{{30, 12}}},
		{99, []mark{{30, 12}}},
	} {
		st := state{Marks: []mark{{10, 5}, {20, 9}, {30, 12}}}
		st.trim(test.stored)
		if d := cmp.Diff(test.want, st.Marks); d != "" || st.Cut != (len(test.want) < 3) {
			t.Errorf("%v is stored: %v, cut: %t", test.stored, st.Marks, st.Cut)
		}
	}
}

// A position was given out when its seq is not beyond the last of its epoch, or of those before. Of epochs that are forgotten
// nothing is held against a client.
func TestAPositionThatWasNeverGivenOut(t *testing.T) {
	whole := state{Marks: []mark{{10, 5}, {20, 9}}, Floor: 25}
	cut := whole
	cut.Cut = true
	for _, test := range []struct {
		p          mark
		whole, cut bool
	}{
		{mark{}, false, false},
		{mark{10, 5}, false, false},
		{mark{10, 6}, true, true},
		{mark{19, 5}, false, false},
		{mark{20, 9}, false, false},
		{mark{20, 10}, true, true},
		{mark{25, 9}, false, false},
		{mark{26, 9}, true, true},
		{mark{9, 1}, true, false},
		{mark{9, 5}, true, false},
		{mark{9, 6}, true, true},
	} {
		if got := whole.ahead(test.p.of("h"), 22); got != test.whole {
			t.Errorf("%v was never given out: %t", test.p, got)
		}
		if got := cut.ahead(test.p.of("h"), 22); got != test.cut {
			t.Errorf("%v was never given out, with epochs forgotten: %t", test.p, got)
		}
	}
}

// Options that are left out, or make no sense, are the defaults; others are kept.
func TestDefaults(t *testing.T) {
	for _, n := range []int{-1, 0, 1} {
		o := Options{Timeout: time.Duration(n), Quota: int64(n), Retain: time.Duration(n), Memory: n}.withDefaults()
		want := [4]int64{int64(time.Second), DefaultQuota, int64(DefaultRetain), DefaultMemory}
		if n > 0 {
			want = [4]int64{1, 1, 1, 1}
		}
		if got := [4]int64{int64(o.Timeout), o.Quota, int64(o.Retain), int64(o.Memory)}; got != want {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
}

// A hook that was moved to an epoch of its own comes under a later one after a start, also when the relay's is the same.
func TestAStartMovesAHookThatIsNotBehindTheEpoch(t *testing.T) {
	const epoch = 1000
	for floor, want := range map[uint64]uint64{0: 0, epoch - 1: epoch - 1, epoch: epoch + 1, epoch + 1: epoch + 2} {
		s, id := opened(t)
		load := func(tx *bolt.Tx) error {
			b := &batch{s: s, tx: tx}
			b.put(bucketStates, id, state{Floor: floor})
			s.epoch = epoch
			return errors.Join(b.err, s.loadNouns(tx))
		}
		if err := s.db.Update(load); err != nil {
			t.Fatal(err)
		}
		st := s.hooks[id].state
		if p := st.next(s.epoch); st.Floor != want || p.Epoch != max(want, epoch) {
			t.Errorf("a floor of %d becomes %d, and the next is %v", floor, st.Floor, p)
		}
	}
}

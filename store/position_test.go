package store

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/provider"
)

func at(seq uint64) cursor.Position { return cursor.Position{Hook: "h", Epoch: 1, Seq: seq} }

func entry(n int, p cursor.Position) Entry { return Entry{Delivery: delivery(n), Position: p} }

func positionOf(t *testing.T, s *Store, hook string) cursor.Position {
	t.Helper()
	var out cursor.Position
	if err := s.View(t.Context(), func(tx *Tx) (err error) { out, err = tx.Position(hook); return err }); err != nil {
		t.Fatalf("position of %s: %v", hook, err)
	}
	return out
}

func TestWhatIsHandedOverAgainIsNotStoredAgain(t *testing.T) {
	tests := []struct {
		name string
		had  cursor.Position
		next cursor.Position
		kept bool
	}{
		{"the next one", at(4), at(5), true},
		{"one further on", at(4), at(400), true},
		{"the same", at(4), at(4), false},
		{"an earlier one", at(4), at(3), false},
		{"a small number of a later epoch", at(4), cursor.Position{Hook: "h", Epoch: 2, Seq: 1}, true},
		{"a large number of an earlier epoch", cursor.Position{Hook: "h", Epoch: 2, Seq: 1}, at(9), false},
		{"another hook", at(4), cursor.Position{Hook: "g", Epoch: 1, Seq: 1}, true},
		{"the first of all may be numbered zero", cursor.Position{Hook: "g", Epoch: 1}, cursor.Position{Hook: "h"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, Options{})
			if _, err := s.AppendBatch(t.Context(), []Entry{entry(1, tt.had)}); err != nil {
				t.Fatal(err)
			}
			out, err := s.AppendBatch(t.Context(), []Entry{entry(2, tt.next)})
			if err != nil || len(out) != 1 || out[0].Err != nil {
				t.Fatalf("%+v, %v", out, err)
			}
			if out[0].Known == tt.kept || (out[0].Delivery.Seq != 0) != tt.kept {
				t.Errorf("%+v", out[0])
			}
			want := uint64(1)
			if tt.kept {
				want = 2
			}
			if n := count(t, s); uint64(n) != want {
				t.Errorf("%d deliveries", n)
			}
		})
	}
}

func TestWithinABatchToo(t *testing.T) {
	s := open(t, Options{})
	before := s.Commits()
	out, err := s.AppendBatch(t.Context(), []Entry{
		entry(1, at(1)), entry(2, at(3)), entry(3, at(3)), entry(4, at(2)), entry(5, at(4)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var kept []uint64
	for _, a := range out {
		kept = append(kept, a.Delivery.Seq)
	}
	if len(kept) != 5 || kept[0] != 1 || kept[1] != 2 || !out[2].Known || !out[3].Known || kept[4] != 3 {
		t.Errorf("%+v", out)
	}
	if got := positionOf(t, s, "h"); got != at(4) {
		t.Errorf("the position is %+v", got)
	}
	if n := s.Commits() - before; n != 1 {
		t.Errorf("%d commits for one batch", n)
	}
}

func TestAPositionIsMovedByWhateverIsKept(t *testing.T) {
	s := open(t, Options{})
	forged := delivery(1)
	forged.Verdict, forged.Status = provider.Rejected, 401
	out, err := s.AppendBatch(t.Context(), []Entry{
		{Delivery: forged, Keep: KeepInRing, Position: at(1)},
		{Keep: KeepPosition, Position: cursor.Position{Hook: "g", Epoch: 1, Seq: 7}},
		{Delivery: delivery(2), Position: at(2), Effect: func(*Tx, *app.Delivery) error { return errors.New("not understood") }},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out[0].Delivery.Seq == 0 || out[1].Delivery.Seq != 0 || out[2].Delivery.Unapplied != "not understood" {
		t.Errorf("%+v", out)
	}
	if got := positionOf(t, s, "h"); got != at(2) {
		t.Errorf("h is at %+v", got)
	}
	if got := positionOf(t, s, "g"); got.Seq != 7 {
		t.Errorf("g is at %+v", got)
	}
	page, err := s.Events(t.Context(), app.EventQuery{Verdict: provider.Rejected})
	if err != nil || len(page.Events) != 1 {
		t.Errorf("the ring holds %+v, %v", page.Events, err)
	}
}

func TestPositionsOutliveRetentionAndCompaction(t *testing.T) {
	clock := newClock()
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, clock.options(Options{Path: path, SegmentRows: 2, RetainFor: time.Hour}))
	for n := range 8 {
		if _, err := s.AppendBatch(t.Context(), []Entry{entry(n, at(uint64(n+1)))}); err != nil {
			t.Fatal(err)
		}
	}
	clock.run(365 * 24 * time.Hour)
	retain(t, s)
	if n := count(t, s); n > 2 {
		t.Fatalf("retention left %d deliveries", n)
	}
	if _, _, err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Path: path})
	if got := positionOf(t, again, "h"); got != at(8) {
		t.Errorf("the position is %+v", got)
	}
	out, err := again.AppendBatch(t.Context(), []Entry{entry(0, at(1))})
	if err != nil || !out[0].Known {
		t.Errorf("a request that retention has dropped is stored again: %+v, %v", out, err)
	}
}

// TestADamagedMeetingTakesNoNeighbours spoils the record of a meeting that one delivery of a batch is about: that one is
// stored without its effect, and the others with theirs.
func TestADamagedMeetingTakesNoNeighbours(t *testing.T) {
	s := open(t, Options{})
	if err := s.db.Update(func(b *bolt.Tx) error { return b.Bucket(bucketMeetings).Put([]byte("m"), []byte("{")) }); err != nil {
		t.Fatal(err)
	}
	touch := func(tx *Tx, _ *app.Delivery) error { tx.Touch("m"); return nil }
	value := func(tx *Tx, _ *app.Delivery) error { return tx.PutValue("seen", []byte("yes")) }
	out, err := s.AppendBatch(t.Context(), []Entry{
		{Delivery: delivery(1), Position: at(1), Effect: value}, {Delivery: delivery(2), Position: at(2), Effect: touch},
		{Delivery: delivery(3), Position: at(3)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range out {
		if a.Err != nil || a.Known || a.Delivery.Seq == 0 || (a.Delivery.Unapplied != "") != (i == 1) {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if got := positionOf(t, s, "h"); got != at(3) {
		t.Errorf("the position is %+v", got)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		if string(tx.Value("seen")) != "yes" {
			t.Error("the effect of a neighbour is lost")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestNothingOfABatchIsStoredWhenItsCommitFails makes the disk refuse: no position may move past a delivery that isn't stored.
func TestNothingOfABatchIsStoredWhenItsCommitFails(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.AppendBatch(t.Context(), []Entry{entry(1, at(1))}); err != nil {
		t.Fatal(err)
	}
	long := entry(3, cursor.Position{Hook: string(make([]byte, bolt.MaxKeySize+1)), Epoch: 1, Seq: 1})
	if _, err := s.AppendBatch(t.Context(), []Entry{entry(2, at(2)), long}); err == nil {
		t.Fatal("a key that the file refuses was written")
	}
	if got := positionOf(t, s, "h"); got != at(1) || count(t, s) != 1 {
		t.Errorf("half of the batch was stored: %+v, %d deliveries", got, count(t, s))
	}
	out, err := s.AppendBatch(t.Context(), []Entry{entry(2, at(2))})
	if err != nil || out[0].Known || out[0].Delivery.Seq != 2 {
		t.Errorf("handed over again: %+v, %v", out, err)
	}
}

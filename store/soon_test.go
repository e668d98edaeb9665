package store

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// What may wait shares the commit of a delivery, and doesn't wait where none comes.
func TestAnUpdateThatMayWaitSharesACommit(t *testing.T) {
	s := open(t, Options{})
	put := func() {
		if err := s.UpdateSoon(t.Context(), func(tx *Tx) error { return tx.PutValue("a", []byte("b")) }); err != nil {
			t.Error(err)
		}
	}
	put()
	var wg sync.WaitGroup
	before := uint64(0)
	between(t, s, func() {
		before = s.commits.Load() + 1 // with this one
		wg.Go(put)
		wg.Go(func() { appendN(t, s, 1, nil) })
		for len(s.soon) == 0 || len(s.queue) == 0 {
			runtime.Gosched()
		}
	})
	wg.Wait()
	if n := s.commits.Load() - before; n != 1 {
		t.Errorf("%d commits for both", n)
	}
	between(t, s, func() {
		wg.Go(put)
		for len(s.soon) == 0 {
			runtime.Gosched()
		}
		s.once.Do(func() { close(s.closing) })
	})
	wg.Wait() // what waits is written when the store is closed
}

// Writes that may wait make no merge follow soon, so that the next delivery doesn't meet one. A reader that can wait sees them.
func TestAQuietCommitIsMergedLater(t *testing.T) {
	s := open(t, Options{})
	between(t, s, func() { s.log.within = time.Hour })
	if err := s.View(t.Context(), func(*Tx) error { return nil }); err != nil { // from here on nothing is open
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.UpdateSoon(t.Context(), func(tx *Tx) error { return tx.PutValue("a", []byte("b")) }); err != nil {
		t.Fatal(err)
	}
	for s.unmerged.Load() {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took < mergeQuietly {
		t.Errorf("it was merged after %v", took)
	}
	if err := s.UpdateSoon(t.Context(), func(tx *Tx) error { return tx.PutValue("a", []byte("c")) }); err != nil {
		t.Fatal(err)
	}
	appendN(t, s, 1, nil)
	if err := s.ViewLater(t.Context(), func(tx *Tx) error {
		if string(tx.Value("a")) != "c" {
			t.Error("the reader doesn't see what was stored")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

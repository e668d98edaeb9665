package store

import (
	"runtime"
	"sync"
	"testing"
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

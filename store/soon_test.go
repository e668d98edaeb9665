package store

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
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

// The latest deliveries can be read before they are merged, and that merges nothing.
func TestTheLatestIsReadWithoutAMerge(t *testing.T) {
	s := open(t, Options{})
	s.log.within = time.Hour
	appendN(t, s, 1, nil)
	unmerged := false
	for n := 1; n < 10 || !unmerged; n++ { // now and then a merge is due
		d := delivery(n)
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
		var got, next app.Delivery
		if err := s.Latest(t.Context(), func(tx *Tx) (err error) {
			unmerged = unmerged || tx.b.Writable()
			if got, err = tx.Delivery(tx.LastSeq()); err != nil {
				return err
			}
			if next, err = tx.NextToForward(ForwardJob{}, uint64(n)); err != nil {
				return err
			}
			_, err = tx.NextToForward(ForwardJob{}, uint64(n)+1)
			return err
		}); !errors.Is(err, ErrNotFound) || got.ProviderID != d.ProviderID || string(got.Body) != string(d.Body) || next.ProviderID != d.ProviderID {
			t.Fatalf("%d is read as %+v and %+v, %v", n, got, next, err)
		}
		if n%3 > 0 {
			continue
		}
		if n := count(t, s); n == 0 {
			t.Error("an ordinary read finds nothing")
		}
	}
	if err := s.Latest(t.Context(), func(tx *Tx) error {
		if tx.b.Writable() {
			panic("in the writer's goroutine")
		}
		return errors.New("merged meanwhile")
	}); err == nil {
		t.Error("a panic is no error")
	}
	for err, n := error(nil), 100; !errors.Is(err, ErrDamaged); n++ {
		if _, err := s.Append(t.Context(), Entry{Delivery: delivery(n)}); err != nil {
			t.Fatal(err)
		}
		err = s.Latest(t.Context(), func(tx *Tx) error {
			if !tx.b.Writable() {
				return nil // merged meanwhile
			}
			return kind.Damaged(s.Path(), "a page")
		})
	}
	if stats, err := s.Stats(t.Context()); err != nil || !strings.Contains(stats.Problem, "a page") {
		t.Errorf("the problem is %q, %v", stats.Problem, err)
	}
}

package store

import (
	"context"
	"errors"
	"runtime"
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

// A reader who has time waits for the next merge only while much is written.
func TestAnIdleReaderWaitsUnderLoad(t *testing.T) {
	for _, busy := range []bool{false, true} {
		s := &Store{reads: make(chan chan struct{}), laterReads: make(chan chan struct{}), closed: make(chan struct{})}
		s.unmerged.Store(true)
		s.busy.Store(busy)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.ViewIdly(ctx, nil) }()
		waits := false
		select {
		case <-s.reads:
		case <-s.laterReads:
			waits = true
		}
		cancel()
		if err := <-ended; waits != busy || !errors.Is(err, context.Canceled) {
			t.Errorf("much is written: %v, the reader waits: %v, %v", busy, waits, err)
		}
	}
}

// Much is written while the log fills up fast, and no more when it doesn't.
func TestTheStoreIsBusyWhileTheLogFills(t *testing.T) {
	s := logging(t, t.TempDir())
	between(t, s, func() { s.log.size = 4 * redoStep })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for n := 1; !s.busy.Load(); n++ {
		d := delivery(n)
		d.Body = make(app.Body, 64<<10)
		if _, err := s.Append(ctx, Entry{Delivery: d, Effect: effect}); err != nil {
			t.Fatal(err)
		}
	}
	add(t, s, 0)
	for s.busy.Load() {
		if ctx.Err() != nil {
			t.Fatal("the store remains busy without writes")
		}
		runtime.Gosched()
	}
}

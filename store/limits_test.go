package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// held stops the writer until the function that is returned is called.
func held(t *testing.T, s *Store) (release func()) {
	t.Helper()
	hold, is := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	s.queue <- &write{maintain: func() error { close(is); <-hold; return nil }, done: done}
	<-is
	return func() { close(hold); <-done }
}

// What waits shares commits, no more than a batch in each, in the order in which it came.
func TestWhatWaitsSharesCommits(t *testing.T) {
	var seqs []uint64
	var commits []int
	s := open(t, Options{Batch: 4, QueueLen: 64, OnCommit: func(all []app.Change) {
		commits = append(commits, len(all))
		for _, c := range all {
			if c.Delivery == nil || c.Delivery.Headers != nil || c.Delivery.Body != nil {
				t.Errorf("%+v was published", c)
				continue
			}
			seqs = append(seqs, c.Delivery.Seq)
		}
	}})
	release := held(t, s)
	var waiting []*write
	for n := range 10 {
		it, err := newItem(Entry{Delivery: delivery(n)})
		if err != nil {
			t.Fatal(err)
		}
		w := &write{items: []*item{it}, done: make(chan error, 1)}
		s.queue <- w
		waiting = append(waiting, w)
	}
	before := s.Commits()
	release()
	for i, w := range waiting {
		if err := <-w.done; err != nil || w.items[0].got.Delivery.Seq != uint64(i+1) {
			t.Errorf("%d got number %d, %v", i, w.items[0].got.Delivery.Seq, err)
		}
	}
	if n := s.Commits() - before; n != 3 || !slices.Equal(commits, []int{4, 4, 2}) {
		t.Errorf("ten deliveries made %d commits, with %v changes", n, commits)
	}
	if !slices.IsSorted(seqs) || len(seqs) != 10 {
		t.Errorf("published: %v", seqs)
	}
}

// Rejected deliveries are committed when a batch of them waits, otherwise with other writes or after a pause.
func TestABatchOfRejectedDeliveriesIsCommitted(t *testing.T) {
	s := open(t, Options{Batch: 3})
	done := make(chan error, 3)
	began := time.Now()
	for n := range 3 {
		it, err := newItem(Entry{Delivery: delivery(n), Keep: KeepInRing})
		if err != nil {
			t.Fatal(err)
		}
		s.slow <- &write{items: []*item{it}, done: done}
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := s.Commits(); n > 3 || n == 0 {
		t.Errorf("%d commits in %v", n, time.Since(began))
	}
	if _, err := s.Reject(t.Context(), delivery(9)); err != nil {
		t.Error(err)
	}
}

// Nothing is published of a commit that changes nothing, nor of one that fails.
func TestOnlyChangesArePublished(t *testing.T) {
	calls := 0
	s := open(t, Options{OnCommit: func([]app.Change) { calls++ }})
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutValue("a", []byte("b")) }); err != nil || calls != 0 {
		t.Errorf("%d calls, %v", calls, err)
	}
	fails := errors.New("no")
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.PutRoom(app.Room{ID: "r", RoomSettings: app.RoomSettings{Name: "r"}}), fails)
	}); !errors.Is(err, fails) || calls != 0 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutRoom(app.Room{ID: "r", RoomSettings: app.RoomSettings{Name: "r"}}) }); err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// The ring keeps as many rows, and bytes, as it may, of the newest.
func TestTheRingIsBounded(t *testing.T) {
	s := open(t, Options{RingRows: 3, RingBytes: 20_000})
	add := func(n, size int) {
		t.Helper()
		d := delivery(n)
		d.Verdict, d.Body = provider.Rejected, make(app.Body, size)
		if _, err := s.AppendBatch(t.Context(), []Entry{{Delivery: d, Keep: KeepInRing}}); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() (seqs []uint64) {
		page, err := s.Events(t.Context(), app.EventQuery{Verdict: provider.Rejected})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			seqs = append(seqs, e.Seq)
		}
		return seqs
	}
	for n := range 3 {
		add(n, 10)
	}
	if got := kept(); !slices.Equal(got, []uint64{3, 2, 1}) {
		t.Errorf("%v are kept", got)
	}
	add(3, 10)
	if got := kept(); !slices.Equal(got, []uint64{4, 3, 2}) {
		t.Errorf("%v are kept", got)
	}
	add(4, 15_000)
	add(5, 15_000)
	if got := kept(); !slices.Equal(got, []uint64{6}) {
		t.Errorf("%v are kept", got)
	}
	add(6, 50_000) // more than the bound, and the newest all the same
	if got := kept(); !slices.Equal(got, []uint64{7}) {
		t.Errorf("%v are kept", got)
	}
	add(7, 10)
	if st, err := s.Stats(t.Context()); err != nil || st.Deliveries != 1 {
		t.Errorf("%d deliveries, %v", st.Deliveries, err)
	}
	for _, bound := range [][]byte{ringRejected.countOfRows, ringRejected.countOfB} {
		if err := s.View(t.Context(), func(tx *Tx) error {
			n := un64(tx.b.Bucket(bucketMeta).Get(bound))
			if bytes.Equal(bound, ringRejected.countOfRows) && n != 1 || bytes.Equal(bound, ringRejected.countOfB) && (n < 100 || n > 2000) {
				return fmt.Errorf("%s is %d", bound, n)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

func segments(t *testing.T, s *Store) (rows []uint64) {
	t.Helper()
	if err := s.View(t.Context(), func(tx *Tx) error {
		all := tx.b.Bucket(bucketSegments)
		return all.ForEachBucket(func(k []byte) error {
			rows = append(rows, statOf(all.Bucket(k)).rows)
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// A segment is closed when it has its rows, its bytes, or an eighth of the time that it is kept.
func TestSegmentsAreClosed(t *testing.T) {
	c := newClock()
	rows := open(t, c.options(Options{SegmentRows: 4}))
	for n := range 9 {
		appendAt(t, rows, c, n)
	}
	if got := segments(t, rows); !slices.Equal(got, []uint64{4, 4, 1}) {
		t.Errorf("by rows: %v", got)
	}
	size := open(t, c.options(Options{SegmentBytes: 25_000}))
	for n := range 7 {
		d := delivery(n)
		d.Body = make(app.Body, 10_000)
		if _, err := size.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	if got := segments(t, size); !slices.Equal(got, []uint64{3, 3, 1}) {
		t.Errorf("by bytes: %v", got)
	}
	age := open(t, c.options(Options{RetainFor: 8 * day}))
	for n := range 4 {
		appendAt(t, age, c, n)
		c.run(12*time.Hour + time.Second)
	}
	if got := segments(t, age); !slices.Equal(got, []uint64{2, 2}) {
		t.Errorf("by age: %v", got)
	}
}

// Retention by size drops whole segments, the oldest first, and never the open one.
func TestRetentionBySize(t *testing.T) {
	s := open(t, Options{SegmentRows: 2, RetainBytes: 35_000})
	for n := range 7 {
		d := delivery(n)
		d.Body = make(app.Body, 10_000)
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	retain(t, s)
	if got := segments(t, s); !slices.Equal(got, []uint64{2, 1}) {
		t.Errorf("%v are left", got)
	}
	page, err := s.Events(t.Context(), app.EventQuery{})
	if err != nil || len(page.Events) != 3 || page.Events[0].Seq != 7 || page.Events[2].Seq != 5 {
		t.Errorf("%+v, %v", page, err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Deliveries != 3 {
		t.Errorf("%d deliveries are counted, %v", st.Deliveries, err)
	}
	small := open(t, Options{SegmentRows: 2, RetainBytes: 1})
	for n := range 2 {
		if _, err := small.Append(t.Context(), Entry{Delivery: delivery(n)}); err != nil {
			t.Fatal(err)
		}
	}
	retain(t, small)
	if n := count(t, small); n != 2 {
		t.Errorf("%d deliveries of the open segment are left", n)
	}
}

// Pages at every edge: of blocks, of segments, of the range, and of the limit.
func TestEveryEdgeOfAPage(t *testing.T) {
	s := open(t, Options{SegmentRows: 340}) // two blocks and a little more
	const n = 520
	var batch []Entry
	for i := range n {
		e := Entry{Delivery: delivery(i)}
		if i%13 == 0 {
			e.Keep = KeepInRing
		}
		batch = append(batch, e)
	}
	if _, err := s.AppendBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for edge := uint64(1); edge <= n; edge++ {
		back, err := s.Events(t.Context(), app.EventQuery{Before: edge, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for _, e := range back.Events {
			got = append(got, e.Seq)
		}
		want := []uint64{}
		for q := edge - 1; q > 0 && len(want) < 2; q-- {
			want = append(want, q)
		}
		if !slices.Equal(got, want) || back.More != (edge > 3) {
			t.Fatalf("before %d: %v, more %v", edge, got, back.More)
		}
		forth, err := s.Events(t.Context(), app.EventQuery{After: edge, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		got, want = nil, []uint64{}
		for _, e := range slices.Backward(forth.Events) {
			got = append(got, e.Seq)
		}
		for q := edge + 1; q <= n && len(want) < 2; q++ {
			want = append(want, q)
		}
		if !slices.Equal(got, want) || forth.More != (edge < n-2) {
			t.Fatalf("after %d: %v, more %v", edge, got, forth.More)
		}
		between, err := s.Events(t.Context(), app.EventQuery{After: edge, Before: edge + 2})
		if err != nil || edge < n && (len(between.Events) != 1 || between.Events[0].Seq != edge+1) {
			t.Fatalf("between %d and %d: %+v, %v", edge, edge+2, between, err)
		}
		if err := s.View(t.Context(), func(tx *Tx) error {
			d, err := tx.Delivery(edge)
			if err == nil && d.Seq != edge {
				err = fmt.Errorf("%d is %d", edge, d.Seq)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{0, 1000, 5000} {
		page, err := s.Events(t.Context(), app.EventQuery{Limit: limit})
		want := min(n, 1000)
		if limit == 0 {
			want = 100
		}
		if err != nil || len(page.Events) != want {
			t.Errorf("limit %d: %d events, %v", limit, len(page.Events), err)
		}
	}
	if err := s.View(t.Context(), func(tx *Tx) error { _, err := tx.Delivery(n + 1); return err }); !errors.Is(err, ErrNotFound) {
		t.Errorf("what isn't there: %v", err)
	}
}

func TestDamagedBodiesAreErrors(t *testing.T) {
	whole, err := encodeBlob(delivery(1))
	if err != nil {
		t.Fatal(err)
	}
	if h, b, err := decodeBlob(whole); err != nil || len(h["X-Twice"]) != 2 || string(b) != `{"n":1}` {
		t.Errorf("%v, %q, %v", h, b, err)
	}
	for _, bad := range [][]byte{nil, {0x80}, {2}, {3, '{', '}'}, {1, '{'}, bytes.Repeat([]byte{0xff}, 11)} {
		if _, _, err := decodeBlob(bad); err == nil {
			t.Errorf("%x was read", bad)
		}
	}
	for _, fine := range [][]byte{{2, '{', '}'}, {2, '{', '}', 'x'}} {
		if h, b, err := decodeBlob(fine); err != nil || h == nil || len(b) != len(fine)-3 {
			t.Errorf("%x: %v, %q, %v", fine, h, b, err)
		}
	}
}

// A system that has not so much address space gets less of it.
func TestAMappingThatDoesNotFitIsSmaller(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("elsewhere there may be room")
	}
	for range 6 { // of 32 TiB, in 128
		s := open(t, Options{RetainBytes: 1 << 50})
		if _, err := s.Append(t.Context(), Entry{Delivery: delivery(1)}); err != nil {
			t.Fatal(err)
		}
	}
}

// Events that were seen are remembered in generations that are full or old.
func TestGenerationsOfSeenEvents(t *testing.T) {
	s := open(t, Options{})
	at := t0
	see := func(n int) {
		t.Helper()
		if err := s.db.Update(func(b *bolt.Tx) error {
			var r recent
			g, err := openGenerations(&r, nil, b, at)
			if err != nil {
				return err
			}
			if err := g.add(seenHash("a", fmt.Sprint(n)), uint64(n+1)); err != nil {
				return err
			}
			return errors.Join(r.flush(), g.flush())
		}); err != nil {
			t.Fatal(err)
		}
	}
	generations := func() (n int) {
		if err := s.View(t.Context(), func(tx *Tx) error {
			return tx.b.Bucket(bucketSeen).ForEachBucket(func([]byte) error { n++; return nil })
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, c := range []struct {
		after time.Duration
		count uint64
		want  int
	}{
		{0, 0, 1}, {generationFor - 1, 0, 1}, {1, 0, 2}, {-day, 0, 2}, {day, generationRows - 1, 2}, {0, generationRows, 3}, {0, 0, 3},
	} {
		if at = at.Add(c.after); c.count > 0 {
			if err := s.db.Update(func(b *bolt.Tx) error { return b.Bucket(bucketMeta).Put(keySeenRows, be64(c.count)) }); err != nil {
				t.Fatal(err)
			}
		}
		see(i)
		if n := generations(); n != c.want {
			t.Errorf("%d: %d generations, not %d", i, n, c.want)
		}
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		g, err := openGenerations(&recent{}, nil, tx.b, at)
		if err != nil {
			return err
		}
		for i := range 7 {
			if got := g.find(seenHash("a", fmt.Sprint(i))); got != uint64(i+1) {
				t.Errorf("%d was seen as %d", i, got)
			}
		}
		if g.find(seenHash("a", "7")) != 0 || g.find(seenHash("b", "1")) != 0 {
			t.Error("what wasn't seen was")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Names of what a restore keeps are counted, and what is in their way stays.
func TestWhatARestoreKeepsIsCounted(t *testing.T) {
	s := open(t, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), FileName)
	if kept, err := Restore(t.Context(), path, s.Path()); err != nil || kept != "" {
		t.Fatalf("%q, %v", kept, err)
	}
	if err := os.WriteFile(path+".before-restore-2", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1", "3", "4"} {
		if kept, err := Restore(t.Context(), path, s.Path()); err != nil || kept != path+".before-restore-"+want {
			t.Errorf("%q, %v", kept, err)
		}
	}
	if b, err := os.ReadFile(path + ".before-restore-2"); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}
}

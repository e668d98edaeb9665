package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/provider"
)

// drain reads a feed to its end.
func drain(f *Feed) (all []app.Delivery, err error) {
	for {
		d, err := f.Next(context.Background())
		if errors.Is(err, ErrNotFound) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, d)
	}
}

// A feed that follows from memory returns what one returns that reads the file, wherever it begins and however far it falls behind.
func TestAFeedFromMemoryIsOneFromTheFile(t *testing.T) {
	dir, stores := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		stores++
		s, err := Open(Options{Path: filepath.Join(dir, fmt.Sprint(stores)), SegmentRows: 50, RingRows: 500})
		if err != nil {
			t.Fatal(err)
		}
		s.db.NoSync = true
		defer s.Close()
		selects := rapid.SampledFrom([]string{"", "verdict:verified,rejected", "room:room-3", "body.a:>5 header.X-Nr:1*", "seq:10..40"}).Draw(t, "filter")
		job := ForwardJob{Selects: selects}
		feed, err := s.Feed(job)
		if err != nil {
			t.Fatal(err)
		}
		var got []app.Delivery
		follow := func() {
			more, err := drain(feed)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, more...)
		}
		n := 0
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			var batch []Entry
			for range rapid.IntRange(1, 8).Draw(t, "batch") {
				d := delivery(n % 30) // some repeat earlier ones
				d.Room, d.Body = fmt.Sprint("room-", n%5), app.Body(fmt.Sprintf(`{"a":%d,"b":%q}`, n%11, strings.Repeat("x", n%3*1000)))
				d.Headers.Set("X-Nr", fmt.Sprint(n))
				e := Entry{Delivery: d}
				if n%7 == 3 {
					e.Delivery.Verdict, e.Keep = provider.Rejected, KeepInRing
				}
				batch, n = append(batch, e), n+1
			}
			if _, err := s.AppendBatch(context.Background(), batch); err != nil {
				t.Fatal(err)
			}
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0: // it falls behind what is kept in memory
				s.tail.mu.Lock()
				for _, l := range s.tail.last {
					s.tail.after = l.seq
				}
				s.tail.last, s.tail.bytes = nil, 0
				s.tail.mu.Unlock()
				follow()
			case 1: // the latest event is tried again
				if follow(); len(got) > 1 {
					feed.Back(got[len(got)-2].Seq)
					got = got[:len(got)-1]
				}
			case 2:
				follow()
			}
		}
		follow()
		s.tail.mu.Lock()
		s.tail.begun, s.tail.last, s.tail.bytes = false, nil, 0
		s.tail.mu.Unlock()
		other, err := s.Feed(job)
		if err != nil {
			t.Fatal(err)
		}
		want, err := drain(other)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d events from memory, %d from the file, %v", len(got), len(want), err)
		}
		for i := range got {
			a, b := got[i], want[i]
			if a.Seq != b.Seq || string(a.Body) != string(b.Body) || a.Method != b.Method || a.Target != b.Target || a.Account != b.Account ||
				fmt.Sprint(a.Headers) != fmt.Sprint(b.Headers) || a.Room != b.Room || a.Verdict != b.Verdict {
				t.Fatalf("%+v from memory, %+v from the file", a, b)
			}
		}
	})
}

// What is kept in memory is bounded, and nothing is kept before a forward reads.
func TestTheTailIsBounded(t *testing.T) {
	var nothing tail
	if l, ok := nothing.next(5); l != nil || ok {
		t.Error("an empty tail knows what comes next")
	}
	s := open(t, Options{})
	appendN(t, s, 3, nil)
	if len(s.tail.last) != 0 {
		t.Error("events are kept though no forward reads them")
	}
	var all tail
	big := make([]byte, tailBytes/10)
	for n := range uint64(3 * tailEvents) {
		blob := big[:10]
		if n > 2*tailEvents {
			blob = big
		}
		all.add([]*latest{newLatest(app.Delivery{Seq: n + 1}, blob)})
		if len(all.last) > tailEvents || all.bytes > tailBytes || all.after != n+1-uint64(len(all.last)) {
			t.Fatalf("%d events of %d bytes are kept, beyond %d", len(all.last), all.bytes, all.after)
		}
		if l, ok := all.next(n); !ok || l.seq != n+1 {
			t.Fatalf("the latest is %+v, %v", l, ok)
		}
	}
	if n := len(all.last); n != 10 {
		t.Errorf("%d large events are kept", n)
	}
	all.add([]*latest{newLatest(app.Delivery{Seq: 3*tailEvents + 1}, make([]byte, 2*tailBytes))})
	if l, ok := all.next(3 * tailEvents); ok || l != nil || all.bytes != 0 {
		t.Error("an event that is larger than all of it is kept")
	}
	for _, seq := range []uint64{1, 2, 4, 5} {
		all.add([]*latest{newLatest(app.Delivery{Seq: 4*tailEvents + seq}, big[:10])})
	}
	for after, want := range []uint64{0, 0, 0, 4, 5} { // only the file has the third one
		l, ok := all.next(4*tailEvents + uint64(after))
		if ok != (want > 0) || ok && l.seq != 4*tailEvents+want {
			t.Errorf("after event %d comes %+v, %v", after, l, ok)
		}
	}
}

// Events come from memory as soon as they are stored: reading them merges nothing.
func TestAFeedCausesNoMerge(t *testing.T) {
	s := open(t, Options{})
	feed, err := s.Feed(ForwardJob{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := drain(feed); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	between(t, s, func() { s.log.within = 1 << 60 })
	merged := s.log.epoch
	for n := range 20 {
		if _, err := s.Append(t.Context(), Entry{Delivery: delivery(n)}); err != nil {
			t.Fatal(err)
		}
		var pending bool
		between(t, s, func() { pending, merged = s.log.pending() || !slices.Equal(merged, s.log.epoch), s.log.epoch })
		got, err := drain(feed)
		if err != nil || len(got) != 1 || got[0].ProviderID != delivery(n).ProviderID {
			t.Fatalf("%+v, %v", got, err)
		}
		if !pending {
			t.Error("the event was merged before it was read")
		}
	}
}

// An outcome keeps what users and retention changed of the forward since the sender read it, and so does the next one.
func TestAnOutcomeKeepsWhatChangedMeanwhile(t *testing.T) {
	s := open(t, Options{})
	appendN(t, s, 2, nil)
	put := func(j ForwardJob) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutForward(j) }); err != nil {
			t.Fatal(err)
		}
	}
	read := func() ForwardJob {
		t.Helper()
		j, err := Read(t.Context(), s, func(tx *Tx) (ForwardJob, error) { return tx.Forward("dev") })
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	put(ForwardJob{Name: "dev", URL: "http://a/"})
	sender := read()
	sender.Position, sender.Tries = 1, 0
	if err := s.Settle(t.Context(), &sender, app.Attempt{Name: "dev", Seq: 1, Status: 200}); err != nil {
		t.Fatal(err)
	}
	if j := read(); j.Position != 1 || j.Last == nil || j.Last.Status != 200 || string(j.stored) != string(sender.stored) {
		t.Errorf("%+v", j)
	}
	changed := read()
	changed.URL, changed.Dropped, changed.Paused = "http://b/", 7, true
	put(changed)
	sender.Position, sender.Parked = 2, []uint64{2}
	if err := s.Settle(t.Context(), &sender, app.Attempt{Name: "dev", Seq: 2, Status: 500}); err != nil {
		t.Fatal(err)
	}
	if j := read(); j.URL != "http://b/" || j.Dropped != 7 || !j.Paused || j.Position != 2 || !slices.Equal(j.Parked, []uint64{2}) || j.Last.Status != 500 {
		t.Errorf("%+v", j)
	}
	sender.Position = 3
	if err := s.Settle(t.Context(), &sender, app.Attempt{Name: "dev", Seq: 3, Status: 204}); err != nil {
		t.Fatal(err)
	}
	if j := read(); j.URL != "http://b/" || j.Dropped != 7 || !j.Paused || j.Position != 3 || j.Last.Status != 204 {
		t.Errorf("by the next outcome: %+v", j)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.DeleteForward("dev") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(t.Context(), &sender, app.Attempt{Name: "dev", Seq: 2}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an outcome of a forward that was deleted: %v", err)
	}
}

// Forwards decode an event once, from several goroutines.
func TestFeedsShareAnEvent(t *testing.T) {
	s := open(t, Options{})
	var feeds []*Feed
	for range 4 {
		f, err := s.Feed(ForwardJob{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := drain(f); err != nil {
			t.Fatal(err)
		}
		feeds = append(feeds, f)
	}
	for n := range 20 {
		d := delivery(n)
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, f := range feeds {
			wg.Go(func() {
				if got, err := drain(f); err != nil || len(got) != 1 || string(got[0].Body) != string(d.Body) {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		wg.Wait()
	}
}

// A forward that begins while the disk refuses to merge leaves out nothing: it fails until the file has what was acknowledged.
func TestAFeedThatBeginsOnAFullDisk(t *testing.T) {
	s := logging(t, t.TempDir())
	add(t, s, 1)
	add(t, s, 2)
	full := onFullDisk(t, s)
	if err := s.View(t.Context(), func(tx *Tx) error { return nil }); err != nil { // merges in vain
		t.Fatal(err)
	}
	feed, err := s.Feed(ForwardJob{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(feed)
	if !errors.Is(err, errUnmerged) {
		t.Errorf("%d events, %v", len(got), err)
	}
	full.Store(false)
	add(t, s, 3)
	more, err := drain(feed)
	if err != nil {
		t.Error(err)
	}
	for n, d := range append(got, more...) {
		if d.Seq != uint64(n+1) {
			t.Errorf("event %d is number %d", n+1, d.Seq)
		}
	}
	if n := len(got) + len(more); n != 4 {
		t.Errorf("%d of 4 events", n)
	}
}

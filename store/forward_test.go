package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// toForward returns the numbers of what a forward sends beyond after, one by one.
func toForward(t *testing.T, s *Store, after uint64) (seqs []uint64) {
	t.Helper()
	feed, err := s.Feed(ForwardJob{Position: after})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if err := s.View(t.Context(), func(tx *Tx) error {
			if got, want := tx.Queue(ForwardJob{Position: after}), len(toForwardOf(tx, after)); got != want {
				t.Errorf("%d wait beyond %d, not %d", got, after, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		d, err := feed.Next(t.Context())
		if errors.Is(err, ErrNotFound) {
			return seqs
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Body) == 0 || len(d.Headers) == 0 {
			t.Errorf("%d comes without its body or headers", d.Seq)
		}
		seqs, after = append(seqs, d.Seq), d.Seq
	}
}

func toForwardOf(tx *Tx, after uint64) (seqs []uint64) {
	for seq := after + 1; seq <= tx.LastSeq(); seq++ {
		if d, err := tx.Delivery(seq); err == nil && d.Verdict == provider.Verified && d.Kind != provider.KindTest && d.DuplicateOf == 0 {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

// Forwards send what is authentic and new, in order, over segments and blocks, beginning anywhere.
func TestWhatForwardsSend(t *testing.T) {
	s := open(t, Options{SegmentRows: 170})
	var batch []Entry
	for n := range 400 {
		e := Entry{Delivery: delivery(n)}
		switch {
		case n%7 == 1:
			e.Delivery.Kind = provider.KindTest
		case n%7 == 2:
			e.Delivery.ProviderID = fmt.Sprintf("evt-%d", n-2) // repeats one
		case n%7 == 3:
			e.Delivery.Verdict, e.Keep = provider.Rejected, KeepInRing
		case n%7 == 4:
			e.Delivery.Kind = provider.KindUnknown
		}
		batch = append(batch, e)
	}
	if got := toForward(t, s, 0); got != nil {
		t.Errorf("an empty store sends %v", got)
	}
	if _, err := s.AppendBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var want []uint64
	for n := range 400 {
		if k := n % 7; k == 0 || k > 3 {
			want = append(want, uint64(n+1))
		}
	}
	if got := toForward(t, s, 0); !slices.Equal(got, want) {
		t.Errorf("%v are sent, not %v", got, want)
	}
	for _, after := range []uint64{1, 168, 169, 170, 171, 172, 340, 341, 396, 399, 400, 5000} {
		i, _ := slices.BinarySearch(want, after+1)
		if got := toForward(t, s, after); !slices.Equal(got, want[i:]) {
			t.Errorf("beyond %d: %v are sent, not %v", after, got, want[i:])
		}
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		if n := tx.LastSeq(); n != 400 {
			return fmt.Errorf("the last one is %d", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Blocks of facets of earlier versions don't say which events repeat another: the row decides.
func TestRepeatsOfEarlierVersionsAreNotSent(t *testing.T) {
	s := open(t, Options{})
	d := delivery(1)
	for range 2 {
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	appendN(t, s, 1, nil)
	inSegment(t, s, asSchema6)
	feed, err := s.Feed(ForwardJob{Position: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := drain(feed); err != nil || len(got) != 1 || got[0].Seq != 3 {
		t.Errorf("%+v are sent, %v", got, err)
	}
}

// inSegment changes the oldest segment.
func inSegment(t *testing.T, s *Store, f func(*bolt.Bucket) error) {
	t.Helper()
	if err := s.db.Update(func(b *bolt.Tx) error {
		all := b.Bucket(bucketSegments)
		k, _ := all.Cursor().First()
		return f(all.Bucket(k))
	}); err != nil {
		t.Fatal(err)
	}
}

// An event whose record is damaged is named, so that those after it can be sent.
func TestADamagedEventIsNamed(t *testing.T) {
	for name, damage := range map[string]func(seg *bolt.Bucket) error{
		"no row":  func(seg *bolt.Bucket) error { return seg.Bucket(keyRows).Delete(be64(2)) },
		"row":     func(seg *bolt.Bucket) error { return seg.Bucket(keyRows).Put(be64(2), []byte("{")) },
		"body":    func(seg *bolt.Bucket) error { return seg.Bucket(keyBodies).Put(be64(2), []byte{200}) },
		"no body": func(seg *bolt.Bucket) error { return seg.Bucket(keyBodies).Delete(be64(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{})
			appendN(t, s, 3, nil)
			inSegment(t, s, damage)
			feed, err := s.Feed(ForwardJob{Position: 1})
			if err != nil {
				t.Fatal(err)
			}
			if d, err := feed.Next(t.Context()); !errors.Is(err, ErrUnreadable) || errors.Is(err, ErrNotFound) || d.Seq != 2 {
				t.Errorf("%+v, %v", d, err)
			}
			if d, err := feed.Next(t.Context()); err != nil || d.Seq != 3 {
				t.Errorf("%d, %v", d.Seq, err)
			}
		})
	}
}

func addAttempt(tx *Tx, a app.Attempt) error {
	made, err := newAttempt(a)
	tx.addAttempt(made)
	return err
}

// Of many attempts the first ones and the latest are kept, with their event, and they count for retention by size.
func TestAttemptsAreKeptWithTheirEvent(t *testing.T) {
	s := open(t, Options{})
	appendN(t, s, 3, nil)
	size := func() (n uint64) {
		inSegment(t, s, func(seg *bolt.Bucket) error { n = statOf(seg).bytes; return nil })
		return n
	}
	before := size()
	try := func(seq uint64, n int) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error {
			return addAttempt(tx, app.Attempt{Name: "dev", Seq: seq, Attempt: n, Answer: strings.Repeat("x", 1000)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	tries := func(seq uint64) (out []int) {
		t.Helper()
		if err := s.View(t.Context(), func(tx *Tx) error {
			d, err := tx.Delivery(seq)
			for _, a := range d.Forwards {
				if a.Name != "dev" || a.Seq != 0 {
					t.Errorf("%+v", a)
				}
				out = append(out, a.Attempt)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	try(1, 9)
	try(3, 9)
	for n := 1; n <= 30; n++ {
		try(2, n)
	}
	all := tries(2)
	full := size() - before
	if len(all) != 30 || full < 32*1000 || full > 32*1400 {
		t.Errorf("%v are kept, which is counted as %d bytes", all, full)
	}
	for n := 31; n <= 40; n++ {
		try(2, n)
	}
	want := append(slices.Clone(all[:5]), 16)
	for n := 17; n <= 40; n++ {
		want = append(want, n)
	}
	if got := tries(2); !slices.Equal(got, want) {
		t.Errorf("%v are kept, not %v", got, want)
	}
	if n := size() - before; n < full-20 || n > full+20 {
		t.Errorf("they are counted as %d bytes, and %d before", n, full)
	}
	if !slices.Equal(tries(1), []int{9}) || !slices.Equal(tries(3), []int{9}) {
		t.Errorf("the neighbours have %v and %v", tries(1), tries(3))
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Deliveries != 3 {
		t.Errorf("%+v, %v", st, err)
	}
	try(77, 1) // dropped by retention, or never there
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	appendN(t, s, 1, nil) // the counts outlive the next commit
	if n := size() - before; n < full {
		t.Errorf("%d bytes are counted after another delivery", n)
	}
}

// An attempt that fails with its effect is neither kept nor published.
func TestAnAttemptOfAFailedEffectIsNotKept(t *testing.T) {
	published := 0
	s := open(t, Options{OnCommit: func(all []app.Change) {
		for _, c := range all {
			if c.Kind == app.AttemptChange && c.Attempt.Seq == 1 {
				published++
			}
		}
	}})
	appendN(t, s, 1, nil)
	fails := errors.New("no")
	for _, end := range []error{fails, nil} {
		if err := s.Update(t.Context(), func(tx *Tx) error { return cmp.Or(addAttempt(tx, app.Attempt{Seq: 1}), end) }); !errors.Is(err, end) {
			t.Error(err)
		}
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		d, err := tx.Delivery(1)
		if len(d.Forwards) != 1 || published != 1 {
			t.Errorf("%d are kept, %d were published", len(d.Forwards), published)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// What retention drops while it waits is counted with its forward.
func TestWaitingEventsThatRetentionDropsAreCounted(t *testing.T) {
	c := newClock()
	s := open(t, c.options(Options{SegmentRows: 10}))
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.PutForward(ForwardJob{Name: "all"}), tx.PutForward(ForwardJob{Name: "some", Position: 14}),
			tx.PutForward(ForwardJob{Name: "none", Position: 20}), tx.put(bucketForwards, "odd", []byte("{")))
	}); err != nil {
		t.Fatal(err)
	}
	for n := range 30 {
		d := delivery(n)
		if d.At = app.At(c.now()); n%10 == 5 {
			d.Kind = provider.KindTest
		}
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
	}
	c.run(10 * day)
	appendAt(t, s, c, 30)
	turnsOf(t, s, c, 25*day, 8*time.Hour)
	if n := count(t, s); n != 1 {
		t.Fatalf("%d deliveries are left", n)
	}
	var got []string
	if err := s.View(t.Context(), func(tx *Tx) error {
		for _, j := range tx.Forwards() {
			got = append(got, fmt.Sprint(j.Name, " ", j.Position, " ", j.Dropped, " ", tx.Queue(j), " ", j.Damaged != nil))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"all 0 27 1 false", "none 20 9 1 false", "odd 0 0 1 true", "some 14 14 1 false"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// The record of one forward that is damaged hides no other, and the check names it.
func TestADamagedForwardHidesNoOther(t *testing.T) {
	s := open(t, Options{})
	want := ForwardJob{Name: "dev", URL: "http://u:p@h/", Source: app.ForwardByCommand, Position: 3, Trying: 4, Tries: 2, Failing: time.Minute, Parked: []uint64{1}}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.put(bucketForwards, "a", []byte("{")), tx.PutForward(want))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		all := tx.Forwards()
		if len(all) != 2 || all[0].Name != "a" || all[0].Damaged == nil || fmt.Sprint(all[1]) != fmt.Sprint(want) {
			t.Errorf("%+v", all)
		}
		j, err := tx.Forward("dev")
		if j.stored = nil; err != nil || fmt.Sprint(j) != fmt.Sprint(want) {
			t.Errorf("%+v, %v", j, err)
		}
		if _, err := tx.Forward("a"); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("a damaged one: %v", err)
		}
		if _, err := tx.Forward("b"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a missing one: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) != 1 || !strings.Contains(found[0], "forward a") {
		t.Errorf("%q, %v", found, err)
	}
}

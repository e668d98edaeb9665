package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
)

// clock is the system's clock and the time of running, which tests move together or apart.
type clock struct {
	mu      sync.Mutex
	wall    time.Time
	running time.Duration
}

func newClock() *clock { return &clock{wall: t0} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *clock) ran() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// run lets time pass, step corrects the system's clock alone.
func (c *clock) run(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.running = c.wall.Add(d), c.running+d
}

func (c *clock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

func (c *clock) options(o Options) Options {
	o.Now, o.Running = c.now, c.ran
	return o
}

// retain is one turn of retention, in the writer's goroutine.
func retain(t *testing.T, s *Store) {
	t.Helper()
	w := &write{maintain: func() error { s.retain(); return nil }, done: make(chan error, 1)}
	if err := s.enqueue(t.Context(), s.queue, w); err != nil {
		t.Fatal(err)
	}
}

// turns lets time pass with a turn of retention every 40 minutes, so that no part of the clock's day is left out.
func turns(t *testing.T, s *Store, c *clock, d time.Duration) {
	t.Helper()
	turnsOf(t, s, c, d, 40*time.Minute)
}

// turnsOf lets time pass with a turn of retention now and then. Each costs a commit.
func turnsOf(t *testing.T, s *Store, c *clock, d, every time.Duration) {
	t.Helper()
	for range d / every {
		c.run(every)
		retain(t, s)
	}
}

const day = 24 * time.Hour

func appendAt(t *testing.T, s *Store, c *clock, n int) {
	t.Helper()
	d := delivery(n)
	d.At = app.At(c.now())
	if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
		t.Fatal(err)
	}
}

// appendSome appends thirty deliveries in three commits, a minute apart.
func appendSome(t *testing.T, s *Store, c *clock, n int) int {
	t.Helper()
	for range 3 {
		var batch []Entry
		for range 10 {
			d := delivery(n)
			d.At = app.At(c.now())
			batch, n = append(batch, Entry{Delivery: d}), n+1
		}
		if _, err := s.AppendBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		c.run(time.Minute)
	}
	return n
}

// Whichever way the system's clock is wrong, and while the store is open or closed, nothing young is dropped: neither while
// it is wrong, nor when it is corrected.
func TestAWrongClockDropsNothing(t *testing.T) {
	for name, step := range map[string]time.Duration{
		"ahead": 40 * day, "far ahead": 9 * 365 * day, "behind": -40 * day, "of 1970": -56 * 365 * day,
	} {
		for _, reopened := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newClock()
				path := filepath.Join(t.TempDir(), FileName)
				s := open(t, c.options(Options{Path: path, SegmentRows: 10}))
				move := func(d time.Duration) {
					if !reopened {
						c.step(d)
						return
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					c.step(d)
					s = open(t, c.options(Options{Path: path, SegmentRows: 10}))
				}
				kept := 0
				for range 3 {
					kept = appendSome(t, s, c, kept)
					move(step)
					turns(t, s, c, 12*time.Hour)
					kept = appendSome(t, s, c, kept)
					move(-step)
					turns(t, s, c, 3*day)
				}
				if n := count(t, s); n != kept {
					t.Errorf("%d of %d deliveries, none older than two weeks, are left", n, kept)
				}
				turnsOf(t, s, c, 32*day, 8*time.Hour)
				if n := count(t, s); n > 10 {
					t.Errorf("%d deliveries are left after 30 days of running", n)
				}
			})
		}
	}
}

// What a wrong clock stamped keeps nothing permanently, either: segments are aged by the store's own clock.
func TestDeliveriesOfTheFutureAreDroppedInTime(t *testing.T) {
	c := newClock()
	s := open(t, c.options(Options{SegmentRows: 10}))
	c.step(9 * 365 * day)
	for n := range 20 {
		appendAt(t, s, c, n)
	}
	c.step(-9 * 365 * day)
	turnsOf(t, s, c, 31*day, 8*time.Hour)
	appendAt(t, s, c, 20)
	retain(t, s)
	if n := count(t, s); n > 11 {
		t.Errorf("%d deliveries are left", n)
	}
}

// A store that is open for an hour a day counts the days in between, a day of running later.
func TestTimeInBetweenCountsOnceItIsConfirmed(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), FileName)
	kept := make(map[int]int)
	for n := range 70 {
		s := open(t, c.options(Options{Path: path, SegmentRows: 1}))
		appendAt(t, s, c, n)
		c.run(time.Hour)
		retain(t, s)
		kept[n] = count(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		c.step(23 * time.Hour)
	}
	if kept[29] != 30 {
		t.Errorf("after 30 days %d deliveries are kept", kept[29])
	}
	if kept[69] < 30 || kept[69] > 32 {
		t.Errorf("after 70 days %d deliveries are kept", kept[69])
	}
}

// Which events were seen is not forgotten by a wrong clock, and is in time.
func TestAWrongClockForgetsNoEvent(t *testing.T) {
	c := newClock()
	s := open(t, c.options(Options{}))
	appendAt(t, s, c, 1)
	c.run(31 * day)
	appendAt(t, s, c, 2) // in another generation
	c.step(400 * day)
	retain(t, s)
	repeat := func(n int) bool {
		d, err := s.Append(t.Context(), Entry{Delivery: delivery(n)})
		if err != nil {
			t.Fatal(err)
		}
		return d.DuplicateOf != 0
	}
	if !repeat(1) || !repeat(2) {
		t.Error("an event is taken for new after the clock was wrong for one turn")
	}
	c.step(-400 * day)
	for range 200 {
		c.run(day)
		retain(t, s)
	}
	if repeat(1) {
		t.Error("an event is remembered after 230 days")
	}
}

// A file of an earlier version knows no running time. The clock that is wrong at its first opening ages nothing in it, and what
// is in it goes in time.
func TestAFileWithoutAnAgeIsAgedFromItsNewestDelivery(t *testing.T) {
	for _, step := range []time.Duration{0, 400 * day, -400 * day} {
		c := newClock()
		path := filepath.Join(t.TempDir(), FileName)
		s := open(t, c.options(Options{Path: path, SegmentRows: 10}))
		kept := appendSome(t, s, c, 0)
		if err := s.db.Update(func(b *bolt.Tx) error {
			all := b.Bucket(bucketSegments)
			return errors.Join(b.Bucket(bucketMeta).Delete(keyAge), all.ForEach(func(k, _ []byte) error {
				stat := bytes.Clone(all.Bucket(k).Get(keyStat))
				return all.Bucket(k).Put(keyStat, stat[:32])
			}))
		}); err != nil {
			t.Fatal(err)
		}
		s.opt.Now, s.opt.Running = c.now, func() time.Duration { return 0 }
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		c.step(step)
		s = open(t, c.options(Options{Path: path, SegmentRows: 10}))
		kept = appendSome(t, s, c, kept)
		turns(t, s, c, 20*time.Hour)
		if n := count(t, s); n != kept {
			t.Errorf("after a step of %v %d deliveries of %d are left", step, n, kept)
		}
		c.step(-step)
		turnsOf(t, s, c, 31*day, 8*time.Hour)
		appendSome(t, s, c, kept)
		retain(t, s)
		if n := count(t, s); n > 40 || n < 30 {
			t.Errorf("after a step of %v and 31 days %d deliveries are left", step, n)
		}
	}
}

// The age outlives the end of the program, also one in which little happens.
func TestTheAgeIsKept(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, c.options(Options{Path: path, SegmentRows: 1}))
	appendAt(t, s, c, 1)
	appendAt(t, s, c, 2)
	for range 31 {
		c.run(day)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, c.options(Options{Path: path, SegmentRows: 1}))
	}
	retain(t, s)
	if n := count(t, s); n != 1 {
		t.Errorf("%d deliveries are left after 31 days in 31 runs", n)
	}
	// A program that is killed loses an hour of it at most.
	was := s.age.ran(c.ran())
	c.run(90 * time.Minute)
	retain(t, s)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := open(t, c.options(Options{Path: write1(t, t.TempDir(), b)}))
	if got := copied.age.ran(c.ran()); got != was+90*60 {
		t.Errorf("a copy has run for %d s, not %d", got, was+90*60)
	}
	written := func() int64 { st := s.db.Stats(); return st.TxStats.GetWrite() }
	commits := written()
	for range 50 {
		c.run(time.Minute)
		retain(t, s)
	}
	if now := written(); now != commits {
		t.Errorf("a store in which nothing happens was written %d times in 50 minutes", now-commits)
	}
}

// The clock is written beside other things once a minute, and not with every commit.
func TestTheAgeIsWrittenOnceAMinute(t *testing.T) {
	c := newClock()
	s := open(t, c.options(Options{}))
	kept := func() (raw []byte) {
		if err := s.View(t.Context(), func(tx *Tx) error { raw = bytes.Clone(tx.b.Bucket(bucketMeta).Get(keyAge)); return nil }); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	c.run(5 * time.Minute)
	appendAt(t, s, c, 0)
	first := kept()
	c.run(ageInCommit - time.Second)
	appendAt(t, s, c, 1)
	if got := kept(); !bytes.Equal(got, first) {
		t.Errorf("%s was written after %s, too soon", got, first)
	}
	c.run(time.Second)
	appendAt(t, s, c, 2)
	if got := kept(); bytes.Equal(got, first) {
		t.Errorf("%s is still kept after a minute", got)
	}
}

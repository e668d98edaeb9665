package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
)

// eventually polls for the writer's own work.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

func TestOnlyWhatIsStoredIsForgotten(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	var at []cursor.Position
	for i := range 5 {
		at = append(at, put(t, s, hook, bytes.Repeat([]byte{byte('a' + i)}, 1+i*spool.PieceSize/2)))
	}
	depth := func(want int) func() bool {
		return func() bool { n, _ := s.Depth(hook); return n == want }
	}
	if err := s.Stored(at[2]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "three are forgotten", depth(2))
	// Again, late, and for another position of a past epoch: nothing changes.
	for _, p := range []cursor.Position{at[2], at[0], {Hook: hook, Epoch: 1, Seq: 1000}, {Hook: hook}} {
		if err := s.Stored(p); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, hook, nil)
	if n, _ := s.Depth(hook); n != 3 {
		t.Errorf("%d wait", n)
	}
	for _, p := range []cursor.Position{{Hook: hook, Epoch: at[4].Epoch, Seq: at[4].Seq + 2}, {Hook: hook, Epoch: at[4].Epoch + 1}} {
		if err := s.Stored(p); !errors.Is(err, spool.ErrAhead) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if err := s.Stored(cursor.Position{Hook: "nothing", Epoch: at[0].Epoch, Seq: at[0].Seq}); !errors.Is(err, spool.ErrNotFound) {
		t.Error(err)
	}
	if err := s.Stored(cursor.Position{Hook: hook, Epoch: at[4].Epoch, Seq: at[4].Seq + 1}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are forgotten", depth(0))
	if _, bytes := s.Depth(hook); bytes != 0 {
		t.Errorf("%d bytes of nothing", bytes)
	}
	if n := s.Pieces(t); n != 0 {
		t.Errorf("%d pieces are left of bodies that are gone", n)
	}
}

func TestABacklogIsForgottenInParts(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	const n = 2*spool.LazyMost + 904
	fill(t, s, hook, n)
	last := cursor.Position{Hook: hook}
	for e, ok, err := s.Next(last); ok; e, ok, err = s.Next(last) {
		if err != nil {
			t.Fatal(err)
		}
		last = e.Position
	}
	if last.Seq != n {
		t.Fatalf("the last is %v", last)
	}
	hello(t, s, hook, last)
	eventually(t, "all are forgotten", func() bool { n, b := s.Depth(hook); return n == 0 && b == 0 })
}

func TestDroppedRequestsLeaveAGap(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	dir := t.TempDir()
	var reported []spool.Gap
	o := spool.Options{Dir: dir, Clock: clock, Retain: time.Hour, OnGap: func(g spool.Gap) { reported = append(reported, g) }}
	s := open(t, o)
	_, hook := token(t, s, "laptop")
	expire := func() {
		t.Helper()
		if err := s.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := put(t, s, hook, random(spool.PieceSize+1))
	put(t, s, hook, []byte("two"))
	clock.Advance(40 * time.Minute)
	third := put(t, s, hook, []byte("three"))
	clock.Advance(19 * time.Minute)
	expire()
	if n, _ := s.Depth(hook); n != 3 || len(reported) != 0 {
		t.Fatalf("%d wait, %v were dropped too soon", n, reported)
	}
	clock.Advance(2 * time.Minute)
	expire()
	want := spool.Gap{Hook: hook, Epoch: first.Epoch, From: 1, To: 2, Count: 2, At: clock.Now().UTC(), Reason: spool.GapAge}
	if d := cmp.Diff([]spool.Gap{want}, reported); d != "" {
		t.Error(d)
	}
	if got := left(t, s, hook, cursor.Position{}); got != "three" {
		t.Errorf("%q is left", got)
	}

	// The time while no relay ran, and what the clock says, drop nothing.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Clock = clockwork.NewFakeClockAt(time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC))
	clock = o.Clock.(*clockwork.FakeClock)
	s = open(t, o)
	expire()
	if got := left(t, s, hook, cursor.Position{}); got != "three" {
		t.Fatalf("%q is left after ten years without a relay", got)
	}
	// What is dropped next to a gap makes it larger; another epoch has a gap of its own.
	fourth := put(t, s, hook, []byte("four"))
	clock.Advance(61 * time.Minute)
	expire()
	gaps, err := s.Gaps(hook)
	if err != nil {
		t.Fatal(err)
	}
	want.To, want.Count, want.At = third.Seq, 3, clock.Now().UTC()
	other := spool.Gap{Hook: hook, Epoch: fourth.Epoch, From: fourth.Seq, To: fourth.Seq, Count: 1, At: want.At, Reason: spool.GapAge}
	if d := cmp.Diff([]spool.Gap{want, other}, gaps); d != "" {
		t.Error(d)
	}

	// They are reported until the client has stored something later.
	hello(t, s, hook, fourth)
	if gaps, err = s.Gaps(hook); err != nil || len(gaps) != 1 {
		t.Errorf("%v, %v", gaps, err)
	}
	fifth := put(t, s, hook, []byte("five"))
	if err := s.Stored(fifth); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the gap is forgotten", func() bool { gaps, err := s.Gaps(hook); return err == nil && len(gaps) == 0 })
	if n := s.Pieces(t); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
}

// What has waited for exactly as long as requests may is dropped, and nothing before. The time is counted over restarts as
// long as something waits; while nothing does, nothing is written.
func TestAgeIsCountedWhileSomethingWaits(t *testing.T) {
	dir := t.TempDir()
	var s *spool.Spool
	var clock *clockwork.FakeClock
	start := func() {
		clock = clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		s = open(t, spool.Options{Dir: dir, Clock: clock, Retain: time.Hour})
	}
	depthAfter := func(d time.Duration, hook string) int {
		t.Helper()
		clock.Advance(d)
		if err := s.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, _ := s.Depth(hook)
		return n
	}
	start()
	_, hook := token(t, s, "laptop")
	before := s.Commits(t)
	if depthAfter(time.Hour, hook); s.Commits(t) != before {
		t.Error("ages of nothing are written")
	}
	put(t, s, hook, []byte("one"))
	depthAfter(40*time.Minute, hook)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	start()
	if n := depthAfter(20*time.Minute-1, hook); n != 1 {
		t.Errorf("%d wait just before their time", n)
	}
	if n := depthAfter(1, hook); n != 0 {
		t.Errorf("%d wait at their time", n)
	}
}

// A large backlog that is too old is dropped by several commits, without another call, and leaves one gap.
func TestALargeBacklogThatIsTooOldLeavesOneGap(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s := open(t, spool.Options{Clock: clock, Retain: time.Hour})
	_, hook := token(t, s, "laptop")
	const n = 3*spool.LazyMost + 100 // more than the look at ages every minute drops beside
	fill(t, s, hook, n)
	clock.Advance(time.Hour)
	if err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are dropped", func() bool { n, b := s.Depth(hook); return n == 0 && b == 0 })
	gaps, err := s.Gaps(hook)
	if err != nil || len(gaps) != 1 || gaps[0].From != 1 || gaps[0].To != n || gaps[0].Count != n {
		t.Errorf("%+v, %v", gaps, err)
	}
}

// fill puts n empty requests, many at a time.
func fill(t *testing.T, s *spool.Spool, hook string, n int) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(50)
	for range n {
		group.Go(func() error {
			_, err := s.Put(t.Context(), event(hook), bytes.NewReader(nil), 0)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestAHookHasItsShare(t *testing.T) {
	s := open(t, spool.Options{Quota: 3 * spool.PieceSize})
	_, hook := token(t, s, "laptop")
	_, other := token(t, s, "desk")
	first := put(t, s, hook, random(2*spool.PieceSize))
	for _, size := range []int64{2 * spool.PieceSize, -1} {
		_, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(2*spool.PieceSize)), size)
		if !errors.Is(err, spool.ErrQuota) {
			t.Errorf("announced %d: %v", size, err)
		}
	}
	put(t, s, other, random(2*spool.PieceSize))
	eventually(t, "what was refused leaves nothing", func() bool { return s.Pieces(t) == 4 })
	put(t, s, hook, random(spool.PieceSize/2))
	if err := s.Stored(first); err != nil {
		t.Fatal(err)
	}
	eventually(t, "there is room", func() bool { n, _ := s.Depth(hook); return n == 1 })
	put(t, s, hook, random(2*spool.PieceSize))
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("a body beyond the share is read")
	return 0, io.EOF
}

func TestABodyAnnouncedBeyondTheShareIsNotRead(t *testing.T) {
	s := open(t, spool.Options{Quota: spool.PieceSize})
	_, hook := token(t, s, "laptop")
	put(t, s, hook, random(1000))
	for _, size := range []int64{spool.PieceSize, 1 << 40} {
		if _, err := s.Put(t.Context(), event(hook), unread{t}, size); !errors.Is(err, spool.ErrQuota) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// A body that wasn't announced takes as much of the share as one that was.
func TestAnUnannouncedBodyTakesTheSameShare(t *testing.T) {
	const quota = 5 * spool.PieceSize / 2
	for _, size := range []int{1, spool.PieceSize, quota - spool.HeadRoom, quota - spool.HeadRoom + 1, quota, 3 * quota} {
		for _, announced := range []int64{int64(size), -1} {
			s := open(t, spool.Options{Quota: quota})
			_, hook := token(t, s, "laptop")
			_, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(size)), announced)
			if fits := size <= quota-spool.HeadRoom; errors.Is(err, spool.ErrQuota) == fits || fits && err != nil {
				t.Errorf("%d bytes, announced %d: %v", size, announced, err)
			}
			eventually(t, "what was set aside is free again, whatever became of it", func() bool {
				n, held := s.Held(hook)
				return held == 0 && (n == 0) == (err != nil)
			})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// failing is a body that breaks off.
type failing struct {
	*bytes.Reader
}

var errBroken = fmt.Errorf("the line is cut")

func (f failing) Read(b []byte) (int, error) {
	if f.Len() == 0 {
		return 0, errBroken
	}
	return f.Reader.Read(b)
}

func TestABodyThatBreaksOffLeavesNothing(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	for _, n := range []int{0, 10, spool.PieceSize + 10, 5*spool.PieceSize + 1} {
		if _, err := s.Put(t.Context(), event(hook), failing{bytes.NewReader(random(n))}, -1); !errors.Is(err, errBroken) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(11)), 10); err == nil {
		t.Error("more than was announced is taken")
	}
	eventually(t, "the pieces are gone", func() bool { return s.Pieces(t) == 0 })
	if n, b := s.Depth(hook); n != 0 || b != 0 {
		t.Errorf("%d requests, %d bytes", n, b)
	}
	put(t, s, hook, []byte("next"))
	if got := left(t, s, hook, cursor.Position{}); got != "next" {
		t.Errorf("%q", got)
	}
}

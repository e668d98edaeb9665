package grid

import (
	"math/rand/v2"
	"testing"
)

func TestListKeepsTheCursorInTheWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l List
	for range 20000 {
		switch r.IntN(9) {
		case 0:
			l.Resize(r.IntN(50), r.IntN(12))
		case 1:
			l.Move(r.IntN(21) - 10)
		case 2:
			l.Half(1 - 2*r.IntN(2))
		case 3:
			l.Scroll(r.IntN(9) - 4)
		case 4:
			l.First()
		case 5:
			l.Last()
		default:
			l.Scroll(r.IntN(21) - 10)
		}
		from, to := l.Range()
		switch {
		case l.Len == 0 && (l.Cursor != 0 || from != 0 || to != 0):
			t.Fatalf("empty list: %+v", l)
		case l.Len > 0 && (l.Cursor < 0 || l.Cursor >= l.Len):
			t.Fatalf("cursor outside: %+v", l)
		case l.Height > 0 && l.Len > 0 && (l.Cursor < from || l.Cursor >= to):
			t.Fatalf("cursor out of sight: %+v", l)
		case l.Height > 0 && l.Len >= l.Height && to-from != l.Height:
			t.Fatalf("the window is not full: %+v", l)
		}
	}
}

func TestListEnds(t *testing.T) {
	l := List{Len: 10, Height: 4}
	l.Last()
	if l.Cursor != 9 || l.Top != 6 {
		t.Errorf("last: %+v", l)
	}
	l.Half(-1)
	if l.Cursor != 7 {
		t.Errorf("half: %+v", l)
	}
	l.First()
	if l.Cursor != 0 || l.Top != 0 {
		t.Errorf("first: %+v", l)
	}
	l.Scroll(3)
	if l.Top != 3 || l.Cursor != 3 {
		t.Errorf("scroll: %+v", l)
	}
}

// source is a store of n rows, 1 the oldest.
type source struct{ n uint64 }

func (s *source) before(b uint64, limit int) (page []uint64, more bool) {
	if b == 0 || b > s.n {
		b = s.n + 1
	}
	for k := b - 1; k > 0 && len(page) < limit; k-- {
		page = append(page, k)
	}
	return page, b-1 > uint64(limit)
}

func (s *source) after(a uint64, limit int) (page []uint64, more bool) {
	last := min(a+uint64(limit), s.n)
	for k := last; k > a; k-- {
		page = append(page, k)
	}
	return page, last < s.n
}

func identity(k uint64) uint64 { return k }

// serve answers what the feed wants until it wants nothing.
func serve(t *testing.T, f *Feed[uint64], s *source) {
	t.Helper()
	for i := 0; ; i++ {
		b, a := f.Want()
		switch {
		case b > 0:
			f.Older(s.before(b, 50))
		case a > 0:
			f.Newer(s.after(a, 50))
		default:
			return
		}
		if i > 100 {
			t.Fatalf("the feed is never content: %d %d, %d held", b, a, f.Held())
		}
	}
}

func gapless(t *testing.T, f *Feed[uint64]) {
	t.Helper()
	for i := 1; i < f.Held(); i++ {
		if f.Row(i) != f.Row(i-1)-1 {
			t.Fatalf("row %d is %d after %d", i, f.Row(i), f.Row(i-1))
		}
	}
}

func TestFeedWalksDownAMillionAndUpAgain(t *testing.T) {
	s := &source{n: 20000}
	f := NewFeed(500, identity)
	f.Size(20)
	f.Reset(s.before(0, 50))
	f.Follow = false
	for f.Row(f.Cursor) > 1 {
		f.Half(1)
		serve(t, f, s)
		gapless(t, f)
		if f.Held() > 600 {
			t.Fatalf("%d rows are held", f.Held())
		}
	}
	if !f.AtOldest || f.AtNewest {
		t.Errorf("at the bottom: oldest %v newest %v", f.AtOldest, f.AtNewest)
	}
	for f.Row(f.Cursor) < s.n {
		f.Half(-1)
		serve(t, f, s)
		gapless(t, f)
	}
	if !f.AtNewest {
		t.Error("the top is not known to be the newest")
	}
}

func TestFeedFollows(t *testing.T) {
	s := &source{n: 100}
	f := NewFeed(200, identity)
	f.Size(10)
	f.Reset(s.before(0, 50))
	for range 50 {
		var batch []uint64
		for range 30 {
			s.n++
			batch = append(batch, s.n)
		}
		f.Arrived(batch, len(batch))
		if f.Row(0) != s.n || f.Cursor != 0 || f.Held() > 200 {
			t.Fatalf("newest %d of %d, cursor %d, %d held", f.Row(0), s.n, f.Cursor, f.Held())
		}
		gapless(t, f)
	}
}

func TestFeedKeepsTheChosenRowWhileOthersArrive(t *testing.T) {
	s := &source{n: 1000}
	f := NewFeed(300, identity)
	f.Size(10)
	f.Reset(s.before(0, 50))
	f.Follow = false
	f.Move(15)
	serve(t, f, s)
	chosen, _ := f.Chosen()
	at := f.Cursor - f.Top
	for range 500 {
		s.n++
		f.Arrived([]uint64{s.n}, 1)
		serve(t, f, s)
		if row, _ := f.Chosen(); row != chosen || f.Cursor-f.Top != at {
			t.Fatalf("row %d at %d is chosen, not %d at %d", row, f.Cursor-f.Top, chosen, at)
		}
		gapless(t, f)
		if f.Held() > 400 {
			t.Fatalf("%d rows are held", f.Held())
		}
	}
	if f.Unseen != 500 || f.AtNewest {
		t.Errorf("%d unseen, at the newest: %v", f.Unseen, f.AtNewest)
	}
	for !f.AtNewest || f.Cursor > 0 {
		f.Half(-1)
		serve(t, f, s)
	}
	if f.Row(0) != s.n {
		t.Errorf("the top is %d, not %d", f.Row(0), s.n)
	}
}

func TestFeedTakesBurstsDuplicatesAndDisorder(t *testing.T) {
	f := NewFeed(100, identity)
	f.Size(5)
	f.Reset([]uint64{10, 9, 8}, true)
	f.Arrived([]uint64{12, 11, 12, 10}, 4)
	gapless(t, f)
	if f.Row(0) != 12 || f.Held() != 5 {
		t.Fatalf("top %d, %d held", f.Row(0), f.Held())
	}
	// The older part of a burst was not handed over: nothing may look as if it were next to it.
	f.Arrived([]uint64{500, 499}, 300)
	if f.Held() != 2 || f.AtOldest {
		t.Errorf("%d held after a burst, oldest %v", f.Held(), f.AtOldest)
	}
	if b, _ := f.Want(); b != 499 {
		t.Errorf("wants what is before %d", b)
	}
	f.Follow = false
	f.Arrived([]uint64{900}, 400)
	if f.AtNewest || f.Row(0) != 500 {
		t.Error("a burst with a hole was shown while not following")
	}
}

func TestFeedGoesToTheOldest(t *testing.T) {
	s := &source{n: 5000}
	f := NewFeed(300, identity)
	f.Size(10)
	f.Reset(s.before(0, 50))
	f.ResetOldest(s.after(1, 50))
	serve(t, f, s)
	f.Last()
	if row, _ := f.Chosen(); row != 1 || f.Follow {
		t.Errorf("the oldest is %d, following %v", row, f.Follow)
	}
	gapless(t, f)
}

func TestFeedThatIsEmpty(t *testing.T) {
	f := NewFeed(10, identity)
	f.Size(5)
	if _, ok := f.Chosen(); ok || f.Newest() != 0 {
		t.Error("an empty feed has rows")
	}
	if b, a := f.Want(); b != 0 || a != 0 {
		t.Error("an empty feed wants pages")
	}
	f.Arrived([]uint64{1}, 1)
	if row, _ := f.Chosen(); row != 1 || f.Newest() != 1 {
		t.Error("the first row is not chosen")
	}
}

func TestHeadingsAreSkipped(t *testing.T) {
	heads := map[int]bool{0: true, 3: true, 4: true}
	heading := func(i int) bool { return heads[i] }
	l := List{}
	l.Resize(8, 3)
	for _, c := range []struct {
		move   int
		cursor int
		above  int
	}{{0, 1, -1}, {1, 2, 0}, {1, 5, 4}, {1, 6, 4}, {-1, 5, 4}, {-1, 2, -1}, {-1, 1, -1}, {-1, 1, -1}, {7, 7, 4}, {-7, 1, -1}} {
		l.Over(func(l *List) { l.Move(c.move) }, heading)
		if l.Cursor != c.cursor || l.Above(heading) != c.above && l.Above(heading) >= l.Top {
			t.Errorf("move %d: row %d, not %d; under %d of window %d", c.move, l.Cursor, c.cursor, l.Above(heading), l.Top)
		}
	}
	empty := List{}
	empty.Over(func(l *List) { l.Move(1) }, heading)
	if empty.Cursor != 0 || empty.Above(heading) != -1 {
		t.Errorf("%+v", empty)
	}
	l = List{Len: 10, Height: 2, Cursor: 9, Top: 8}
	if l.Above(heading) != 4 || (&List{Len: 3, Height: 3, Cursor: 2}).Above(heading) != -1 {
		t.Error("a heading that is visible is above the window")
	}
}

package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// left are the bodies that wait behind a position, in order, and the positions rise.
func left(t *testing.T, s *spool.Spool, hook string, at cursor.Position) string {
	t.Helper()
	at.Hook = hook
	var all []string
	for {
		e, ok, err := s.Next(at)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return strings.Join(all, " ")
		}
		if !at.Before(e.Position) {
			t.Fatalf("%v comes after %v", e.Position, at)
		}
		meta, err := wire.DecodeEvent(e.Raw)
		if err != nil || meta.Position != e.Position {
			t.Fatalf("%v says of itself that it is %d/%d: %v", e.Position, meta.Epoch, meta.Seq, err)
		}
		all = append(all, string(body(t, s, e, 1000)))
		at = e.Position
	}
}

func hello(t *testing.T, s *spool.Spool, hook string, at cursor.Position) spool.Greeting {
	t.Helper()
	g, err := s.Hello(t.Context(), "laptop", map[string]cursor.Position{hook: at})
	if err != nil {
		t.Fatal(err)
	}
	return g[hook]
}

func TestPositionsRiseWhateverTheClockSays(t *testing.T) {
	dir := t.TempDir()
	var last cursor.Position
	hook := ""
	for i, year := range []int{2026, 2026, 1970, 1960, 2040, 2026} {
		s := open(t, spool.Options{Dir: dir, Clock: clockwork.NewFakeClockAt(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))})
		if hook == "" {
			_, hook = token(t, s, "laptop")
		}
		for range 2 {
			p := put(t, s, hook, []byte("x"))
			if !last.Before(p) || p.Seq != last.Seq+1 {
				t.Errorf("%v comes after %v", p, last)
			}
			last = p
		}
		if n, _ := s.Depth(hook); n != 2*(i+1) {
			t.Errorf("%d wait", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// copyFile puts a copy of a spool's file into another folder.
func copyFile(t *testing.T, from string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(from, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, spool.FileName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func at(year int) clockwork.Clock {
	return clockwork.NewFakeClockAt(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
}

// TestABackupIsPutBack: whatever the clock and the order of events, requests accepted after a restore are not treated as stored,
// positions rise for the client, and it is informed.
func TestABackupIsPutBack(t *testing.T) {
	for _, test := range []struct {
		name string
		// clocks of the first relay, of the one after its restart, and of the restored ones.
		first, second int
		restored      []int
		// before is how many requests each restored relay accepts before the client connects.
		before int
		want   string
	}{
		{name: "at once", first: 2026, second: 2027, restored: []int{2028}, want: ""},
		{name: "after it took some", first: 2026, second: 2027, restored: []int{2028}, before: 2, want: "r0.0 r0.1"},
		{name: "after it took more than was lost", first: 2026, second: 2027, restored: []int{2028}, before: 9,
			want: "r0.0 r0.1 r0.2 r0.3 r0.4 r0.5 r0.6 r0.7 r0.8"},
		{name: "under a clock that went back", first: 2026, second: 2030, restored: []int{2027}, before: 2, want: "r0.0 r0.1"},
		{name: "and restarted under clocks that jump", first: 2026, second: 2030, restored: []int{2027, 2028, 2035}, before: 1, want: "r0.0 r1.0 r2.0"},
		{name: "under no clock at all", first: 1970, second: 1970, restored: []int{1970}, before: 2, want: "r0.0 r0.1"},
		{name: "under no clock, with more than was lost", first: 1970, second: 1970, restored: []int{1970}, before: 9,
			want: "r0.0 r0.1 r0.2 r0.3 r0.4 r0.5 r0.6 r0.7 r0.8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, spool.Options{Dir: dir, Clock: at(test.first)})
			_, hook := token(t, s, "laptop")
			hello(t, s, hook, cursor.Position{})
			put(t, s, hook, []byte("before"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			backup := copyFile(t, dir)

			s = open(t, spool.Options{Dir: dir, Clock: at(test.second)})
			var stored cursor.Position
			for range 5 {
				stored = put(t, s, hook, []byte("lost"))
			}
			if g := hello(t, s, hook, stored); g.Restored {
				t.Error("a relay that knows all is taken for a restored one")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}

			for i, year := range test.restored {
				s = open(t, spool.Options{Dir: backup, Clock: at(year)})
				for n := range test.before {
					put(t, s, hook, fmt.Appendf(nil, "r%d.%d", i, n))
				}
				if i < len(test.restored)-1 {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			g := hello(t, s, hook, stored)
			if !g.Restored || g.Epoch < stored.Epoch {
				t.Errorf("%+v for a client at %v", g, stored)
			}
			if got := left(t, s, hook, stored); got != test.want {
				t.Errorf("%q waits for the client, want %q", got, test.want)
			}
			if p := put(t, s, hook, []byte("later")); !stored.Before(p) || p.Epoch < g.Epoch {
				t.Errorf("%v is given out after %v", p, stored)
			}
			if got := left(t, s, hook, stored); got != strings.TrimSpace(test.want+" later") {
				t.Errorf("%q waits for the client", got)
			}
			e, _, err := s.Next(stored)
			if err != nil {
				t.Fatal(err)
			}
			if g := hello(t, s, hook, e.Position); g.Restored {
				t.Error("it is reported again")
			}
		})
	}
}

func TestPositionsThatCannotBe(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	_, other := token(t, s, "desk")
	for _, p := range []cursor.Position{{Epoch: 1<<64 - 1, Seq: 1}, {Epoch: 1<<62 + 1}, {Epoch: 1, Seq: 1<<64 - 1}} {
		if _, err := s.Hello(t.Context(), "laptop", map[string]cursor.Position{hook: p}); err == nil {
			t.Errorf("%v is taken", p)
		}
	}
	// The largest that is taken moves its own hook alone, and never to where positions end.
	far := cursor.Position{Epoch: 1 << 62, Seq: 1 << 62}
	if g := hello(t, s, hook, far); !g.Restored || g.Epoch != far.Epoch+1 {
		t.Errorf("%+v", g)
	}
	if p := put(t, s, hook, nil); !far.Before(p) {
		t.Errorf("%v after %v", p, far)
	}
	if p := put(t, s, other, nil); p.Epoch != s.Epoch() || p.Seq != 1 {
		t.Errorf("another's hook is moved to %v", p)
	}
	// What the hook itself has come to is no nonsense, however large.
	last := put(t, s, hook, nil)
	if g := hello(t, s, hook, last); g.Restored || g.Epoch != last.Epoch {
		t.Errorf("%+v for a client at %v", g, last)
	}
}

// A client that has more of the current epoch than the relay gave out: what is spooled from now on comes under a later one.
func TestAClientThatKnowsMoreOfTheSameEpoch(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	p := put(t, s, hook, nil)
	hello(t, s, hook, p) // what is there is agreed on
	more := cursor.Position{Epoch: p.Epoch, Seq: p.Seq + 7}
	if g := hello(t, s, hook, more); !g.Restored || g.Epoch <= more.Epoch {
		t.Errorf("%+v for a client at %v, the last was %v", g, more, p)
	}
	if q := put(t, s, hook, nil); q.Epoch <= more.Epoch || q.Seq <= more.Seq {
		t.Errorf("%v after %v", q, more)
	}
}

func TestTheEpochIsLaterAfterARestartOfAMovedHook(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	_, hook := token(t, s, "laptop")
	hello(t, s, hook, cursor.Position{Epoch: 1 << 60, Seq: 7})
	p := put(t, s, hook, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Options{Dir: dir})
	if q := put(t, s, hook, nil); q.Epoch <= p.Epoch {
		t.Errorf("%v comes after a restart, %v before", q, p)
	}
	if g := hello(t, s, hook, p); g.Restored {
		t.Error("a client that has the last request is taken for one that knows more")
	}
}

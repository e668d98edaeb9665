package store

import (
	"encoding/binary"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
)

// indexed returns a store with the indexes of two segments, and a third that is open.
func indexed(t *testing.T, o Options) *Store {
	t.Helper()
	o.SegmentRows, o.indexAfter = 100, time.Hour
	s := open(t, o)
	appendN(t, s, 250, nil)
	shapes(t, s) // merges
	indexAll(t, s)
	if n := len(shapes(t, s)); n != 2 {
		t.Fatalf("%d segments have an index", n)
	}
	return s
}

// inTexts changes the index of the first segment.
func inTexts(t *testing.T, s *Store, f func(texts *bolt.Bucket) error) {
	t.Helper()
	inSegment(t, s, func(seg *bolt.Bucket) error { return f(seg.Bucket(keyTexts)) })
}

// damages has what can happen to an index.
var damages = []struct {
	name, words string
	do          func(texts *bolt.Bucket) error
}{
	{"a changed byte", "1 of ", func(texts *bolt.Bucket) error {
		v := slices.Clone(texts.Get(pieceKey(1)))
		v[100] ^= 4
		return texts.Put(pieceKey(1), v)
	}},
	{"a piece that was cut", "1 of ", func(texts *bolt.Bucket) error { return texts.Put(pieceKey(0), texts.Get(pieceKey(0))[:50]) }},
	{"missing pieces", "2 of ", func(texts *bolt.Bucket) error {
		if err := texts.Delete(pieceKey(0)); err != nil {
			return err
		}
		return texts.Delete(pieceKey(1))
	}},
	{"the shape", "its description", func(texts *bolt.Bucket) error {
		v := slices.Clone(texts.Get(keyShape))
		v[3] ^= 1
		return texts.Put(keyShape, v)
	}},
}

// A check reports damaged indexes, and they are rebuilt.
func TestACheckFindsDamagedIndexes(t *testing.T) {
	for _, damage := range damages {
		t.Run(damage.name, func(t *testing.T) {
			s := indexed(t, Options{})
			if found, err := s.CheckIndex(t.Context()); err != nil || len(found) > 0 {
				t.Fatal(found, err)
			}
			inTexts(t, s, damage.do)
			found, err := s.CheckIndex(t.Context())
			if err != nil || len(found) != 1 || !strings.Contains(found[0], "events from 1 on is damaged ("+damage.words) || !strings.HasSuffix(found[0], "in the background") {
				t.Fatal(found, err)
			}
			if problems, err := s.Check(t.Context()); err != nil || len(problems) > 0 {
				t.Errorf("they are faults: %v, %v", problems, err)
			}
			if n := len(shapes(t, s)); n != 1 {
				t.Errorf("%d indexes are used", n)
			}
			shapes(t, s)
			indexAll(t, s)
			if found, err := s.CheckIndex(t.Context()); err != nil || len(found) > 0 || len(shapes(t, s)) != 2 {
				t.Error(found, err)
			}
		})
	}
}

// An index of an earlier version isn't used, and no fault: it is replaced.
func TestAnIndexOfAnEarlierVersionIsReplaced(t *testing.T) {
	s := indexed(t, Options{})
	inTexts(t, s, func(texts *bolt.Bucket) error {
		shape := slices.Clone(texts.Get(keyShape))
		shape = shape[:len(shape)-4]
		shape[0] = textVersion - 1
		if err := texts.Put(pieceKey(1000), []byte("of that version")); err != nil {
			return err
		}
		return texts.Put(keyShape, binary.BigEndian.AppendUint32(shape, crc32.Checksum(shape, castagnoli)))
	})
	if found, err := s.CheckIndex(t.Context()); err != nil || len(found) > 0 || len(shapes(t, s)) != 1 {
		t.Fatal(found, err)
	}
	if got := selected(t, s, app.EventQuery{Filter: "seq:<=100 daily", Limit: 1000}); len(got) != 100 {
		t.Errorf("%d events are found", len(got))
	}
	indexAll(t, s)
	if n := len(shapes(t, s)); n != 2 {
		t.Errorf("%d indexes are used", n)
	}
	inTexts(t, s, func(texts *bolt.Bucket) error {
		if texts.Get(pieceKey(1000)) != nil {
			t.Error("a piece of the earlier version remains")
		}
		return nil
	})
}

// A store that can't be written to keeps its damaged index.
func TestACheckOfAReadOnlyStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := indexed(t, Options{Path: path})
	inTexts(t, s, damages[0].do)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path, ReadOnly: true})
	for range 2 {
		if found, err := s.CheckIndex(t.Context()); err != nil || len(found) != 1 || !strings.HasSuffix(found[0], "by a program that can write to the store") {
			t.Fatal(found, err)
		}
	}
}

// A search that meets a damaged index finds everything, and rebuilds it: once, whatever the disk does to it then.
func TestASearchRenewsADamagedIndex(t *testing.T) {
	s := indexed(t, Options{})
	commits := func() uint64 { return s.commits.Load() }
	missing := func(texts *bolt.Bucket) error {
		for n := range 2000 {
			if err := texts.Delete(pieceKey(n)); err != nil {
				return err
			}
		}
		return nil
	}
	for round, want := range []uint64{1, 0} {
		inTexts(t, s, missing)
		before := commits()
		indexAll(t, s)
		if n := commits() - before; n != 0 {
			t.Fatalf("rebuilt without being noticed, in %d commits", n)
		}
		if got := selected(t, s, app.EventQuery{Filter: "seq:<=100 daily", Limit: 1000}); len(got) != 100 {
			t.Errorf("%d events are found", len(got))
		}
		if due := s.renewed.due(be64(1)); due != (round == 0) {
			t.Errorf("round %d: %v", round, due)
		}
		before = commits()
		indexAll(t, s)
		if n := commits() - before; n != want {
			t.Errorf("round %d: %d commits", round, n)
		}
	}
}

// The search wakes up what makes indexes.
func TestADamagedIndexIsRenewedInTheBackground(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := indexed(t, Options{Path: path})
	inTexts(t, s, func(texts *bolt.Bucket) error { return texts.Delete(pieceKey(0)) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Path: path, SegmentRows: 100, indexAfter: time.Millisecond})
	problem := func() (out string) {
		inTexts(t, s, func(*bolt.Bucket) error { return nil }) // merges
		inSegment(t, s, func(seg *bolt.Bucket) error { out = indexProblem(seg); return nil })
		return out
	}
	if problem() == "" {
		t.Fatal("nothing is damaged")
	}
	for deadline := time.Now().Add(2 * time.Minute); problem() != ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the index is still damaged")
		}
		for _, text := range []string{"daily", "participant", "joined", "twice", "verified"} { // one of them has a bit in the piece
			selected(t, s, app.EventQuery{Filter: text, Limit: 1000})
		}
	}
}

// What makes indexes rests while others write: until they pause, or for a limited time.
func TestIndexesAreMadeInPauses(t *testing.T) {
	for _, c := range []struct {
		name     string
		step     time.Duration
		busy     int // during how many rests something is written
		want     []time.Duration
		endsAt   int // the rest in which the store is closed
		unclosed bool
	}{
		{"idle", time.Millisecond, 0, []time.Duration{restAtLeast}, 0, true},
		{"after a long step", time.Second, 0, []time.Duration{time.Second}, 0, true},
		{"one commit", time.Millisecond, 1, []time.Duration{restAtLeast, restQuiet}, 0, true},
		{"some commits", time.Millisecond, 3, []time.Duration{restAtLeast, restQuiet, restQuiet, restQuiet}, 0, true},
		{"always busy", time.Millisecond, 1000, append([]time.Duration{restAtLeast}, slices.Repeat([]time.Duration{restQuiet}, int(restAtMost/restQuiet))...), 0, true},
		{"closed at once", time.Millisecond, 1000, []time.Duration{restAtLeast}, 1, false},
		{"closed later", time.Millisecond, 1000, []time.Duration{restAtLeast, restQuiet}, 2, false},
	} {
		var commits uint64
		var rests []time.Duration
		open := restWhileBusy(c.step, func() uint64 { return commits }, func(d time.Duration) bool {
			if rests = append(rests, d); len(rests) <= c.busy {
				commits++
			}
			return len(rests) != c.endsAt
		})
		if open != c.unclosed || !slices.Equal(rests, c.want) {
			t.Errorf("%s: rests %v and then %v", c.name, rests, open)
		}
	}
}

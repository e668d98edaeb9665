package spool_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
)

// positions are those of all requests of a hook.
func positions(t *testing.T, s *spool.Spool, hook string) (all []cursor.Position) {
	t.Helper()
	at := cursor.Position{Hook: hook}
	for {
		e, ok, err := s.Next(at)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all, at = append(all, e.Position), e.Position
	}
}

// TestACommitThatFailedAndIsSeen: nothing more is written, since the disk may lack what readers see. A position that was
// given out and not acknowledged would go to another request otherwise, which its client takes for stored.
func TestACommitThatFailedAndIsSeen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	_, hook := token(t, s, "laptop")
	want := []cursor.Position{put(t, s, hook, []byte("before"))}
	if err := s.FailVisibly(t.Context()); !errors.Is(err, spool.ErrBroken) {
		t.Fatalf("the failure is reported as %v", err)
	}
	for range 2 {
		if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(nil), 0); !errors.Is(err, spool.ErrBroken) {
			t.Errorf("a request after it: %v", err)
		}
	}
	if err := s.Healthy(); !errors.Is(err, spool.ErrBroken) {
		t.Errorf("it is well: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Options{Dir: dir})
	want = append(want, put(t, s, hook, []byte("after")))
	if got := positions(t, s, hook); !slices.Equal(got, want) {
		t.Errorf("%v are there, not %v", got, want)
	}
}

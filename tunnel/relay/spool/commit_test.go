package spool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel/wire"
)

// opened is a new spool and a hook of it.
func opened(t *testing.T) (*Spool, string) {
	t.Helper()
	s, err := Open(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, _, err := s.CreateToken(t.Context(), "laptop", false); err != nil {
		t.Fatal(err)
	}
	return s, s.HooksOf("laptop")[0].ID
}

// until waits for what the writer does at a later commit.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

// hold keeps the writer in a commit until release is called. What is asked for in between waits.
func (s *Spool) hold(t *testing.T) (release func()) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	if err := s.enqueue(&op{apply: func(*batch) error { close(held); <-free; return nil }}); err != nil {
		t.Fatal(err)
	}
	<-held
	return func() { close(free) }
}

// A commit in which one write failed is undone as a whole, and reported with the first error to all its callers.
func TestACommitThatFailedInPartIsUndone(t *testing.T) {
	s, _ := opened(t)
	if err := s.SetURL(t.Context(), "https://before.example"); err != nil {
		t.Fatal(err)
	}
	first, second := errors.New("first"), errors.New("second")
	err := s.do(t.Context(), &op{apply: func(b *batch) error {
		if b.fail(b.tx.Bucket(bucketMeta).Put(keyURL, []byte("https://half.example"))) {
			t.Error("a write that went well is a failure")
		}
		if !b.fail(first) || !b.fail(nil) || !b.fail(second) {
			t.Error("a failure is forgotten")
		}
		return nil
	}})
	if !errors.Is(err, first) || errors.Is(err, second) || !errors.Is(s.Healthy(), first) {
		t.Errorf("it is reported as %v, healthy: %v", err, s.Healthy())
	}
	if url, err := s.URL(); url != "https://before.example" || err != nil {
		t.Errorf("%s was written, %v", url, err)
	}
	if err := s.SetURL(t.Context(), "https://after.example"); err != nil || s.Healthy() != nil {
		t.Errorf("the next commit: %v, healthy: %v", err, s.Healthy())
	}
}

// An outage is logged once, however many writes it fails, and again when its reason changes or it comes back.
func TestAnOutageIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer // written by the writer alone, before it answers
	s, err := Open(Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, test := range []struct {
		fails  error
		logged int
	}{
		{nil, 0}, {io.ErrShortWrite, 1}, {io.ErrShortWrite, 1}, {io.ErrNoProgress, 2}, {io.ErrNoProgress, 2}, {nil, 2}, {io.ErrNoProgress, 3},
	} {
		err := s.do(t.Context(), &op{apply: func(b *batch) error { b.fail(test.fails); return nil }})
		if !errors.Is(err, test.fails) {
			t.Errorf("%d: %v", i, err)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != test.logged {
			t.Errorf("%d: logged %d times, want %d:\n%s", i, n, test.logged, &log)
		}
	}
}

// Writes that wait share a commit, which is bounded by their number and their bytes.
func TestWritesThatWaitShareACommit(t *testing.T) {
	for _, test := range []struct {
		name          string
		waiting, size int
		with          int // size of one that was taken already
		want          int
	}{
		{"none", 0, 0, 0, 0},
		{"few", 10, 1, 0, 10},
		{"as many as may be", batchOps, 1, 0, batchOps},
		{"more", batchOps + 1, 1, 0, batchOps},
		{"as many bytes as may be", 4, batchBytes / 4, 0, 4},
		{"more bytes", 20, batchBytes / 4, 0, 4},
		{"a little less", 20, batchBytes/4 - 1, 0, 5}, // the last one may exceed the bound
		{"one beyond it alone", 2, 2 * batchBytes, 0, 1},
		{"beside one", 20, batchBytes / 4, batchBytes / 2, 3},
		{"beside one that is enough", 20, 1, batchBytes, 1},
	} {
		s := &Spool{queue: make(chan *op, queueLen)}
		for range test.waiting {
			s.queue <- &op{size: test.size}
		}
		var ops []*op
		if test.with > 0 {
			ops = append(ops, &op{size: test.with})
		}
		if got := s.collect(ops); len(got) != test.want || len(s.queue) != test.waiting+len(ops)-test.want {
			t.Errorf("%s: %d, and %d still wait", test.name, len(got), len(s.queue))
		}
	}
}

// What could not be removed, because the commit failed, is removed by a later one: requests that their client has, and the
// pieces of a body that broke off.
func TestWhatAFailedCommitDidNotRemoveIsRemovedLater(t *testing.T) {
	s, hook := opened(t)
	put := func(body io.Reader) (cursor.Position, error) {
		return s.Put(t.Context(), wire.EventBody{ID: "e", Position: cursor.Position{Hook: hook}, Method: "POST", Target: "/"}, body, -1)
	}
	stored, err := put(bytes.NewReader(make([]byte, PieceSize)))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the line is cut")
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := put(r)
		done <- err
	}()
	if _, err := w.Write(make([]byte, PieceSize)); err != nil {
		t.Fatal(err)
	}
	until(t, "a piece of the second body is written", func() bool { return s.Pieces(t) == 2 })

	release := s.hold(t)
	failed := &op{done: make(chan error, 1), apply: func(b *batch) error { b.fail(io.ErrShortWrite); return nil }}
	if err := errors.Join(s.enqueue(failed), s.Stored(stored), w.CloseWithError(broken)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, broken) {
		t.Fatal(err)
	}
	until(t, "the second body is to be removed", func() bool { s.mu.RLock(); defer s.mu.RUnlock(); return len(s.aborts) == 1 })
	release()
	if err := <-failed.done; !errors.Is(err, io.ErrShortWrite) {
		t.Fatal(err)
	}
	if n, _ := s.Depth(hook); n != 1 || s.Pieces(t) != 2 {
		t.Errorf("%d requests and %d pieces are left by a commit that failed", n, s.Pieces(t))
	}
	if _, err := put(bytes.NewReader(nil)); err != nil { // the disk is well again
		t.Fatal(err)
	}
	until(t, "both are removed", func() bool { n, _ := s.Depth(hook); return n == 1 && s.Pieces(t) == 0 })
}

// A request that ends while a piece of its body waits to be written leaves no piece.
func TestARequestThatEndsWhileAPieceWaitsLeavesNothing(t *testing.T) {
	s, hook := opened(t)
	release := s.hold(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := s.Put(ctx, wire.EventBody{ID: "e", Position: cursor.Position{Hook: hook}, Method: "POST", Target: "/"}, r, -1)
		_ = r.CloseWithError(err)
		done <- err
	}()
	if _, err := w.Write(make([]byte, PieceSize)); err != nil {
		t.Fatal(err)
	}
	until(t, "the piece waits", func() bool { return len(s.queue) == 1 })
	cancel()
	if _, err := w.Write(make([]byte, PieceSize)); err == nil {
		_ = w.Close()
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	release()
	if err := s.SetURL(t.Context(), "https://relay.example"); err != nil {
		t.Fatal(err)
	}
	until(t, "nothing is left", func() bool {
		_, reserved := s.Held(hook)
		bytes, _ := s.Memory()
		return s.Pieces(t) == 0 && reserved == 0 && bytes == 0
	})
}

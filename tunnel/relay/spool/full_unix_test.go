//go:build unix

package spool_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/tunneltest"
)

// TestAFullDisk: writes that don't fit are refused, accepted requests survive, and once there is room everything continues. A
// limit on the size of files makes writes fail as on a full disk.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	_, hook := token(t, s, "laptop")
	put(t, s, hook, []byte("before"))
	info, err := os.Stat(filepath.Join(dir, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	free := tunneltest.FullDisk(t, uint64(max(info.Size(), 1<<20)))
	const bodies = 12 // more than the file grows by at a time
	refused := 0
	for range bodies {
		if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(2<<20)), -1); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("the disk isn't full")
	}
	if s.Healthy() == nil {
		t.Error("a spool that can't write is well")
	}
	free()
	put(t, s, hook, []byte("after"))
	if err := s.Healthy(); err != nil {
		t.Error(err)
	}
	accepted, _ := s.Depth(hook)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Options{Dir: dir})
	if n, _ := s.Depth(hook); n != accepted || n != 2+bodies-refused {
		t.Errorf("%d wait after a restart, %d before; %d were refused", n, accepted, refused)
	}
	at := cursor.Position{Hook: hook}
	var got [][]byte
	for e, ok, err := s.Next(at); ok; e, ok, err = s.Next(at) {
		if err != nil {
			t.Fatal(err)
		}
		got, at = append(got, body(t, s, e, 64<<10)), e.Position
	}
	if len(got) != accepted || string(got[0]) != "before" || string(got[accepted-1]) != "after" {
		t.Errorf("%d bodies", len(got))
	}
	if want := (bodies - refused) * (2 << 20) / spool.PieceSize; s.Pieces(t) != want {
		t.Errorf("%d pieces, want %d", s.Pieces(t), want)
	}
}

// TestAnUploadThatTheDiskRefusedHarmsNoOther: the number of a body that could not be written is reused by another.
func TestAnUploadThatTheDiskRefusedHarmsNoOther(t *testing.T) {
	s := open(t, spool.Options{})
	_, hook := token(t, s, "laptop")
	upload := func() (*io.PipeWriter, chan error) {
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := s.Put(t.Context(), event(hook), r, -1)
			done <- err
		}()
		return w, done
	}
	free := tunneltest.FullDisk(t, 1)
	refused, refusal := upload()
	write(t, refused, spool.PieceSize)
	eventually(t, "the disk is full", func() bool { return s.Healthy() != nil })
	free()
	accepted, taking := upload()
	write(t, accepted, spool.PieceSize)
	eventually(t, "a piece is written", func() bool { return s.Pieces(t) == 1 })
	write(t, refused, spool.PieceSize)
	if err := <-refusal; err == nil {
		t.Fatal("what the disk refused is taken")
	}
	put(t, s, hook, []byte("in between")) // a commit, which removes the cancelled body
	if err := accepted.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-taking; err != nil {
		t.Errorf("the other upload: %v", err)
	}
	if n := s.Pieces(t); n != 1 {
		t.Errorf("%d pieces", n)
	}
}

func write(t *testing.T, w *io.PipeWriter, n int) {
	t.Helper()
	if _, err := w.Write(random(n)); err != nil {
		t.Fatal(err)
	}
}

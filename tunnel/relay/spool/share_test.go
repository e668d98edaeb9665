package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"greenroom/tunnel/relay/spool"
)

// TestATokenHasItsShareOfMemory: large bodies that come at a time are refused beyond it, those of others are taken, and so is
// a webhook of the same token. What has ended gives its memory back.
func TestATokenHasItsShareOfMemory(t *testing.T) {
	s := open(t, spool.Options{Memory: 4 * 3 * spool.PieceSize})
	_, hook := token(t, s, "laptop")
	_, other := token(t, s, "other")
	var ends []*io.PipeWriter
	done := make(chan error, 10)
	begin := func(hook string) {
		r, w := io.Pipe()
		ends = append(ends, w)
		go func() {
			_, err := s.Put(t.Context(), event(hook), r, -1)
			_ = r.CloseWithError(err)
			done <- err
		}()
		_, _ = w.Write(random(spool.PieceSize / 2)) // which takes a buffer of a piece
	}
	for range 4 { // one too many
		begin(hook)
	}
	select {
	case err := <-done:
		if !errors.Is(err, spool.ErrBusy) {
			t.Fatalf("beyond the share: %v", err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("what is beyond the share is taken")
	}
	put(t, s, hook, random(10<<10))
	put(t, s, other, random(3*spool.PieceSize/2))
	for _, w := range ends {
		_ = w.Close()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for range 8 {
		if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(2*spool.PieceSize)), -1); err != nil {
			t.Fatalf("the memory isn't given back: %v", err)
		}
	}
	eventually(t, "no memory is taken", func() bool { bytes, tokens := s.Memory(); return bytes == 0 && tokens == 0 })
}

// The large bodies of all tokens have a bounded memory together, up to its last byte. Webhooks are taken beyond it.
func TestAllTokensHaveABoundedMemory(t *testing.T) {
	s := open(t, spool.Options{Memory: 4 * spool.PieceSize})
	var ends []*io.PipeWriter
	stored := make(chan error, 4)
	for i := range 4 {
		_, hook := token(t, s, fmt.Sprintf("token-%d", i))
		r, w := io.Pipe()
		ends = append(ends, w)
		go func() {
			_, err := s.Put(t.Context(), event(hook), r, -1)
			_ = r.CloseWithError(err)
			stored <- err
		}()
		if _, err := w.Write(random(spool.PieceSize / 2)); err != nil { // which takes a buffer of a piece
			t.Fatalf("the memory of token %d: %v", i, err)
		}
	}
	_, hook := token(t, s, "late")
	if _, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(spool.PieceSize)), -1); !errors.Is(err, spool.ErrBusy) {
		t.Errorf("beyond all memory: %v", err)
	}
	put(t, s, hook, random(10<<10))
	for _, w := range ends {
		_ = w.Close()
	}
	for range ends {
		if err := <-stored; err != nil {
			t.Error(err)
		}
	}
	put(t, s, hook, random(spool.PieceSize))
	eventually(t, "no memory is taken", func() bool { bytes, tokens := s.Memory(); return bytes == 0 && tokens == 0 })
}

//go:build !windows

package main

import (
	"context"
	"os"
	"testing"
	"time"
)

// Following ends with the reader of its output, and not before.
func TestUntilClosed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, end := untilClosed(context.Background(), w)
	defer end()
	if _, err := w.WriteString("line\n"); err != nil || ctx.Err() != nil {
		t.Fatalf("ended with its reader there: %v, %v", err, ctx.Err())
	}
	r.Close()
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatal("continues without a reader")
	}
}

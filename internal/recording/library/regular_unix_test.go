//go:build unix

package library

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"greenroom/internal/recording/media"
	"greenroom/internal/regular"
)

// Opening a FIFO would wait until another program opens it.
func TestAFIFOInTheFolderHoldsNothingUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.mp4")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := scan(t.Context(), path, 0); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("the sum: %v", err)
	}
	if _, err := scan(t.Context(), path, 1); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("the search for holes: %v", err)
	}
	if _, err := (media.Checker{}).Check(t.Context(), path); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("the media check: %v", err)
	}
}

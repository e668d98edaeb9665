package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
)

// descriptorOf finds the descriptor that this process has of a file.
func descriptorOf(t *testing.T, file string) int {
	t.Helper()
	want, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for fd := 3; fd < 1024; fd++ {
		var at unix.Stat_t
		if unix.Fstat(fd, &at) != nil {
			continue
		}
		if info, err := os.Stat(filepath.Join("/proc/self/fd", fmt.Sprint(fd))); err == nil && os.SameFile(info, want) {
			return fd
		}
	}
	t.Fatal("the file isn't open")
	return 0
}

// breakDisk replaces the spool's file with one on which calls fail like on a broken disk, until mend.
func breakDisk(t *testing.T, file, by string, flags int) (mend func()) {
	t.Helper()
	fd := descriptorOf(t, file)
	saved, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := unix.Open(by, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(bad, fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(unix.Dup3(saved, fd, unix.O_CLOEXEC), unix.Close(saved), unix.Close(bad)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestABrokenDisk: Put returns no position for what isn't durable, whichever call of the disk fails, and what was durable
// before stays.
func TestABrokenDisk(t *testing.T) {
	for _, test := range []struct {
		name, by string
		flags    int
	}{
		{"no space", "/dev/full", unix.O_RDWR},
		{"writes that vanish, and a sync that fails", "/dev/null", unix.O_RDWR},
		{"writes that are refused", "", unix.O_RDONLY},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, spool.Options{Dir: dir})
			_, hook := token(t, s, "laptop")
			var want []cursor.Position
			for _, n := range []int{1, spool.PieceSize + 1} {
				want = append(want, put(t, s, hook, random(n)))
			}
			file := filepath.Join(dir, spool.FileName)
			by := test.by
			if by == "" {
				by = file
			}
			mend := breakDisk(t, file, by, test.flags)
			for _, n := range []int{0, 1, spool.PieceSize - 1, 2*spool.PieceSize + 1} {
				if p, err := s.Put(t.Context(), event(hook), bytes.NewReader(random(n)), int64(n)); err == nil {
					t.Errorf("%d bytes are at %v on a disk that fails", n, p)
				}
			}
			if s.Healthy() == nil {
				t.Error("a spool that can't write is well")
			}
			mend()
			want = append(want, put(t, s, hook, random(3)))
			if err := errors.Join(s.Healthy(), s.Close()); err != nil {
				t.Fatal(err)
			}
			s = open(t, spool.Options{Dir: dir})
			if got := positions(t, s, hook); !slices.Equal(got, want) {
				t.Errorf("%v are there, not %v", got, want)
			}
		})
	}
}

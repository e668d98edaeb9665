//go:build unix

package fetch

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile locks the file for this process without waiting; closing it unlocks it.
func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrBusy
	case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS):
		return nil // on file systems without locks, such as some network mounts, only the store's lock protects it
	case err != nil:
		return fmt.Errorf("lock the part file: %w", err)
	}
	return nil
}

// isFull reports whether an error means that the disk, the quota or the file size limit is exhausted.
func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

func syncFolder(d *os.File) error { return d.Sync() }

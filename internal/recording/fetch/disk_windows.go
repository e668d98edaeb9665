package fetch

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile locks the file for this process without waiting; closing it unlocks it. It locks a byte far beyond the end of any file:
// locks on Windows keep others from reading what they cover.
func lockFile(f *os.File) error {
	o := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &o)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrBusy
	}
	if err != nil {
		return fmt.Errorf("lock the part file: %w", err)
	}
	return nil
}

// isFull reports whether an error means that the disk, the quota or the file size limit is exhausted.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) ||
		errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED) || errors.Is(err, windows.ERROR_FILE_TOO_LARGE)
}

// syncFolder does nothing: NTFS journals its names, and folders can't be flushed.
func syncFolder(*os.File) error { return nil }

// reserve sets the file's size; NTFS allocates its clusters.
func reserve(f *os.File, size int64) error { return f.Truncate(size) }

func syncData(f *os.File) error { return f.Sync() }

// renameNew renames a file inside a folder to an unused name. The error is fs.ErrExist if the name is used.
func renameNew(in *folder, from, to string) error {
	a, err := windows.UTF16PtrFromString(in.join(from))
	if err != nil {
		return err
	}
	b, err := windows.UTF16PtrFromString(in.join(to))
	if err != nil {
		return err
	}
	return windows.MoveFileEx(a, b, windows.MOVEFILE_WRITE_THROUGH)
}

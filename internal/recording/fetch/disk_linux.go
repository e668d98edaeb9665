package fetch

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve allocates the file's space, or only sets its size if the file system can't.
func reserve(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
			return f.Truncate(size)
		}
		return err
	}
}

// syncData makes the bytes of a file of fixed size durable.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// renameNew renames a file inside a folder to an unused name. The error is fs.ErrExist if the name is used, and errNoRename if the file
// system can't promise that.
func renameNew(in *folder, from, to string) error {
	err := in.with(func(d *os.File) error {
		return unix.Renameat2(int(d.Fd()), from, int(d.Fd()), to, unix.RENAME_NOREPLACE)
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return errNoRename
	}
	return err
}

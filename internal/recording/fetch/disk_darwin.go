package fetch

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve allocates the file's space, or only sets its size if the file system can't.
func reserve(f *os.File, size int64) error {
	store := unix.Fstore_t{Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: size}
	if err := unix.FcntlFstore(f.Fd(), unix.F_PREALLOCATE, &store); isFull(err) {
		return err
	}
	return f.Truncate(size)
}

func syncData(f *os.File) error { return f.Sync() }

// renameNew renames a file inside a folder to an unused name. The error is fs.ErrExist if the name is used, and errNoRename if the file
// system can't promise that.
func renameNew(in *folder, from, to string) error {
	err := in.with(func(d *os.File) error { return unix.RenameatxNp(int(d.Fd()), from, int(d.Fd()), to, unix.RENAME_EXCL) })
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return errNoRename
	}
	return err
}

package layout

import (
	"cmp"
	"io/fs"
	"os"
)

// Mode has the permissions of new files. The zero Mode makes them readable only by the user: recordings are of conversations.
type Mode struct {
	// Perm are the permissions of a new file, 0 for 0600.
	Perm fs.FileMode
	// Umask applies the user's umask to Perm, as other programs do.
	Umask bool
}

// Open opens a file with the given function, such as [os.OpenFile], and sets the permissions.
func (m Mode) Open(open func(name string, flag int, perm fs.FileMode) (*os.File, error), name string, flag int) (*os.File, error) {
	perm := cmp.Or(m.Perm, 0o600)
	f, err := open(name, flag, perm)
	if err != nil || m.Umask {
		return f, err
	}
	// File systems without permissions refuse, and have nothing to protect.
	if info, serr := f.Stat(); serr == nil && info.Mode().Perm() != perm {
		_ = f.Chmod(perm)
	}
	return f, nil
}

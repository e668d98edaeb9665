package layout

import (
	"io/fs"
	"os"
)

// Mode is how files are made readable. The zero Mode is for the user's own eyes alone: recordings are of conversations.
type Mode struct {
	// Perm are the permissions of a new file, 0 for 0600.
	Perm fs.FileMode
	// Umask lets the system take away what the user's umask says, as it does for other programs.
	Umask bool
}

func (m Mode) perm() fs.FileMode {
	if m.Perm == 0 {
		return 0o600
	}
	return m.Perm
}

// Open opens a file with the system's open, or that of a folder, and gives a new one its permissions.
func (m Mode) Open(open func(name string, flag int, perm fs.FileMode) (*os.File, error), name string, flag int) (*os.File, error) {
	f, err := open(name, flag, m.perm())
	if err != nil || m.Umask {
		return f, err
	}
	// File systems without permissions refuse, and have nothing to protect.
	if info, serr := f.Stat(); serr == nil && info.Mode().Perm() != m.perm() {
		_ = f.Chmod(m.perm())
	}
	return f, nil
}

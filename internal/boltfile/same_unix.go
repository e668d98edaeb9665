//go:build unix

package boltfile

import (
	"os"
	"syscall"
)

// same reports whether a name leads to a file. It asks the system without the os package, which would note each call in the
// log of a test: a store asks twice per commit.
func same(name string, id os.FileInfo) (bool, error) {
	var now syscall.Stat_t
	for {
		err := syscall.Stat(name, &now)
		switch err {
		case nil:
			was, ok := id.Sys().(*syscall.Stat_t)
			return ok && now.Dev == was.Dev && now.Ino == was.Ino, nil
		case syscall.EINTR:
		default:
			return false, &os.PathError{Op: "stat", Path: name, Err: err}
		}
	}
}

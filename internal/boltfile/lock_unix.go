//go:build unix && !solaris && !aix

package boltfile

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Lock locks an open file as the library does, so that it can be checked before the library maps it.
func Lock(f *os.File, exclusive bool, timeout time.Duration) error {
	const again = 25 * time.Millisecond
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	for until := time.Now().Add(timeout); ; time.Sleep(again) {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case time.Now().After(until):
			return ErrInUse
		}
	}
}

package store

import (
	"os"
	"syscall"
)

// fdatasync makes a file's content durable.
func fdatasync(f *os.File) error {
	return os.NewSyscallError("fdatasync", syscall.Fdatasync(int(f.Fd())))
}

package tui

import (
	"os"

	"golang.org/x/sys/unix"
)

// discardOutput discards what was written to a terminal and not yet read by it.
func discardOutput(tty *os.File) {
	const output = 2 // FWRITE in <sys/fcntl.h>
	_ = unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCFLUSH, output)
}

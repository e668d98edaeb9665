package tui

import (
	"os"

	"golang.org/x/sys/unix"
)

// discardOutput discards what was written to a terminal and not yet read by it. Linux doesn't wake a blocked writer when it makes
// room this way; resuming the output does.
func discardOutput(tty *os.File) {
	fd := int(tty.Fd())
	_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH)
	_ = unix.IoctlSetInt(fd, unix.TCXONC, unix.TCOOFF)
	_ = unix.IoctlSetInt(fd, unix.TCXONC, unix.TCOON)
}

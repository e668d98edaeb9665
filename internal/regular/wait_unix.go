//go:build unix

package regular

import "syscall"

// noWait makes opening a FIFO return at once. Regular files don't know it.
const noWait = syscall.O_NONBLOCK

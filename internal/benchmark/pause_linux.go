package main

import (
	"syscall"
	"time"
)

// pause sleeps, to a tenth of a millisecond; the runtime's timers are exact to a whole one.
func pause(d time.Duration) {
	if d <= 0 {
		return
	}
	left := syscall.NsecToTimespec(d.Nanoseconds())
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
}

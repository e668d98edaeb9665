//go:build !windows

package main

import (
	"os"
	"syscall"
)

// stopSignals ask the program to end cleanly.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

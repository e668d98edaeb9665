//go:build !windows

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals ask the program to end cleanly. A terminal that is closed hangs up; under nohup that is ignored, and stays so.
func stopSignals() []os.Signal {
	s := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		s = append(s, syscall.SIGHUP)
	}
	return s
}

// isHangup reports whether a signal is the one by which services are asked to read their configuration again.
func isHangup(sig os.Signal) bool { return sig == syscall.SIGHUP }

// quitSignals ask a program to end with its stacks.
func quitSignals() []os.Signal { return []os.Signal{syscall.SIGQUIT, syscall.SIGABRT} }

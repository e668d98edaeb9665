//go:build !windows

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals are the signals that end the program cleanly. A closed terminal sends a hangup, which nohup ignores.
func stopSignals() []os.Signal {
	s := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		s = append(s, syscall.SIGHUP)
	}
	return s
}

// isHangup reports whether a signal asks services to reload their configuration.
func isHangup(sig os.Signal) bool { return sig == syscall.SIGHUP }

// quitSignals are the signals that end a program and print its stacks.
func quitSignals() []os.Signal { return []os.Signal{syscall.SIGQUIT, syscall.SIGABRT} }

// Command greenroom manages meetings on several video platforms from one terminal: rooms, links, participants, and webhooks.
//
// This package only wires: each file holds a group of commands, which parse flags, call an [app.Backend] and print the result. Data goes to
// standard output, messages to standard error; --json prints one value, or one per line when following. The exit status is 0 on success, 1 on
// failure, 2 for wrong usage, 3 if a named object was not found, 4 if something is not configured, not allowed, or not supported by the
// platform.
package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
)

// memoryGoal is the soft memory limit in bytes: garbage of large bodies, which anyone can send, is collected before it doubles the heap.
// GOMEMLIMIT overrides it.
const memoryGoal = 128 << 20

// garbage is the growth of the heap between two collections, in percent of the heap in use, below the limit. The heap in use is small, and
// webhooks produce much garbage. GOGC overrides it.
const garbage = 400

func main() { os.Exit(realMain()) }

// realMain is main for the tests.
func realMain() int {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	p := newProgram()
	defer catchLibraries(newLog(p.stderr, slog.LevelWarn))()
	return p.execute(context.Background(), os.Args[1:])
}

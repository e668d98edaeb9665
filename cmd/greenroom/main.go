// Command greenroom manages meetings on several video platforms from one terminal: rooms, links, who is there, and every
// webhook as it arrived.
//
// This package only wires and speaks: each file holds one group of commands, parses its flags, asks an [app.Backend] and
// prints what it says. Data goes to standard output, words to standard error; --json prints one value, or one per line
// when following. The exit status is 0 when it is done, 1 when it failed, 2 for wrong usage, 3 when something named was not
// found, 4 when something is not configured, not allowed, or not possible on the platform.
package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
)

// memoryGoal is the heap that the garbage collector works towards: garbage of large bodies, which strangers may send, is
// collected before it doubles the heap. GOMEMLIMIT overrides it.
const memoryGoal = 100 << 20

// garbage is how much the heap may grow between two collections, in percent of what is in use, while it is below the goal. The
// heap in use is small, and webhooks leave a lot of garbage. GOGC overrides it.
const garbage = 400

func main() { os.Exit(realMain()) }

// realMain is main for the tests, which run it under another name.
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

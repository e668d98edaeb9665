// Package program runs the user's programs: on recordings, and for notifications.
//
// A program gets its arguments as configured, without a shell. The details are in its environment, such as GREENROOM_ROOM: there, untrusted
// names can't become options. Greenroom's secrets are removed from the environment. The program's output goes to the log, made safe and
// bounded, so that printing can neither block nor fill anything.
//
// A program runs in its own process group. To end it, the whole group gets SIGTERM, and SIGKILL a moment later. Processes that a finished
// program leaves behind keep running.
package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"greenroom/internal/plain"
	"greenroom/internal/program/group"
)

// dieTime is the time between SIGTERM and SIGKILL, and how long the children of a finished program may hold its output open. Greenroom waits
// that long when it exits.
const dieTime = time.Second

// Program is a program with its arguments and environment.
type Program struct {
	// Name is the name of the setting, for the log.
	Name string
	// Args are the program and its arguments; not empty.
	Args []string
	// Dir is the working directory, empty for the current one.
	Dir string
	// Environ is the environment that it inherits, in the form of os.Environ, without the variables that Secrets names. Facts are
	// further variables: names without GREENROOM_, and values.
	Environ []string
	Secrets []string
	Facts   [][2]string
	Log     *slog.Logger
}

// Run runs the program and returns nil if it exits with status 0. When ctx ends, the program is ended, and the error is ctx's cause. Other
// errors contain the status and the last line that the program printed.
func (p Program) Run(ctx context.Context) error {
	out := &output{name: p.Name, log: p.Log.With("program", p.Args[0])}
	cmd := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, dieTime
	group.Own(cmd)
	cmd.Cancel = func() error { return group.End(cmd, syscall.SIGTERM) }
	cmd.Env, cmd.Dir = p.environ(), p.Dir
	out.log.Info(p.Name + " begins")
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		_ = group.Kill(cmd)
	}
	out.end()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it ended well, and left something running that holds its output
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && out.last != "":
		err = fmt.Errorf("%s: %w: %s", plain.Text(p.Args[0]), err, out.last)
	case err != nil:
		err = fmt.Errorf("%s: %w", plain.Text(p.Args[0]), err)
	}
	if err == nil {
		out.log.Info(p.Name + " has ended")
	}
	return err
}

// environ returns the environment without Greenroom's secrets, with the facts.
func (p Program) environ() []string {
	env := slices.DeleteFunc(slices.Clone(p.Environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(p.Secrets, name)
	})
	for _, kv := range p.Facts {
		env = append(env, "GREENROOM_"+kv[0]+"="+strings.ReplaceAll(kv[1], "\x00", ""))
	}
	return env
}

// Package program runs programs of the user's: on recordings, and when the user is called.
//
// A program gets its arguments as they were configured, without a shell. What it is about is in its environment, GREENROOM_ROOM and
// so on: names from outside can't become options of the program there. Greenroom's own secrets are taken out of the environment. The
// program's output goes to the log, made safe to show and bounded; it can neither block nor fill anything by printing.
//
// A program runs in a process group of its own. When it has to end, the whole group is asked to, and what is left a moment later
// is killed. Whatever a program that ended of its own accord has left running stays.
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

// dieTime is how long a program that must end has until it is killed, and how long the children of one that has ended may
// hold its output open. The end of Greenroom waits for it.
const dieTime = time.Second

// Program is a program with its arguments and circumstances.
type Program struct {
	// Name is the setting's, for the log.
	Name string
	// Args are the program and its arguments; not empty.
	Args []string
	// Dir is the folder in which it runs, empty for the present one.
	Dir string
	// Environ is the environment that it inherits, as from os.Environ; Secrets names the variables of it that are left out. Facts are
	// further variables: names without GREENROOM_, and values.
	Environ []string
	Secrets []string
	Facts   [][2]string
	Log     *slog.Logger
}

// Run runs the program and returns nil when it ended with status 0. When ctx ends the program is ended, and the error is ctx's
// cause. Other errors have the status and the last line that the program printed.
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

// environ is the environment without Greenroom's secrets, and with the facts.
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

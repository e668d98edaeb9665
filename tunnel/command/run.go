package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/plain"
	"greenroom/internal/program/group"
	"greenroom/tunnel"
)

// run is an open tunnel, which runs one program after another. Close asks the program to end, and kills it after the patience.
type run struct {
	tunnel.Running
	plan
	clock    clockwork.Clock
	secrets  []string // variables that the program does not inherit
	patience time.Duration
	output   atomic.Pointer[output] // of the running program, or nil
}

// Refuted switches to another of the URLs that the program has printed, because requests to this one don't arrive.
func (r *run) Refuted(url string) {
	if o := r.output.Load(); o != nil {
		o.refuted(url)
	}
}

func (r *run) run(ctx context.Context) {
	// Linux ends the program with the thread that started it, so the thread must not end with another goroutine.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var pause tunnel.Backoff
	logged := ""
	for {
		began := r.clock.Now()
		why := r.once(ctx)
		if ctx.Err() != nil {
			return
		}
		lasted := r.clock.Since(began)
		pause.Lasted(lasted)
		wait := pause.Next(r.clock.Now())
		if lasted < tunnel.Holds {
			wait = pause.Refused(endedMost)
		}
		if lasted >= tunnel.Holds || why != logged { // a program that keeps ending in the same way is logged once
			r.Log.Warn("the tunnel's program ended", "why", why, "again", wait)
			logged = why
		}
		due := r.clock.After(wait) // before the status shows it, so that it can't be missed
		r.Update(func(s *tunnel.Status) {
			s.State, s.URL, s.Reason, s.RetryAt = tunnel.Degraded, "", why+"; it will be started again", r.clock.Now().Add(wait)
		})
		select {
		case <-ctx.Done():
			return
		case <-due:
		}
	}
}

// once runs the program until it or ctx ends, and returns why it ended.
func (r *run) once(ctx context.Context) string {
	args, metrics, err := r.args()
	if err != nil {
		return fmt.Sprintf("%s can't be started: %s", r.name, plain.Text(err.Error()))
	}
	cmd := exec.CommandContext(ctx, r.path, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(r.secrets, name)
	})
	cmd.Env = append(cmd.Env, r.variables...)
	group.Own(cmd)
	cmd.Cancel = func() error { return group.End(cmd, syscall.SIGINT) }
	cmd.WaitDelay = r.patience

	alive, end := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer end()
	reader := &output{
		run: r, searched: metrics == "" && r.url == "", find: tunnel.Announcements{Pattern: r.pattern}, printed: tunnel.Printed{Log: r.Log},
	}
	r.output.Store(reader)
	defer r.output.Store(nil)
	out, errs := &tunnel.Lines{To: reader.line, Crash: r.Crash}, &tunnel.Lines{To: reader.line, Crash: r.Crash}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		return fmt.Sprintf("%s can't be started: %s", r.name, plain.Text(err.Error()))
	}
	r.Log.Debug("the tunnel's program is running", "pid", cmd.Process.Pid)
	switch {
	case metrics != "":
		r.Crash.GoIn(&watchers, "tunnel metrics", func() { r.pollMetrics(alive, metrics) })
	case r.url != "":
		r.found(r.url)
	}
	r.Crash.GoIn(&watchers, "tunnel without URL", func() { r.missURL(alive, reader) })

	err = cmd.Wait()
	// Processes that it started may still run and write. The readers have ended by now.
	_ = group.Kill(cmd)
	out.End()
	errs.End()
	return r.ended(err, reader.words())
}

// ended describes how the program ended.
func (r *run) ended(err error, words string) string {
	how := "ended"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		how = "ended with " + exit.String()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		how = "ended: " + plain.Text(err.Error())
	}
	if words == "" {
		return r.name + " " + how
	}
	return fmt.Sprintf("%s %s, with the message: %s", r.name, how, words)
}

// found reports a tunnel at the URL.
func (r *run) found(url string) {
	r.Update(func(s *tunnel.Status) { s.State, s.URL, s.Reason = tunnel.Live, url, "" })
}

// missURL reports after a while that there is no URL yet, with the program's last line.
func (r *run) missURL(ctx context.Context, reader *output) {
	select {
	case <-ctx.Done():
		return
	case <-r.clock.After(quietTime):
	}
	said := "and printed nothing"
	if words := reader.words(); words != "" {
		said = "and printed no public URL; its last line is: " + words
	}
	r.Update(func(s *tunnel.Status) {
		if s.URL == "" && s.State != tunnel.Closed {
			s.State = tunnel.Degraded
			s.Reason = fmt.Sprintf("%s has run for %s %s. If you know the URL, set tunnel.url; if it is printed in another form, "+
				"set tunnel.pattern", r.name, quietTime, said)
		}
	})
}

// trouble shows a problem while there is no URL.
func (r *run) trouble(reason string) {
	r.Update(func(s *tunnel.Status) {
		if s.URL == "" {
			s.State, s.Reason = tunnel.Degraded, reason
		}
	})
}

var _ tunnel.Tunnel = (*run)(nil)

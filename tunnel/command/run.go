package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
	"greenroom/internal/plain"
	"greenroom/internal/program/group"
	"greenroom/tunnel"
)

// run is an open tunnel: one program after the other.
type run struct {
	plan
	clock  clockwork.Clock
	log    *slog.Logger
	crash  *crash.Group
	board  *tunnel.Board
	cancel context.CancelFunc
	done   chan struct{}

	secrets  []string // variables that the program does not inherit
	patience time.Duration

	mu     sync.Mutex
	reader *output // of the program that runs, nil when none does
}

func (r *run) read(e *output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reader = e
}

// Refuted switches to another of the URLs that the program has printed, because requests to this one don't arrive.
func (r *run) Refuted(url string) {
	r.mu.Lock()
	e := r.reader
	r.mu.Unlock()
	if e != nil {
		e.refuted(url)
	}
}

// Status implements [tunnel.Tunnel].
func (r *run) Status() <-chan tunnel.Status { return r.board.Status() }

// Close implements [tunnel.Tunnel]. It asks the program to end, and ends it after 5 s.
func (r *run) Close() error {
	r.cancel()
	<-r.done
	return nil
}

func (r *run) run(ctx context.Context) {
	defer close(r.done)
	defer r.board.Close("closed")
	// Linux ends the program with the thread that started it: that must be no other goroutine's to end.
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
		if lasted >= tunnel.Holds || why != logged { // once, however often it ends at once in the same way
			r.log.Warn("the tunnel's program ended", "why", why, "again", wait)
			logged = why
		}
		due := r.clock.After(wait) // before the status shows it, so that it can't be missed
		r.board.Update(func(s *tunnel.Status) {
			s.State, s.URL, s.Reason, s.RetryAt = tunnel.Degraded, "", why+"; it will be started again", r.clock.Now().Add(wait)
		})
		select {
		case <-ctx.Done():
			return
		case <-due:
		}
	}
}

// once runs the program until it ends, or ctx does, and returns why it ended.
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
		run: r, listens: metrics == "" && r.url == "", find: tunnel.Announcements{Pattern: r.pattern}, printed: tunnel.Printed{Log: r.log},
	}
	r.read(reader)
	defer r.read(nil)
	out, errs := &tunnel.Lines{To: reader.line, Crash: r.crash}, &tunnel.Lines{To: reader.line, Crash: r.crash}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		return fmt.Sprintf("%s can't be started: %s", r.name, plain.Text(err.Error()))
	}
	r.log.Debug("the tunnel's program is running", "pid", cmd.Process.Pid)
	watch := func(name string, f func(context.Context)) {
		watchers.Add(1)
		r.crash.Go(name, func() { defer watchers.Done(); f(alive) })
	}
	switch {
	case metrics != "":
		watch("tunnel metrics", func(ctx context.Context) { r.pollMetrics(ctx, metrics) })
	case r.url != "":
		r.found(r.url)
	}
	watch("tunnel without URL", func(ctx context.Context) { r.missURL(ctx, reader) })

	err = cmd.Wait()
	// What it started in its group may still run, and may still write: those who read are done by now.
	_ = group.Kill(cmd)
	out.End()
	errs.End()
	return r.ended(err, reader.words())
}

// ended says why the program ended.
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

// found says that the program has made a tunnel at the URL.
func (r *run) found(url string) {
	r.board.Update(func(s *tunnel.Status) { s.State, s.URL, s.Reason = tunnel.Live, url, "" })
}

// missURL shows after a while that there is no URL yet, with what the program printed last.
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
	r.board.Update(func(s *tunnel.Status) {
		if s.URL == "" && s.State != tunnel.Closed {
			s.State = tunnel.Degraded
			s.Reason = fmt.Sprintf("%s has run for %s %s. If you know the URL, set tunnel.url; if it is printed in another form, "+
				"set tunnel.pattern", r.name, quietTime, said)
		}
	})
}

// trouble shows a reason while there is no URL.
func (r *run) trouble(reason string) {
	r.board.Update(func(s *tunnel.Status) {
		if s.URL == "" {
			s.State, s.Reason = tunnel.Degraded, reason
		}
	})
}

var _ tunnel.Tunnel = (*run)(nil)

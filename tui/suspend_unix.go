//go:build unix

package tui

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"greenroom/internal/crash"
)

// jobs is the job control of the shell: it stops the process, and notices stops and continuations from outside.
type jobs struct {
	signals chan os.Signal
	// stopping is true while stop waits for continued.
	stopping  atomic.Bool
	continued chan struct{}
}

// newJobs catches the signals of job control.
func newJobs() *jobs {
	j := &jobs{signals: make(chan os.Signal, 4), continued: make(chan struct{}, 1)}
	signal.Notify(j.signals, syscall.SIGTSTP, syscall.SIGCONT)
	return j
}

// watch reports signals from outside to the screen, and SIGCONT to stop while that waits for it, until ctx ends.
func (j *jobs) watch(ctx context.Context, g *crash.Group, send func(tea.Msg)) {
	g.Go("job control", func() {
		defer signal.Stop(j.signals)
		for {
			select {
			case s := <-j.signals:
				switch {
				case s == syscall.SIGCONT && j.stopping.CompareAndSwap(true, false):
					j.continued <- struct{}{}
				case s == syscall.SIGCONT:
					send(continuedMsg{})
				case !j.stopping.Load():
					send(suspendMsg{})
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// why returns why ctrl+z does not work, or "". The kernel ignores it if no shell could continue the job.
func (j *jobs) why() string {
	parent := os.Getppid()
	group, err := syscall.Getpgid(parent)
	if err == nil && group == syscall.Getpgrp() {
		return "" // a program that the shell started and that started this one
	}
	session, serr := unix.Getsid(parent)
	own, oerr := unix.Getsid(0)
	if err != nil || serr != nil || oerr != nil || session != own {
		return "There is no shell to return to, so nothing could resume Greenroom"
	}
	return ""
}

// stop stops the process, or with group the whole job, and returns after it was continued. It uses SIGTTOU, whose action
// is that of SIGTSTP: after the runtime has caught SIGTSTP, it never restores the system's action.
func (j *jobs) stop(ctx context.Context, group bool) error {
	select {
	case <-j.continued: // after an earlier stop had ceased to wait
	default:
	}
	j.stopping.Store(true)
	defer j.stopping.Store(false)
	target := os.Getpid()
	if group {
		target = 0
	}
	if err := syscall.Kill(target, syscall.SIGTTOU); err != nil {
		return fmt.Errorf("stop the process: %w", err)
	}
	select {
	case <-j.continued:
	case <-ctx.Done():
	case <-time.After(time.Second): // the kernel ignored it; a stopped process continues before this fires
	}
	return nil
}

// whyNoJobs is shown where there is no job control.
const whyNoJobs = "Greenroom can't be suspended here"

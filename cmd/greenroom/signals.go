package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"greenroom/tui"
)

// stopGrace is how long the screen may take to end after a signal.
const stopGrace = 2500 * time.Millisecond

// stops is the program's only handler of the signals that ask it to end. The first one cancels the context. What a second
// one does is up to force: without it the system's default, which ends the program at once.
type stops struct {
	mu     sync.Mutex
	force  func(why string)
	hangup func()
}

// signalled is why a context has ended: a signal asked the program to stop.
type signalled struct{ sig os.Signal }

func (s *signalled) Error() string { return fmt.Sprintf("the program received the signal %q", s.sig) }

// status is the exit status by which shells know what ended a program: 130 for SIGINT, 143 for SIGTERM.
func (s *signalled) status() int {
	if n, ok := s.sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitFailed
}

// interrupted returns the signal that ended ctx, if err says no more than that ctx has ended.
func interrupted(ctx context.Context, err error) (*signalled, bool) {
	if !errors.Is(err, context.Canceled) {
		return nil, false
	}
	s, ok := context.Cause(ctx).(*signalled)
	return s, ok
}

// onHangup has hangups call f instead of ending the program, until undo. f runs in a goroutine of its own, which start starts and
// ctx ends, so that the next signal can end the program meanwhile. Hangups during one call lead to one more.
func (s *stops) onHangup(ctx context.Context, start func(name string, f func()), f func()) (undo func()) {
	asked := make(chan struct{}, 1)
	set := func(f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hangup = f
	}
	set(func() {
		select {
		case asked <- struct{}{}:
		default:
		}
	})
	start("hangups", func() {
		for {
			select {
			case <-asked:
				f()
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { set(nil) }
}

// hungUp reports whether a signal is a hangup that is taken care of, and does so.
func (s *stops) hungUp(sig os.Signal) bool {
	s.mu.Lock()
	f := s.hangup
	s.mu.Unlock()
	if f == nil || !isHangup(sig) {
		return false
	}
	f()
	return true
}

// guard sets what happens on a second signal, and when the program still runs after the grace period. f must end the
// process.
func (s *stops) guard(f func(why string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.force = f
}

// watch cancels the context it returns on the first signal. stop ends the watching.
func (s *stops) watch(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals, done := make(chan os.Signal, 16), make(chan struct{})
	signal.Notify(signals, stopSignals()...)
	go func() {
		for ctx.Err() == nil {
			select {
			case sig := <-signals:
				if !s.hungUp(sig) {
					cancel(&signalled{sig})
				}
			case <-done:
				return
			}
		}
		s.mu.Lock()
		force := s.force
		s.mu.Unlock()
		if force == nil {
			signal.Stop(signals)
			return
		}
		why := "the program took too long to stop"
		select {
		case sig := <-signals:
			why = fmt.Sprintf("a second signal arrived (%s)", sig)
		case <-time.After(stopGrace):
		case <-done:
			return
		}
		force(why)
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// guardTerminal makes sure that the screen ends soon after a signal and leaves the terminal as it was. Ending at once is safe: the
// store holds whatever was acknowledged. A quit signal ends it as a crash does: the runtime's own handler would print the stacks
// over the screen and leave the terminal raw.
func (p *program) guardTerminal(log *slog.Logger) {
	in, ok := p.stdin.(*os.File)
	out, isFile := p.stdout.(*os.File)
	if !ok || !isFile {
		return
	}
	terminal := tui.KeepTerminal(in, out)
	p.stops.guard(func(why string) {
		log.Error("ended before everything had stopped", "because", why, "terminal", terminal.Restore())
		os.Exit(exitFailed)
	})
	quits := make(chan os.Signal, 1)
	if q := quitSignals(); len(q) > 0 {
		signal.Notify(quits, q...)
	}
	go func() {
		sig := <-quits
		all := make([]byte, stackLimit)
		all = all[:runtime.Stack(all, true)]
		log.Error("a signal ended the program", "signal", sig.String(), "terminal", terminal.Restore(), "stack", string(all))
		p.words(fmt.Sprintf("greenroom: ended by a signal (%s); the stack of every goroutine is in the log", sig))
		os.Exit(exitUsage) // as after a crash
	}()
}

// stackLimit bounds the stacks that a quit writes into the log.
const stackLimit = 1 << 20

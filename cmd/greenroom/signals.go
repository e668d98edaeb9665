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

// stopGrace is how long the screen may take to exit after a signal.
const stopGrace = 2500 * time.Millisecond

// stops handles the signals that end the program. The first one cancels the context. A second one calls force; without force, it ends the
// program immediately.
type stops struct {
	mu     sync.Mutex
	force  func(why string)
	hangup func()
}

// signalled is the cause of a context that a signal ended.
type signalled struct{ sig os.Signal }

func (s *signalled) Error() string { return fmt.Sprintf("the program received the signal %q", s.sig) }

// status returns the exit status that shells use for the signal: 130 for SIGINT, 143 for SIGTERM.
func (s *signalled) status() int {
	if n, ok := s.sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return exitFailed
}

// interrupted returns the signal that ended ctx, if err only means that ctx has ended.
func interrupted(ctx context.Context, err error) (*signalled, bool) {
	if !errors.Is(err, context.Canceled) {
		return nil, false
	}
	s, ok := context.Cause(ctx).(*signalled)
	return s, ok
}

// onHangup makes hangups call f instead of ending the program, until undo. f runs in a goroutine that start starts and ctx ends, so that other
// signals can end the program meanwhile. Hangups during a call lead to one more call.
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

// hungUp handles a hangup if onHangup is active, and reports whether it did.
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

// guard sets the function that is called on a second signal, or when the grace period is over. f must end the process.
func (s *stops) guard(f func(why string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.force = f
}

// watch returns a context that the first signal cancels. stop ends this.
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

// guardTerminal makes sure that the screen exits soon after a signal and restores the terminal. Exiting immediately is safe, since acknowledged
// events are stored. A quit signal ends the program like a crash: Go's own handler would print the stacks over the screen and leave the
// terminal raw.
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

// stackLimit is the largest size in bytes of the stacks that a quit signal writes into the log.
const stackLimit = 1 << 20

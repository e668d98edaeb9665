//go:build !windows

package main

import (
	"context"
	"os/signal"
	"syscall"
	"testing"

	"greenroom/internal/crash"
)

// hangups skips a test where hangups are ignored and stay so, as under nohup.
func hangups(t *testing.T) {
	t.Helper()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("hangups are ignored here")
	}
}

func TestAHangupIsHandledOrEndsTheProgram(t *testing.T) {
	hangups(t)
	s, group := &stops{}, &crash.Group{}
	defer group.Wait()
	ctx, stop := s.watch(t.Context())
	defer stop()
	reloads := make(chan struct{}, 1)
	undo := s.onHangup(ctx, group.Go, func() { reloads <- struct{}{} })
	for range 3 {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case <-reloads:
		case <-ctx.Done():
			t.Fatal("a hangup that is taken care of ended the program")
		}
	}
	undo()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}

// TestASignalEndsTheProgramDuringAHangup: what a hangup leads to may take long, such as a secret's command.
func TestASignalEndsTheProgramDuringAHangup(t *testing.T) {
	hangups(t)
	s, group := &stops{}, &crash.Group{}
	defer group.Wait()
	ctx, stop := s.watch(t.Context())
	defer stop()
	begun := make(chan struct{})
	defer s.onHangup(ctx, group.Go, func() { close(begun); <-ctx.Done() })()
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := syscall.Kill(syscall.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		<-begun
	}
	late, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-late.Done():
		t.Fatal("the program continues")
	}
}

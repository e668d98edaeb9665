//go:build !windows

package main

import (
	"syscall"
	"testing"
)

func TestAHangupIsTakenCareOfOrEndsTheProgram(t *testing.T) {
	s := &stops{}
	ctx, stop := s.watch(t.Context())
	defer stop()
	reloads := make(chan struct{}, 1)
	undo := s.onHangup(func() { reloads <- struct{}{} })
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

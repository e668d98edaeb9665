package tui

import (
	"bytes"
	"errors"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// A terminal that shows nothing has its modes back afterwards, even if it is full and a frame waits to be written.
func TestAFullTerminalIsRestored(t *testing.T) {
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	fill, err := unix.Open(tty.Name(), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	frame := bytes.Repeat([]byte("x"), 5000)
	for err == nil {
		_, err = unix.Write(fill, frame)
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		_, err := tty.Write(frame)
		written <- err
	}()
	if err := KeepTerminal(tty, tty).Restore(); err != nil {
		t.Error(err)
	}
	_ = screen.Close() // ends the frame's writing, wherever it is
	<-written
	if err := errors.Join(unix.Close(fill), tty.Close()); err != nil {
		t.Fatal(err)
	}
}

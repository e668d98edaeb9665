package relay_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"greenroom/internal/private"
	"greenroom/tunnel/relay"
)

// as does something with the thread of another user.
func as(t *testing.T, uid int, do func() error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	become := func(euid int) {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), uintptr(euid), ^uintptr(0)); errno != 0 {
			t.Fatal(errno)
		}
	}
	become(uid)
	err := do()
	become(0)
	if err != nil {
		t.Fatal(err)
	}
}

const anotherUser = 4242

// shortDir is a folder for a socket that all users can reach.
func shortDir(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act as another user")
	}
	dir, err := os.MkdirTemp("", "gr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAnotherUserCommandsNoRelay(t *testing.T) {
	dir := shortDir(t)
	b := newBench(t, relay.Options{Dir: dir})
	if err := b.ServeControl(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, relay.SocketName)
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	as(t, anotherUser, func() error { return syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) })
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	const body = `{"do":"token list"}`
	_, _ = io.WriteString(f, "POST / HTTP/1.1\r\nHost: relay\r\nContent-Length: 19\r\nConnection: close\r\n\r\n"+body) // it may be closed already
	if answer, _ := io.ReadAll(f); len(answer) > 0 {
		t.Errorf("another user is answered %q", answer)
	}
	r, err := relay.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if tokens, err := r.Tokens(t.Context()); err != nil || len(tokens) != 1 {
		t.Errorf("this user is answered %v, %v", tokens, err)
	}
}

func TestAnotherUserPlaysNoRelay(t *testing.T) {
	dir := shortDir(t)
	var l net.Listener
	as(t, anotherUser, func() (err error) { l, err = net.Listen("unix", filepath.Join(dir, relay.SocketName)); return err })
	received := make(chan []byte)
	go func() {
		c, err := l.Accept()
		if err != nil {
			close(received)
			return
		}
		b, _ := io.ReadAll(c) // ends when the other side closes
		c.Close()
		received <- b
	}()
	var other *private.Error
	_, err := relay.Dial(t.Context(), dir)
	if !errors.As(err, &other) || errors.Is(err, relay.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if b := <-received; len(b) > 0 {
		t.Errorf("another user hears %q", b)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

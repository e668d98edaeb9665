package private

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// dialAs connects to a socket as another user would: the thread that does has that user for a moment.
func dialAs(t *testing.T, path string, uid int) (closeIt func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	must(t, err)
	become := func(euid int) {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), uintptr(euid), ^uintptr(0)); errno != 0 {
			t.Fatal(errno)
		}
	}
	become(uid)
	err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
	become(0)
	must(t, err)
	return func() { syscall.Close(fd) }
}

func TestThePeersUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	path := filepath.Join(shortDir(t), "s")
	must(t, os.Chmod(filepath.Dir(path), 0o755))
	l, err := net.Listen("unix", path)
	must(t, err, os.Chmod(path, 0o777))
	defer l.Close()
	strange := dialAs(t, path, other())
	defer strange()
	in, err := l.Accept()
	must(t, err)
	defer in.Close()
	var e *Error
	if err := Peer(in); !errors.As(err, &e) || !strings.Contains(e.Text, "belongs to user") {
		t.Errorf("%v", err)
	}
	if err := Peer(struct{ net.Conn }{in}); err == nil {
		t.Error("a connection without a peer passes")
	}
}

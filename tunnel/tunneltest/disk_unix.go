//go:build unix

package tunneltest

import (
	"os/signal"
	"syscall"
	"testing"
)

// FullDisk lets no file of this process grow beyond so many bytes: writes fail as they do on a full disk. free takes the
// limit away, as the end of the test does.
func FullDisk(t testing.TB, most uint64) (free func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	full.Cur = most
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	free = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(free)
	return free
}

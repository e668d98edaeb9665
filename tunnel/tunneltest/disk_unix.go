//go:build unix

package tunneltest

import (
	"os/signal"
	"syscall"
	"testing"
)

// FullDisk limits the size of every file of this process: writes beyond it fail as on a full disk. free removes the limit, as
// does the end of the test.
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

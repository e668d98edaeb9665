//go:build unix

package fetch

import (
	"os/signal"
	"syscall"
)

// limitFileSize makes writes beyond n bytes of any file fail, as a full disk does.
func limitFileSize(n uint64) {
	signal.Ignore(syscall.SIGXFSZ)
	setFileSize(n)
}

// freeFileSize takes the limit away.
func freeFileSize() {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		panic(err)
	}
	setFileSize(l.Max)
}

func setFileSize(n uint64) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		panic(err)
	}
	l.Cur = n
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		panic(err)
	}
}

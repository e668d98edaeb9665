//go:build !windows

package main

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"greenroom/internal/crash"
)

// pollTime is how often, in milliseconds, the wait for a closed output looks whether it is still wanted.
const pollTime = 500

// untilClosed returns a context that ends when no one can read from w any more, as behind `| head -n1`: a program that
// follows would notice only with its next line. end must be called.
func untilClosed(ctx context.Context, w io.Writer) (until context.Context, end context.CancelFunc) {
	until, end = context.WithCancel(ctx)
	f, ok := w.(*os.File)
	if !ok {
		return until, end
	}
	fd := int32(f.Fd())
	var group *crash.Group
	group.Go("output", func() {
		for until.Err() == nil {
			p := []unix.PollFd{{Fd: fd}} // errors and hang-ups are reported unasked
			n, err := unix.Poll(p, pollTime)
			switch {
			case err != nil && !errors.Is(err, unix.EINTR):
				return // it can't be watched: the next line will tell
			case err == nil && n > 0 && p[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
				end()
			case err == nil && n > 0:
				return
			}
		}
	})
	return until, end
}

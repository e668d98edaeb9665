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

// pollTime is the interval, in milliseconds, at which the wait for a closed output checks its context.
const pollTime = 500

// untilClosed returns a context that ends when the reader of w is gone, as after `| head -n1`. Otherwise a program that follows would notice with
// its next line. end must be called.
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
				return // it can't be watched: the next line will fail
			case err == nil && n > 0 && p[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
				end()
			case err == nil && n > 0:
				return
			}
		}
	})
	return until, end
}

package tunnel

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
)

// lingerTime is how long one direction of a connection may last after the other has ended.
const lingerTime = time.Minute

// Splice copies bytes between two connections in both directions. When one ends sending, that is passed on alone where the
// other has CloseWrite, and its own direction is left a minute. It returns when both have ended or one has failed or ctx has
// ended, with both closed and nothing running any more. The clock must not be nil; the group may be.
func Splice(ctx context.Context, clock clockwork.Clock, group *crash.Group, a, b io.ReadWriteCloser) {
	shut := func() {
		_ = a.Close()
		_ = b.Close()
	}
	defer shut()
	stop := context.AfterFunc(ctx, shut)
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	goes := func(name string, f func()) {
		running.Add(1)
		group.Go(name, func() { defer running.Done(); f() })
	}
	ended := make(chan error, 2)
	copies := func(to, from io.ReadWriteCloser) func() {
		return func() {
			_, err := io.Copy(to, from)
			if err == nil {
				err = endWriting(to)
			}
			ended <- err
		}
	}
	goes("tunnel there", copies(a, b))
	goes("tunnel back", copies(b, a))
	if err := <-ended; err != nil {
		shut()
	}
	linger := clock.NewTimer(lingerTime)
	defer linger.Stop()
	select {
	case <-ended:
	case <-linger.Chan():
		shut()
	}
}

// endWriting passes the end of a stream on. A connection that can't end in one direction alone ends as a whole.
func endWriting(c io.ReadWriteCloser) error {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

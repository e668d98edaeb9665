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

// Splice copies bytes between two connections in both directions. When one direction ends, its end is passed on with CloseWrite if
// the connection has it, and the other direction may last another minute. Splice returns when both directions have ended, one has
// failed, or ctx has ended; then both connections are closed and nothing runs any more. The group may be nil.
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
	group.GoIn(&running, "tunnel there", copies(a, b))
	group.GoIn(&running, "tunnel back", copies(b, a))
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

// endWriting ends one direction of a connection, or all of it if it has no CloseWrite.
func endWriting(c io.ReadWriteCloser) error {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

package ipc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
)

// Subscribe implements [app.Backend]. The channel is also closed when the owner exits. If the reader is slow, the socket fills up;
// the owner drops what doesn't fit, and Missed reports it.
func (c *Client) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	s, err := c.open(ctx, pathSubscribe)
	if err != nil {
		return nil, err
	}
	out := make(chan app.Change)
	c.crash.Go("ipc reader", func() {
		defer close(out)
		defer s.close()
		for {
			line, err := s.next()
			if err != nil {
				return
			}
			var change app.Change
			if json.Unmarshal(line, &change) != nil {
				change = app.Change{Kind: app.Missed} // it can't be read
			}
			if !pass(s.ctx, out, change) {
				return
			}
		}
	})
	return out, nil
}

// alive returns when the owner has exited, or when ctx or the client ended. It reports whether the owner went silent: one that
// exited or was killed ends its connections and the calls on them, a frozen one doesn't.
func (c *Client) alive(ctx context.Context) (silent bool) {
	s, err := c.open(ctx, pathAlive)
	if err != nil {
		return errors.Is(err, context.Canceled)
	}
	defer s.close()
	for {
		if _, err := s.next(); err != nil {
			return s.ctx.Err() != nil
		}
	}
}

// lines is the reading side of a stream.
type lines struct {
	ctx    context.Context
	cancel context.CancelFunc
	body   io.ReadCloser
	r      *bufio.Reader
	clock  clockwork.Clock
}

func (c *Client) open(ctx context.Context, path string) (*lines, error) {
	sctx, cancel := within(ctx, c.life)
	guard := c.clock.AfterFunc(silence, cancel)
	defer guard.Stop()
	req, err := http.NewRequestWithContext(sctx, http.MethodGet, "http://greenroom"+path, nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ipc: %s: %w", path, err)
	}
	req.Header.Set(headerInstance, c.hello.Instance)
	res, err := c.http.Do(req)
	if err == nil && res.StatusCode == http.StatusOK {
		return &lines{ctx: sctx, body: res.Body, r: bufio.NewReaderSize(res.Body, 64<<10), cancel: cancel, clock: c.clock}, nil
	}
	defer cancel()
	if err != nil {
		err = lost("subscribe", false, err)
	} else {
		defer res.Body.Close()
		err = decode("subscribe", res, nil)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("subscribe: %w", ctx.Err())
	}
	return nil, err
}

// next returns the next line that isn't a heartbeat. It ends a stream that is silent for too long while it is read; the time
// between two calls doesn't count.
func (l *lines) next() ([]byte, error) {
	for {
		guard := l.clock.AfterFunc(silence, l.cancel)
		line, err := l.r.ReadBytes('\n')
		guard.Stop()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *lines) close() {
	l.cancel()
	l.body.Close()
}

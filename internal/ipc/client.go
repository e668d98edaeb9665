package ipc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/private"
	"greenroom/provider"
)

// helloTimeout bounds how long an owner may take to answer a hello; a frozen one never does.
const helloTimeout = 2 * time.Second

// Client calls the Backend that another process serves. It ends with that process, unlike a [Session].
type Client struct {
	http  *http.Client
	hello Hello
	crash *crash.Group
	clock clockwork.Clock
	// life ends with Close, and ends every call and stream.
	life  context.Context
	close context.CancelFunc
}

// Dial connects to the owner that serves on socket and compares it with us. The warning is a harmless difference. Neither Dial nor
// a later call sends a request if the socket, its folder or the process behind it isn't this user's.
func Dial(ctx context.Context, socket string, us Hello, group *crash.Group, clock clockwork.Clock) (c *Client, warning string, err error) {
	if clock == nil {
		clock = clockwork.NewRealClock()
	}
	c = &Client{crash: group, clock: clock, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return private.Dial(ctx, socket)
		},
		MaxIdleConnsPerHost:   8,
		DisableCompression:    true,
		ExpectContinueTimeout: time.Minute,
	}}}
	c.life, c.close = context.WithCancel(context.Background())

	hctx, cancel := clockwork.WithTimeout(ctx, clock, helloTimeout)
	defer cancel()
	if c.hello, err = c.greet(hctx); err != nil {
		c.Close()
		return nil, "", err
	}
	if warning, err = compare(us, c.hello); err != nil {
		c.Close()
		return nil, "", err
	}
	return c, warning, nil
}

// Hello returns the owner's answer to our hello.
func (c *Client) Hello() Hello { return c.hello }

// Close ends every call and stream and closes the connections.
func (c *Client) Close() {
	c.close()
	c.http.CloseIdleConnections()
}

func (c *Client) greet(ctx context.Context) (Hello, error) {
	var h Hello
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://greenroom"+pathHello, nil)
	if err != nil {
		return h, fmt.Errorf("ipc: hello: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return h, lost("hello", false, err)
	}
	defer res.Body.Close()
	return h, decode("hello", res, &h)
}

// call makes one call of Backend.
func call[Resp any](ctx context.Context, c *Client, method string, req any) (Resp, error) {
	var resp Resp
	err := c.do(ctx, method, req, &resp)
	return resp, err
}

func (c *Client) do(ctx context.Context, method string, req, resp any) error {
	b, err := json.Marshal(req)
	if err != nil {
		return &app.Error{Kind: provider.Invalid, Text: "request of " + method + ": " + err.Error(), Err: err}
	}
	cctx, stop := within(ctx, c.life)
	defer stop()
	body := &sentinel{Reader: bytes.NewReader(b)}
	hr, err := http.NewRequestWithContext(cctx, http.MethodPost, "http://greenroom"+pathCall+method, body)
	if err != nil {
		return fmt.Errorf("ipc: %s: %w", method, err)
	}
	hr.ContentLength = int64(len(b))
	hr.Header.Set("Content-Type", "application/json")
	hr.Header.Set("Expect", "100-continue")
	hr.Header.Set(headerInstance, c.hello.Instance)

	res, err := c.http.Do(hr)
	if err == nil {
		defer res.Body.Close()
		err = decode(method, res, resp)
	} else {
		err = lost(method, body.read.Load(), err)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
	return err
}

// within returns a context that ends with ctx, and with other.
func within(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(other, cancel)
	return ctx, func() { stop(); cancel() }
}

// decode reads an answer: the value, the error that the owner sent, or a connection that was lost during it.
func decode(method string, res *http.Response, into any) error {
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return lost(method, true, err)
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, into); err != nil {
			return fmt.Errorf("ipc: answer to %s: %w", method, err)
		}
		return nil
	}
	var f failure
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("ipc: %s: the owner answered %s", method, res.Status)
	}
	if f.Leaving {
		return lost(method, false, f.err())
	}
	return f.err()
}

// sentinel is a request's body that records whether any of it was read.
type sentinel struct {
	io.Reader
	read atomic.Bool
}

func (s *sentinel) Read(p []byte) (int, error) {
	s.read.Store(true)
	return s.Reader.Read(p)
}

// lostError means that the owner couldn't be reached, or exited during the call.
type lostError struct {
	app app.Error
	// sent means that the call may have been carried out.
	sent bool
}

// lost returns the lostError of a call that failed because of cause.
func lost(method string, sent bool, cause error) error {
	e := &lostError{sent: sent, app: app.Error{Kind: provider.Unavailable, Err: cause}}
	if sent {
		e.app.Text = fmt.Sprintf("the process that owns the store exited before it answered %s", method)
		e.app.Hint = "check whether it was done, then try again"
	} else {
		e.app.Text = fmt.Sprintf("the process that owns the store can't be reached for %s: %v", method, cause)
	}
	return e
}

// Error returns the text without the hint.
func (e *lostError) Error() string { return e.app.Text }

// Unwrap returns the error that screens and commands act on.
func (e *lostError) Unwrap() error { return &e.app }

// isLost reports whether err is a lost connection, and whether the call may have been carried out.
func isLost(err error) (is, sent bool) {
	e, is := errors.AsType[*lostError](err)
	return is, is && e.sent
}

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

// helloTimeout bounds how long an owner may take to introduce itself; one that is frozen never does.
const helloTimeout = 2 * time.Second

// Client calls the Backend that another process serves. It doesn't outlive that process: a [Session] does.
type Client struct {
	http  *http.Client
	hello Hello
	crash *crash.Group
	clock clockwork.Clock
	// life ends with Close, and ends every call and stream.
	life  context.Context
	close context.CancelFunc
}

// Dial reaches the owner that serves on socket and compares it with us. A warning says how the two differ harmlessly. No
// request is sent, by this or any later call, where the socket, its folder or the process behind it isn't this user's.
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

// Hello is how the owner introduced itself.
func (c *Client) Hello() Hello { return c.hello }

// Close ends every call and stream and lets go of the connections.
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

// call is every call of Backend.
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
	cctx, stop := c.bound(ctx)
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

// bound makes a context that ends with ctx, and with the client.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// decode reads an answer: the value, the error that the other side sent, or a lost connection in the middle of it.
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
		return lost(method, false, f.Err())
	}
	return f.Err()
}

// sentinel is a request's body that knows whether any of it was asked for.
type sentinel struct {
	io.Reader
	read atomic.Bool
}

func (s *sentinel) Read(p []byte) (int, error) {
	s.read.Store(true)
	return s.Reader.Read(p)
}

// lostError says that the owner couldn't be reached, or left in the middle.
type lostError struct {
	app app.Error
	// sent says that the call may have been carried out.
	sent bool
}

// lost makes a lostError of what broke a call.
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

// Error is the text without the hint.
func (e *lostError) Error() string { return e.app.Text }

// Unwrap gives what screens and commands act on.
func (e *lostError) Unwrap() error { return &e.app }

// isLost reports whether err is a lost connection, and whether the call may have been carried out.
func isLost(err error) (is, sent bool) {
	var e *lostError
	if !errors.As(err, &e) {
		return false, false
	}
	return true, e.sent
}

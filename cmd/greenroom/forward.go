package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// forwardTime bounds one forward.
const forwardTime = 10 * time.Second

// forwarder posts verified events on to another program, exactly as they came: method, query, headers, body. Those that are
// about one connection stay behind, redirects are not followed, and what fails is told and not repeated: the store has it.
type forwarder struct {
	backend app.Backend
	to      *url.URL
	client  *http.Client
	// tell is given each outcome, a sentence.
	tell func(string)
	now  func() time.Time
}

// forwardURL checks where to forward to.
func forwardURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("--forward-to can't be %q: write it like http://localhost:3000/webhooks", s)
	}
	return u, nil
}

func newForwarder(b app.Backend, to *url.URL, now func() time.Time, tell func(string)) *forwarder {
	return &forwarder{backend: b, to: to, tell: tell, now: now, client: &http.Client{
		Timeout: forwardTime,
		// The sender's Accept-Encoding is all that the receiver shall see.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// run forwards what arrives from now on, in order, until ctx ends. ready is called once nothing is missed any more.
func (f *forwarder) run(ctx context.Context, ready func()) error {
	defer f.client.CloseIdleConnections()
	events := follower{
		backend: f.backend,
		print:   func(d app.Delivery) error { return f.one(ctx, d) },
		ready:   func() error { ready(); return nil },
	}
	return events.run(ctx)
}

// one forwards an event. Only an end of ctx is an error: the next event is forwarded all the same.
func (f *forwarder) one(ctx context.Context, row app.Delivery) error {
	if row.Verdict != provider.Verified {
		return nil
	}
	d, err := f.backend.Event(ctx, app.EventRef{Seq: row.Seq})
	if err == nil {
		var req *http.Request
		if req, err = f.request(ctx, d); err == nil {
			return f.send(ctx, d.Seq, req)
		}
	}
	if ctx.Err() == nil {
		f.tell(fmt.Sprintf("event %d was not forwarded: %v", row.Seq, err))
	}
	return ctx.Err()
}

func (f *forwarder) send(ctx context.Context, seq uint64, req *http.Request) error {
	begin := f.now()
	res, err := f.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which may hold a password
		}
		f.tell(fmt.Sprintf("event %d was not forwarded: %v", seq, err))
		return nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection is used again
	res.Body.Close()
	f.tell(fmt.Sprintf("event %d forwarded: %d in %d ms", seq, res.StatusCode, f.now().Sub(begin).Milliseconds()))
	return nil
}

// connectionHeaders are about one connection, or set anew for the next.
var connectionHeaders = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func (f *forwarder) request(ctx context.Context, d app.Delivery) (*http.Request, error) {
	u := *f.to
	if _, query, ok := strings.Cut(d.Target, "?"); ok && u.RawQuery == "" {
		u.RawQuery = query
	}
	req, err := http.NewRequestWithContext(ctx, d.Method, u.String(), bytes.NewReader(d.Body))
	if err != nil {
		return nil, errors.New("its method or target can't be sent")
	}
	h := d.Headers.Clone()
	if h == nil {
		h = http.Header{}
	}
	for _, named := range d.Headers.Values("Connection") {
		for _, name := range strings.Split(named, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range connectionHeaders {
		h.Del(name)
	}
	if h.Get("User-Agent") == "" {
		h["User-Agent"] = nil // none, rather than this program's
	}
	req.Header = h
	return req, nil
}

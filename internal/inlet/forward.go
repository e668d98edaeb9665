// Package inlet is the way of webhooks through this process, from the network to the application and on to other programs.
package inlet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"greenroom/internal/app"
)

const (
	// forwardTime bounds one request of a forward.
	forwardTime = 10 * time.Second
	// maxAnswer is how much of an answer is kept.
	maxAnswer = 4 << 10
)

// Forwarder sends events to other programs exactly as they came: method, headers, body, and the query appended to the
// target's. Headers of one connection stay behind, and redirects are not followed.
type Forwarder struct {
	client *http.Client
	now    func() time.Time
}

// NewForwarder returns a Forwarder with connections of its own.
func NewForwarder(now func() time.Time) *Forwarder {
	return &Forwarder{now: now, client: &http.Client{
		Timeout: forwardTime,
		// The receiver must see the sender's Accept-Encoding only.
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes idle connections.
func (f *Forwarder) Close() { f.client.CloseIdleConnections() }

// Send sends one event to a URL and reports the answer. The attempt is Final if the event can never be sent.
func (f *Forwarder) Send(ctx context.Context, to string, d app.Delivery) app.Attempt {
	req, err := forwardRequest(ctx, to, d)
	if err != nil {
		return app.Attempt{Error: err.Error(), Final: true}
	}
	begun := f.now()
	res, err := f.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which may hold a password
		}
		return app.Attempt{Error: err.Error(), Ms: f.now().Sub(begun).Milliseconds()}
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection is used again
	return app.Attempt{
		Status: res.StatusCode, Answer: strings.ToValidUTF8(string(answer), "\uFFFD"), Ms: f.now().Sub(begun).Milliseconds(),
	}
}

// connectionHeaders belong to one connection, or are set for the next.
var connectionHeaders = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func forwardRequest(ctx context.Context, to string, d app.Delivery) (*http.Request, error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, errors.New("the target can't be used")
	}
	if _, query, ok := strings.Cut(d.Target, "?"); ok && query != "" {
		if u.RawQuery != "" {
			query = u.RawQuery + "&" + query
		}
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

// Package inlet is the way of webhooks through this process, from the network to the application and on to other programs.
package inlet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/unreached"
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
	now func() time.Time

	mu      sync.Mutex
	clients map[trust]*http.Client
}

// trust selects the certificates that a target may have.
type trust struct {
	ca       string
	insecure bool
}

// maxClients bounds the clients that are kept, each with connections of its own.
const maxClients = 64

// NewForwarder returns a Forwarder with connections of its own.
func NewForwarder(now func() time.Time) *Forwarder {
	return &Forwarder{now: now, clients: map[trust]*http.Client{}}
}

// client returns the client for a target.
func (f *Forwarder) client(t trust) *http.Client {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.clients[t]; c != nil {
		return c
	}
	// The receiver must see the sender's Accept-Encoding only.
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: t.insecure}, ForceAttemptHTTP2: true,
	}
	if t.ca != "" {
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(t.ca)) // checked when the forward was made
	}
	c := &http.Client{
		Timeout: forwardTime, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for other, old := range f.clients {
		if len(f.clients) < maxClients {
			break
		}
		old.CloseIdleConnections()
		delete(f.clients, other)
	}
	f.clients[t] = c
	return c
}

// Close closes idle connections.
func (f *Forwarder) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.clients {
		c.CloseIdleConnections()
	}
}

// Send sends one event to a target and reports the answer. The attempt is Final if the event can never be sent.
func (f *Forwarder) Send(ctx context.Context, to app.ForwardTarget, d app.Delivery) app.Attempt {
	req, err := forwardRequest(ctx, to.URL, d)
	if err != nil {
		return app.Attempt{Error: err.Error(), Final: true}
	}
	begun := f.now()
	res, err := f.client(trust{to.CA, to.Insecure}).Do(req)
	if err != nil {
		return app.Attempt{Error: why(err), Ms: f.now().Sub(begun).Milliseconds()}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection is used again
	}
	a := app.Attempt{
		Status: res.StatusCode, Answer: strings.ToValidUTF8(string(answer), "\uFFFD"), Ms: f.now().Sub(begun).Milliseconds(),
	}
	if err != nil { // the status counts
		a.Error = "the answer ended early: " + unreached.Why(err)
	}
	return a
}

// why describes a failure, with the remedy for a certificate that isn't trusted.
func why(err error) string {
	switch unreached.Of(err).Kind {
	case unreached.Slow:
		return fmt.Sprintf("no answer within %.0f s", forwardTime.Seconds())
	case unreached.Untrusted, unreached.Certificate:
		return unreached.Why(err) + ": name its CA with --ca, or accept it with --insecure"
	}
	return unreached.Why(err)
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

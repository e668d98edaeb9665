// Package probe decides whether a tunnel is live, by sending a request to its public URL and waiting for it at this end.
//
// A probe passes only when both halves are seen: the request arrived at this very process, which is known by a random path
// that is used once, and a 2xx came back over the same way that senders use. A driver's report about its connection, another
// site's page, and another machine behind the same name don't count.
//
// It promises to send nothing but an empty question to the URL that it is given: no redirect is followed, and of the answer
// at most a few KiB are read. It doesn't promise that a webhook of a certain size gets through.
package probe

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/plain"
)

// Path is where probes arrive, behind the public URL; the nonce follows.
const Path = "/.well-known/greenroom/probe/"

// Bounds.
const (
	// Timeout is how long a probe takes at most, unless configured otherwise.
	Timeout    = 10 * time.Second
	nonceSize  = 16
	answerSize = 4 << 10
)

// Options of a [Prober]. The zero value is what the product uses.
type Options struct {
	// Timeout bounds one probe, 10 s when zero.
	Timeout time.Duration
	// TLS is for tunnels whose certificate isn't signed by one of the system's authorities. It may be nil.
	TLS *tls.Config
	// Transport replaces the HTTP transport, TLS with it. Nil means one that honours HTTP_PROXY and HTTPS_PROXY.
	Transport http.RoundTripper
	// Clock measures round trips; nil means the real one.
	Clock clockwork.Clock
}

// Prober sends probes and recognises them. One of it serves every tunnel of a process.
type Prober struct {
	opt    Options
	client *http.Client

	mu sync.Mutex
	// waiting holds, by nonce, a channel that is closed at the first arrival.
	waiting map[string]chan struct{}
}

// New makes a prober.
func New(o Options) *Prober {
	if o.Timeout <= 0 {
		o.Timeout = Timeout
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Transport == nil {
		// Each probe has a connection of its own: one that is kept alive says nothing about names and certificates.
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, DisableKeepAlives: true,
			// A connection that is being made outlives the probe that it was for.
			DialContext: (&net.Dialer{Timeout: o.Timeout}).DialContext, TLSHandshakeTimeout: o.Timeout,
			DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &Prober{
		opt: o, waiting: map[string]chan struct{}{},
		client: &http.Client{
			Transport:     o.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Is reports whether a request's target is that of a probe, of this process or another. Such a request is never a
// webhook: one that didn't [Prober.Arrived] is answered 404, and is not stored.
func Is(target string) bool { return strings.HasPrefix(target, Path) }

// Arrived records a request with this raw target, and reports whether it is a probe that is waited for. If so its sender
// must be answered 2xx, and it is no webhook.
func (p *Prober) Arrived(target string) bool {
	nonce, ok := strings.CutPrefix(target, Path)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	arrived, ok := p.waiting[nonce]
	if !ok {
		return false
	}
	select {
	case <-arrived:
	default:
		close(arrived)
	}
	return true
}

// Probe sends one request to base, a public URL without a trailing slash, and returns the round trip once it has arrived
// here and been answered 2xx. stored says that the tunnel may answer before the request arrives.
//
// The error is an [Error], except when ctx ended.
func (p *Prober) Probe(ctx context.Context, base string, stored bool) (time.Duration, error) {
	random := make([]byte, nonceSize)
	// It never fails: crypto/rand ends the program where there is no randomness.
	_, _ = rand.Read(random)
	nonce, arrived := hex.EncodeToString(random), make(chan struct{})
	p.mu.Lock()
	p.waiting[nonce] = arrived
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waiting, nonce)
		p.mu.Unlock()
	}()

	limited, cancel := context.WithTimeout(ctx, p.opt.Timeout)
	defer cancel()
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return 0, &Error{Kind: BadURL, Text: fmt.Sprintf("%s is not a valid URL", plain.Text(base)), Err: err}
	}
	u.Path, u.RawPath, u.RawQuery, u.Fragment = strings.TrimSuffix(u.Path, "/")+Path+nonce, "", "", ""
	// As webhooks do, it posts: what lies between may treat the methods differently.
	req, err := http.NewRequestWithContext(limited, http.MethodPost, u.String(), strings.NewReader("probe\n"))
	if err != nil {
		return 0, &Error{Kind: BadURL, Text: plain.Text(err.Error()), Err: err}
	}
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("User-Agent", "greenroom-probe")
	began := p.opt.Clock.Now()
	resp, err := p.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, failure(req.URL, p.opt.Timeout, seen(arrived), err)
	}
	defer resp.Body.Close()
	// What it says matters only for the words of an error, and a body that breaks off is no reason to doubt the status.
	said, _ := io.ReadAll(io.LimitReader(resp.Body, answerSize))
	if resp.StatusCode/100 != 2 {
		return 0, refusal(req.URL, resp, said, seen(arrived))
	}
	if !seen(arrived) && !stored {
		return 0, elsewhere(req.URL, resp, said)
	}
	select {
	case <-arrived:
		return p.opt.Clock.Since(began), nil
	case <-limited.Done():
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, &Error{Kind: Late, Text: fmt.Sprintf("%s accepted a request, but it did not arrive here within %s", req.URL.Host, p.opt.Timeout)}
	}
}

func seen(arrived <-chan struct{}) bool {
	select {
	case <-arrived:
		return true
	default:
		return false
	}
}

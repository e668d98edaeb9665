// Package probe decides whether a tunnel is live, by sending a request to its public URL and waiting for it at this end.
//
// A probe passes only if the request arrived at this process, at a random path that is used once, and a 2xx came back on the way
// that senders use. A driver's report of its connection, another site's page, or another machine with the same name don't count.
//
// A probe sends only a fixed text to its URL, follows no redirect, and reads at most a few KiB of the answer. It doesn't show that a
// webhook of a certain size gets through.
package probe

import (
	"cmp"
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

// Path is the path of probes after the public URL; the nonce follows it.
const Path = "/.well-known/greenroom/probe/"

const (
	// Timeout is the default limit of a probe.
	Timeout    = 10 * time.Second
	nonceSize  = 16
	answerSize = 4 << 10
)

// Options of a [Prober]. The zero value works.
type Options struct {
	// Timeout limits one probe, 10 s if zero.
	Timeout time.Duration
	// TLS is for tunnels whose certificate isn't signed by one of the system's authorities. It may be nil.
	TLS *tls.Config
	// Transport replaces the HTTP transport including TLS. Nil means one that honours HTTP_PROXY and HTTPS_PROXY.
	Transport http.RoundTripper
	// Clock measures round trips; nil means the real one.
	Clock clockwork.Clock
}

// Prober sends probes and recognises them. One serves all tunnels of a process.
type Prober struct {
	opt    Options
	client *http.Client

	mu sync.Mutex
	// waiting holds, by nonce, a channel that is closed at the first arrival.
	waiting map[string]chan struct{}
}

// New makes a prober.
func New(o Options) *Prober {
	o.Timeout, o.Clock = cmp.Or(max(o.Timeout, 0), Timeout), cmp.Or(o.Clock, clockwork.NewRealClock())
	if o.Transport == nil {
		// Each probe makes a new connection: a reused one would check neither name nor certificate.
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, DisableKeepAlives: true,
			// Connecting may continue after its probe has ended.
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

// Is reports whether a request is a probe by its target, sent by this process or another. Such a request is never a webhook: if
// [Prober.Arrived] doesn't know it, it is answered 404 and not stored.
func Is(target string) bool { return strings.HasPrefix(target, Path) }

// Arrived records a request with this raw target, and reports whether it is a pending probe. A probe must be answered 2xx, and is not
// a webhook.
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

// Probe sends one request to base, a public URL without a trailing slash, and returns the round trip once the request has arrived here
// and was answered 2xx. stored means that the tunnel may answer before the request arrives.
//
// The error is an [Error], or that of ctx.
func (p *Prober) Probe(ctx context.Context, base string, stored bool) (time.Duration, error) {
	random := make([]byte, nonceSize)
	_, _ = rand.Read(random) // it never fails
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
	// It is a POST, as webhooks are: proxies may treat methods differently.
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
	// The body is only used in errors, so it may be cut short.
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

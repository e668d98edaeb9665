// Package web is the local HTTP listener for webhooks.
//
// A tunnel exposes it to the internet, so it accepts little: POST to the hooks of configured accounts, under known host names, with
// limited headers, bodies, times and numbers. It answers 2xx only after the request is stored durably, and 503 with Retry-After while
// that isn't possible. Everything else gets an answer without information, and is recorded with the reason while there is room.
//
// The bodies of requests without a signature or without an account are not read. All bodies together are limited to 64 MiB, and must
// arrive at a minimum pace: if no place is free, the slowest sender gives way.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
	"greenroom/internal/crash"
	"greenroom/provider"
)

// DefaultAddr is the default address of the listener.
const DefaultAddr = "127.0.0.1:7070"

const (
	DefaultBodyLimit  = 1 << 20
	MaxBodyLimit      = 25 << 20
	bodyTime          = 10 * time.Second
	defaultConcurrent = 256
	portTries         = 20
)

// Ingester receives the requests: internal/hub, or the owner of the store over the socket.
type Ingester interface {
	Ingest(ctx context.Context, in app.Inbound) (app.Answer, error)
}

// Pages serves the pages of rooms, below /r/.
type Pages interface {
	// ServePage answers a request, or writes nothing and returns false if there is no such page. sender is the request's source
	// address, empty if unknown.
	ServePage(w http.ResponseWriter, r *http.Request, sender string) bool
}

// pages is the beginning of the paths of pages.
const pages = "/r/"

// Options configure a listener.
type Options struct {
	// Addr is host:port, DefaultAddr if empty. If the port is in use and Fixed is false, the next free one is used.
	Addr  string
	Fixed bool
	Router
	// Hosts returns the host names that the tunnel uses to reach this listener. It may be nil.
	Hosts func() []string
	// BodyLimit is the largest body in bytes, 1 MiB if zero, at most 25 MiB. Concurrent is how many requests are read at a time, 256 if
	// zero.
	BodyLimit  int64
	Concurrent int
	// BodyTime is how long a body may take, 10 s if zero, plus a second for every 32 KiB that arrived.
	BodyTime time.Duration
	Ingest   Ingester
	// Pages serves the pages of rooms; nil serves none.
	Pages Pages
	// SenderHeader returns the header in which the tunnel writes the sender's address, empty if it writes none.
	SenderHeader func() string
	// Now is the clock for the freshness of signatures, time.Now if nil.
	Now   func() time.Time
	Log   *slog.Logger
	Crash *crash.Group
}

// Listener is a running listener.
type Listener struct {
	opt      Options
	net      net.Listener
	server   *http.Server
	intake   *intake
	loopback bool
	// recording has a place for each refused request that is being recorded.
	recording chan struct{}
	done      chan struct{}

	accepted, rejected, busy atomic.Uint64
}

// Listen binds the address and serves until Close.
func Listen(o Options) (*Listener, error) {
	o.Addr = cmp.Or(o.Addr, DefaultAddr)
	o.BodyLimit = min(cmp.Or(max(o.BodyLimit, 0), DefaultBodyLimit), MaxBodyLimit)
	o.Concurrent, o.BodyTime = cmp.Or(max(o.Concurrent, 0), defaultConcurrent), cmp.Or(max(o.BodyTime, 0), bodyTime)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	n, err := bind(o.Addr, o.Fixed)
	if err != nil {
		return nil, err
	}
	l := &Listener{
		opt: o, net: n, intake: newIntake(o), done: make(chan struct{}), recording: make(chan struct{}, strayPlaces),
		loopback: bounds.IsLoopback(n.Addr().String()),
	}
	l.server = bounds.Server(l, o.Log, 0)
	o.Crash.Go("listener", func() {
		defer close(l.done)
		if err := l.server.Serve(n); err != nil && !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("the listener stopped", "err", err)
		}
	})
	return l, nil
}

// bind listens on addr, or on a later port if it is in use and the user did not choose it.
func bind(addr string, fixed bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &app.Error{Kind: provider.Invalid, Text: fmt.Sprintf("listen on %q: %v", addr, err), Hint: "use HOST:PORT"}
	}
	first, err := strconv.Atoi(port)
	if err != nil || first < 0 || first > 65535 {
		return nil, &app.Error{Kind: provider.Invalid, Text: fmt.Sprintf("listen on %q: no such port", addr), Hint: "use HOST:PORT"}
	}
	for p := first; ; p++ {
		n, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if err == nil {
			return n, nil
		}
		busy := inUse(err)
		if fixed || first == 0 || !busy || p-first >= portTries || p == 65535 {
			e := &app.Error{Kind: provider.Unavailable, Text: fmt.Sprintf("listen on %s: %v", addr, err), Err: err}
			if busy {
				e.Kind, e.Hint = provider.Conflict, "another program listens there; choose another with --addr"
			}
			return nil, e
		}
	}
}

// inUse reports whether an address is in use. Windows has a separate error number for that, which package syscall doesn't map.
func inUse(err error) bool {
	const wsaeaddrinuse = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, wsaeaddrinuse)
}

// Addr returns the listener's address.
func (l *Listener) Addr() net.Addr { return l.net.Addr() }

// URL returns the listener's URL for programs on this machine.
func (l *Listener) URL() string { return "http://" + l.net.Addr().String() }

// Moved returns the reason why the listener doesn't have the configured port, or "".
func (l *Listener) Moved() string {
	_, wanted, err := net.SplitHostPort(l.opt.Addr)
	_, port, err2 := net.SplitHostPort(l.net.Addr().String())
	if err != nil || err2 != nil || wanted == "0" || wanted == port {
		return ""
	}
	return fmt.Sprintf("%s is in use by another program: requests to it don't arrive here", l.opt.Addr)
}

// Status returns the state of the listener.
func (l *Listener) Status() app.ListenerStatus {
	return app.ListenerStatus{
		URL: l.URL(), Problem: l.Moved(), Accepted: l.accepted.Load(), Rejected: l.rejected.Load(), Busy: l.busy.Load(),
	}
}

// Close refuses new requests and waits for those under way. When ctx ends, it cuts them off.
func (l *Listener) Close(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, l.server.Close())
	}
	<-l.done
	return err
}

// Values of headers that all answers share.
var noStore, plainText = []string{"no-store"}, []string{"text/plain; charset=utf-8"}

// ServeHTTP answers one request. It leaves a panic to net/http, which cuts the connection and logs the stack: recovering here would
// cause an implicit 200.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	received := l.opt.Now()
	w.Header()["Cache-Control"] = noStore
	in := app.Inbound{
		Method: r.Method, Target: r.RequestURI, Header: headers(r), ReceivedAt: received, Size: max(r.ContentLength, 0), Via: "direct",
		Remote: bounds.Hostname(r.RemoteAddr), // of a tunnel that carries connections, its own address
	}
	if !l.ours(r.Host) {
		l.refuse(w, r, in, notFound, fmt.Sprintf("the host name %s is neither this machine's nor the tunnel's", r.Host))
		return
	}
	if l.opt.probes(r.RequestURI) {
		bounds.Unread(w, r)
		l.write(w, probeBack) // probes are not counted
		return
	}
	if l.opt.Pages != nil && strings.HasPrefix(r.URL.Path, pages) {
		if !l.opt.Pages.ServePage(w, r, l.sender(r)) {
			l.refuse(w, r, in, notFound, "no room has a page at this address")
		}
		return
	}
	account, refused, reason := l.opt.route(r.Method, r.URL.Path)
	if refused != nil {
		if refused.Status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		l.refuse(w, r, in, *refused, reason)
		return
	}
	in.Account = account
	if r.ContentLength > l.opt.BodyLimit {
		l.refuse(w, r, in, tooLarge, l.largeReason())
		return
	}
	if _, caught := app.CatchOf(account); caught || l.opt.signed(account, r.Header) {
		l.take(w, r, in, l.intake.places, l.opt.BodyLimit)
		return
	}
	if r.ContentLength >= 0 && r.ContentLength <= pingLimit {
		l.take(w, r, in, l.intake.strays, pingLimit)
		return
	}
	// Its body can't make it authentic: the Backend refuses it by its headers. The first bytes are kept for the developer.
	in.Body = l.intake.peek(w, r)
	l.record(w, r, in, unsigned)
}

// take reads a request's body and delivers it.
func (l *Listener) take(w http.ResponseWriter, r *http.Request, in app.Inbound, places *bounds.Places, limit int64) {
	var a app.Answer
	failed := l.intake.receive(w, r, places, limit, func(body []byte) {
		in.Body, in.Size = body, 0
		a = l.deliver(r, in)
	})
	switch {
	case failed == nil:
		l.answer(w, a)
	case failed.Status == http.StatusRequestEntityTooLarge:
		l.refuse(w, r, in, tooLarge, l.largeReason())
	default:
		bounds.Unread(w, r)
		l.answer(w, *failed)
	}
}

// deliver passes a request to the Ingester, and returns the answer.
func (l *Listener) deliver(r *http.Request, in app.Inbound) app.Answer {
	a, err := l.opt.Ingest.Ingest(r.Context(), in)
	if err != nil {
		// The owner of the store may not know the account yet, so the platform must try again.
		l.opt.Log.Error("a webhook could not be processed", "account", in.Account, "err", err)
		return *unavailable("try again")
	}
	return a
}

// refuse answers a request without an account, or one that is too large, without its body, and records it with the reason.
func (l *Listener) refuse(w http.ResponseWriter, r *http.Request, in app.Inbound, a app.Answer, reason string) {
	if l.opt.Ignore != nil && l.opt.Ignore(in.Target) {
		bounds.Unread(w, r)
		l.answer(w, a)
		return
	}
	in.Refused, in.Reason = &a, reason
	l.record(w, r, in, a)
}

// record answers a request that can't be authentic, without its body, and records it. Places and time for that are limited, so that
// not all of a flood is recorded.
func (l *Listener) record(w http.ResponseWriter, r *http.Request, in app.Inbound, a app.Answer) {
	bounds.Unread(w, r)
	defer func() { l.answer(w, a) }()
	select {
	case l.recording <- struct{}{}:
		defer func() { <-l.recording }()
	default:
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), strayTime)
	defer cancel()
	got, err := l.opt.Ingest.Ingest(ctx, in)
	switch {
	case err != nil:
		l.opt.Log.Debug("a refused request could not be recorded", "target", in.Target, "err", err)
	case in.Refused == nil && got.Status >= 300:
		a = got
	}
}

func (l *Listener) largeReason() string {
	return fmt.Sprintf("the body is larger than %d bytes: to accept it, raise body_limit", l.opt.BodyLimit)
}

// ours reports whether a request's Host is a name of this listener. That keeps out web pages that resolve their own name to this
// machine (DNS rebinding). A listener that is bound to an outside address accepts any name.
func (l *Listener) ours(host string) bool {
	if !l.loopback || bounds.IsLoopback(host) {
		return true
	}
	if l.opt.Hosts == nil {
		return false
	}
	name := bounds.Hostname(host)
	return slices.ContainsFunc(l.opt.Hosts(), func(h string) bool { return strings.EqualFold(bounds.Hostname(h), name) })
}

// headers returns the request's headers with Host, which net/http keeps apart.
func headers(r *http.Request) http.Header {
	r.Header["Host"] = []string{r.Host}
	return r.Header
}

func (l *Listener) answer(w http.ResponseWriter, a app.Answer) {
	switch {
	case a.Status < 300:
		l.accepted.Add(1)
	case a.Status == http.StatusServiceUnavailable:
		l.busy.Add(1)
	default:
		l.rejected.Add(1)
	}
	l.write(w, a)
}

func (l *Listener) write(w http.ResponseWriter, a app.Answer) {
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	contentType := plainText
	if a.ContentType != "" {
		contentType = []string{a.ContentType}
	} else {
		if a.Text == "" && a.Status < 300 {
			a.Text = "ok"
		}
		a.Text += "\n"
	}
	w.Header()["Content-Type"] = contentType
	w.WriteHeader(a.Status)
	// The sender may be gone; there is no one to report to.
	_, _ = io.WriteString(w, a.Text)
}

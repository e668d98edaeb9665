// Package web is the local HTTP listener that webhooks arrive at.
//
// Strangers on the internet reach it through a tunnel, so it accepts little: POST to the hooks of configured accounts, with
// bounded headers, bodies, times and numbers, under host names of its own. It says 2xx only after its Backend has stored the
// request durably, and 503 with Retry-After when that can't be done now. Everything else gets an answer without information,
// and is recorded with the reason while the store has room for that.
//
// The body of a request without a signature is not read, nor that of one for no account. All bodies that are read have 64
// MiB together, and come at a pace: when all places are taken, the slowest sender gives way.
package web

import (
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

// DefaultAddr is where the listener is unless configured otherwise.
const DefaultAddr = "127.0.0.1:7070"

// Bounds.
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
	// ServePage answers a request, or writes nothing and returns false for an address that no page has. sender is the address that
	// it came from, empty if that is unknown.
	ServePage(w http.ResponseWriter, r *http.Request, sender string) bool
}

// pages is the beginning of the paths of pages.
const pages = "/r/"

// Options say where to listen and whom to deliver to.
type Options struct {
	// Addr is host:port, DefaultAddr when empty. When Fixed is false and the port is taken, the next free one is used.
	Addr  string
	Fixed bool
	Router
	// Hosts gives the host names under which the tunnel reaches this listener, nil when there is none.
	Hosts func() []string
	// BodyLimit in bytes, 1 MiB when zero, at most 25 MiB. Concurrent is how many requests are read at a time, 256 when
	// zero.
	BodyLimit  int64
	Concurrent int
	// BodyTime is how long a body may take, 10 s when zero, and a second more for every 32 KiB that came.
	BodyTime time.Duration
	Ingest   Ingester
	// Pages serves the pages of rooms; nil serves none.
	Pages Pages
	// SenderHeader returns the header in which the tunnel writes the sender's address, empty if it writes none.
	SenderHeader func() string
	// Now is the clock that freshness is judged by, time.Now when nil.
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
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	if o.BodyLimit <= 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	o.BodyLimit = min(o.BodyLimit, MaxBodyLimit)
	if o.Concurrent <= 0 {
		o.Concurrent = defaultConcurrent
	}
	if o.BodyTime <= 0 {
		o.BodyTime = bodyTime
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
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

// bind listens on addr, or on one of the ports after it if it is in use and was not chosen by the user.
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

// inUse reports whether an address is in use. Windows has an error number of its own for that, which package syscall
// doesn't map.
func inUse(err error) bool {
	const wsaeaddrinuse = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, wsaeaddrinuse)
}

// Addr is where the listener is bound.
func (l *Listener) Addr() net.Addr { return l.net.Addr() }

// URL is the listener's own address as programs on this machine use it.
func (l *Listener) URL() string { return "http://" + l.net.Addr().String() }

// Moved says why the listener isn't where it was wanted: another program is there. It is empty when it is.
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

// Close refuses new requests, waits for those that are being answered until ctx ends, and then cuts them off.
func (l *Listener) Close(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, l.server.Close())
	}
	<-l.done
	return err
}

// ServeHTTP answers one request. A panic is left to net/http, which cuts the connection and logs the stack: recovering
// here would end in an implicit 200.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	received := l.opt.Now()
	w.Header().Set("Cache-Control", "no-store")
	in := app.Inbound{Method: r.Method, Target: r.RequestURI, Header: headers(r), ReceivedAt: received, Size: max(r.ContentLength, 0),
		Via: "direct", Remote: remote(r)}
	if !l.ours(r.Host) {
		l.refuse(w, r, in, notFound, fmt.Sprintf("the host name %s is neither this machine's nor the tunnel's", r.Host))
		return
	}
	if l.opt.probes(r.RequestURI) {
		bounds.Unread(w, r)
		l.write(w, probeBack) // which the counts are not about
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
	// Its body can't make it authentic: the Backend refuses it by its headers. What comes with them is for the developer.
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

// deliver hands a request over, and returns what to answer.
func (l *Listener) deliver(r *http.Request, in app.Inbound) app.Answer {
	a, err := l.opt.Ingest.Ingest(r.Context(), in)
	if err != nil {
		// An owner of the store that doesn't know the account yet is no reason to send the platform away for good.
		l.opt.Log.Error("a webhook could not be processed", "account", in.Account, "err", err)
		return app.Answer{Status: http.StatusServiceUnavailable, RetryAfter: 1, Text: "try again"}
	}
	return a
}

// refuse answers a request that is for no account or too large, without its body, and has it recorded with the reason.
func (l *Listener) refuse(w http.ResponseWriter, r *http.Request, in app.Inbound, a app.Answer, reason string) {
	if l.opt.Ignore != nil && l.opt.Ignore(in.Target) {
		bounds.Unread(w, r)
		l.answer(w, a)
		return
	}
	in.Refused, in.Reason = &a, reason
	l.record(w, r, in, a)
}

// record answers a request that can't be authentic, without its body, and has it recorded. Of a flood of them not all are
// recorded: there are a few places for that, and little time.
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

// ours reports whether a request's Host is one that this listener is reached by. It keeps web pages that resolve their own
// name to this machine from talking to it. Who binds it to an outside address has chosen to be reached by any name.
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

// remote is the sender's address, which is the tunnel's where one carries connections.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// headers are the request's with its Host, which net/http keeps apart.
func headers(r *http.Request) http.Header {
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	return h
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
	if a.ContentType == "" {
		if a.Text == "" && a.Status < 300 {
			a.Text = "ok"
		}
		a.ContentType, a.Text = "text/plain; charset=utf-8", a.Text+"\n"
	}
	w.Header().Set("Content-Type", a.ContentType)
	w.WriteHeader(a.Status)
	// The sender may be gone; there is no one to report to.
	_, _ = io.WriteString(w, a.Text)
}

// Package relay is the relay server: it accepts requests at public addresses, keeps them until their client has stored them, and
// delivers them over one WebSocket.
//
// It promises:
//
//   - A sender gets 2xx only after its request is synced to disk (package spool), or stored by a [tunnel.Sink] instead. Otherwise it
//     gets 503 with Retry-After, 507 if the hook's spool is full, 413, 429 or 404.
//   - Requests of a hook are delivered in the order in which they were accepted, byte for byte, repeatedly until the client confirms
//     them. The client's positions (package wire) make that exactly once.
//   - No sender harms others: sizes, times, rates and numbers are limited, by hook and by address. Neither does a client: a token
//     gives access to its own hooks only, and its connection receives no more than its credit.
//
// It is no more durable than one machine's disk, keeps no order between hooks, and doesn't recognise a sender that retries after a
// lost answer.
package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
	"greenroom/tunnel"
	"greenroom/tunnel/relay/spool"
)

// Default limits.
const (
	DefaultBody = 25 << 20
	DefaultRate = 200
	// DefaultSyncWait is, with the network's time, less than the platforms' timeouts: Whereby sends a webhook again after 5 s, and Daily
	// counts a failure after 8 s and stops after three.
	DefaultSyncWait = 3 * time.Second

	defaultConcurrent = 512
	defaultPerHook    = 128
	defaultClients    = 1024
)

// maxURL keeps WELCOME, which has the addresses of all hooks of a token, within a frame.
const maxURL = 300

// Options configure a relay. Only Dir, or Sink with Hooks, is required.
type Options struct {
	// Dir is the folder of the spool.
	Dir string
	// URL is the public address, which may have a path. If empty, it is the address of the first listener, over plain HTTP.
	URL string
	// Sink stores requests instead of a spool. Then there are no tokens and no clients, and the only hooks are Hooks (id by name).
	Sink  tunnel.Sink
	Hooks map[string]string

	// Body is the largest body in bytes, 25 MiB if zero. Spool is how many bytes may wait for each hook, 1 GiB if zero. Retain is
	// how long they wait before they are dropped, 7 days of running if zero.
	Body   int64
	Spool  int64
	Retain time.Duration
	// Rate is the requests per second of a hook (twice as many in a burst), 200 if zero, unlimited if negative.
	Rate float64
	// Concurrent is how many requests are accepted at a time, 512 if zero, at most a quarter of them for the hooks of one token;
	// PerHook how many of them for one hook, 128 if zero. Clients is how many clients may be connected, 1024 if zero, at most 8
	// with one token.
	Concurrent, PerHook, Clients int
	// Policy is the default of hooks without their own, auto if empty.
	Policy spool.Policy
	// BodyTime is how long a body may take to begin; after that the minimum is 32 KiB a second. 10 s if zero.
	BodyTime time.Duration
	// SyncWait is how long a sender waits for the client's answer, 3 s if zero.
	SyncWait time.Duration
	// Proxies are the addresses that are trusted to report the sender's address.
	Proxies []netip.Prefix
	// Version is sent to clients.
	Version string
	Clock   clockwork.Clock
	Log     *slog.Logger
	Crash   *crash.Group
}

// Server is a running relay. It is safe for concurrent use.
type Server struct {
	*Book
	opt     Options
	spool   *spool.Spool // nil with a Sink
	backing backing
	start   time.Time
	base    atomic.Pointer[base]

	places  places
	waiters waiters
	refused tunnel.Tally

	mu      sync.Mutex
	conns   map[*conn]struct{}
	active  map[string]*conn // by token
	servers []*http.Server

	// draining is closed when Close begins.
	draining chan struct{}
	running  sync.WaitGroup // connections
	watched  chan struct{}
	stop     chan struct{}
	closed   sync.Once
	closeErr error
	metrics  *metrics
}

// base is the parsed public address.
type base struct {
	url, path string
}

// Open opens the spool; no request is accepted before [Server.Serve] or the [Server.Handler] is used.
func Open(o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{
		opt: o, start: o.Clock.Now(),
		conns: map[*conn]struct{}{}, active: map[string]*conn{},
		draining: make(chan struct{}), watched: make(chan struct{}), stop: make(chan struct{}),
	}
	if err := o.Policy.Check(); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	s.Book = &Book{server: s, policy: o.Policy}
	s.places.init(o)
	s.waiters.byID, s.waiters.byToken = map[string]*waiter{}, map[string]int{}
	s.refused = tunnel.Tally{Log: o.Log, Since: s.since}
	if o.URL != "" {
		if err := s.setURL(o.URL); err != nil {
			return nil, err
		}
	}
	s.metrics = newMetrics(s)
	if o.Sink != nil {
		sink, err := newSinkStore(o)
		if err != nil {
			return nil, err
		}
		s.backing = sink
		close(s.watched)
		return s, nil
	}
	sp, err := spool.Open(spool.Options{
		Dir: o.Dir, Quota: o.Spool, Retain: o.Retain, Clock: o.Clock, Log: o.Log, Crash: o.Crash,
		OnSpooled: s.spooled, OnGap: s.dropped, OnCommit: s.metrics.commit,
	})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	s.spool, s.Book.spool, s.backing = sp, sp, &spoolStore{s}
	o.Crash.Go("relay watch", s.watch)
	return s, nil
}

func (o Options) withDefaults() Options {
	o.Concurrent = cmp.Or(max(o.Concurrent, 0), defaultConcurrent)
	o.PerHook = cmp.Or(max(o.PerHook, 0), defaultPerHook)
	o.Clients = cmp.Or(max(o.Clients, 0), defaultClients)
	o.Body = cmp.Or(max(o.Body, 0), DefaultBody)
	o.Spool = cmp.Or(max(o.Spool, 0), spool.DefaultQuota)
	o.Retain = cmp.Or(max(o.Retain, 0), spool.DefaultRetain)
	o.Rate = cmp.Or(o.Rate, DefaultRate)
	o.Policy = cmp.Or(o.Policy, spool.PolicyAuto)
	o.BodyTime = cmp.Or(max(o.BodyTime, 0), bodyGrace)
	o.SyncWait = cmp.Or(max(o.SyncWait, 0), DefaultSyncWait)
	o.Clock = cmp.Or(o.Clock, clockwork.NewRealClock())
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return o
}

// setURL sets the public address.
func (s *Server) setURL(text string) error {
	var u *url.URL
	clean, err := tunnel.PublicURL(text)
	if err == nil && len(clean) > maxURL {
		err = errors.New("it is too long")
	}
	if err == nil {
		u, err = url.Parse(clean)
	}
	if err != nil {
		return fmt.Errorf("relay: the public URL: %w: %w", spool.ErrInvalid, err)
	}
	s.base.Store(&base{url: clean, path: u.EscapedPath()})
	return nil
}

// URL returns the public address without a trailing slash, empty while unknown.
func (s *Server) URL() string {
	if b := s.base.Load(); b != nil {
		return b.url
	}
	return ""
}

// hookURL returns a hook's public address.
func (s *Server) hookURL(id string) string { return s.URL() + hookPath + id }

// keepURL saves the address for commands that run while the relay doesn't.
func (s *Server) keepURL() {
	if s.spool == nil || s.URL() == "" {
		return
	}
	if err := s.spool.SetURL(context.Background(), s.URL()); err != nil {
		s.opt.Log.Warn("the public address could not be stored", "err", err)
	}
}

// Close refuses further requests, answers those under way, disconnects clients, and closes the spool. When ctx ends first,
// requests under way are cut off; everything answered 2xx is kept.
func (s *Server) Close(ctx context.Context) error {
	s.closed.Do(func() { s.closeErr = s.close(ctx) })
	return s.closeErr
}

func (s *Server) close(ctx context.Context) error {
	close(s.draining)
	s.mu.Lock()
	servers := s.servers
	s.mu.Unlock()
	var errs []error
	for _, h := range servers {
		if err := h.Shutdown(ctx); err != nil {
			s.opt.Log.Warn("requests were cut off", "err", err)
			errs = append(errs, h.Close())
		}
	}
	s.mu.Lock()
	s.opt.Log.Info("the relay closes", "clients", len(s.conns))
	for c := range s.conns {
		c.leave(restarting)
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	s.opt.Crash.Go("relay close", func() { s.running.Wait(); close(gone) })
	select {
	case <-gone:
	case <-ctx.Done():
		s.mu.Lock()
		for c := range s.conns {
			c.kill()
		}
		s.mu.Unlock()
		<-gone
	}
	close(s.stop)
	<-s.watched
	if s.spool != nil {
		errs = append(errs, s.spool.Close())
	}
	return errors.Join(errs...)
}

// since returns the time since the relay began, unaffected by changes of the clock.
func (s *Server) since() time.Duration { return s.opt.Clock.Since(s.start) }

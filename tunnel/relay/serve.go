package relay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"greenroom/internal/bounds"
)

const (
	headerTime = 10 * time.Second
	idleTime   = time.Minute
	maxHeader  = 60 << 10
	// maxConns is the most open connections, and maxPerAddr the most of one address.
	maxConns   = 8192
	maxPerAddr = 512
	// maxAdmin is the most connections of the admin address.
	maxAdmin = 64
)

// errDraining is the reason why a closing relay isn't ready.
var errDraining = errors.New("relay: it is closing")

// closing reports whether Close has begun.
func (s *Server) closing() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// register adds a server for Close to shut down. It fails after Close has begun.
func (s *Server) register(h *http.Server) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing() {
		return errDraining
	}
	s.servers = append(s.servers, h)
	return nil
}

func (s *Server) ready() error {
	if s.closing() {
		return errDraining
	}
	if s.spool == nil {
		return nil
	}
	return s.spool.Healthy()
}

// Serve accepts requests and clients from a listener until Close, and then returns nil. It may be called for several. Without a
// public URL, the first listener's address becomes it.
func (s *Server) Serve(l net.Listener) error {
	return s.serve(l, "http", func(l net.Listener) net.Listener { return l })
}

// ServeTLS is Serve over TLS, with HTTP/1.1 only: HTTP/2 has no advantage for senders, and its streams aren't limited as connections
// are.
func (s *Server) ServeTLS(l net.Listener, c *tls.Config) error {
	c = c.Clone()
	c.NextProtos = slices.DeleteFunc(slices.Clone(c.NextProtos), func(p string) bool { return p == "h2" })
	if len(c.NextProtos) == 0 {
		c.NextProtos = []string{"http/1.1"}
	}
	return s.serve(l, "https", func(l net.Listener) net.Listener { return tls.NewListener(l, c) })
}

func (s *Server) serve(l net.Listener, scheme string, secure func(net.Listener) net.Listener) error {
	if s.base.Load() == nil {
		if err := s.setURL(scheme + "://" + l.Addr().String()); err != nil {
			return err
		}
	}
	s.keepURL()
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		// Anyone can cause such errors, with broken handshakes for example.
		ErrorLog: slog.NewLogLogger(s.opt.Log.Handler(), slog.LevelDebug),
	}
	if err := s.register(h); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := h.Serve(secure(&crowd{Listener: l, s: s, perAddr: map[netip.Prefix]int{}})); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("relay: serve: %w", err)
	}
	return nil
}

// crowd is a listener that limits open connections, in total and per address. The limit per address doesn't apply to trusted proxies
// and this machine, which carry the connections of many senders.
type crowd struct {
	net.Listener
	s       *Server
	mu      sync.Mutex
	all     int
	perAddr map[netip.Prefix]int
}

// Accept returns the next connection within the limits, and closes the others.
func (l *crowd) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := l.from(c)
		if l.enter(from) {
			return &crowded{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // no sender was promised anything
	}
}

// from returns the network that counts as one address: IPv6 is assigned in /64s.
func (l *crowd) from(c net.Conn) netip.Prefix {
	a := addrOf(c.RemoteAddr().String())
	if !a.IsValid() || a.IsLoopback() || l.s.trusted(a) {
		return netip.Prefix{}
	}
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (l *crowd) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxConns || from.IsValid() && l.perAddr[from] >= maxPerAddr {
		return false
	}
	l.all++
	if from.IsValid() {
		l.perAddr[from]++
	}
	return true
}

func (l *crowd) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if from.IsValid() {
		if l.perAddr[from]--; l.perAddr[from] <= 0 {
			delete(l.perAddr, from)
		}
	}
}

type crowded struct {
	net.Conn
	leave func()
}

// Close closes the connection, and makes room for another one.
func (c *crowded) Close() error {
	c.leave()
	return c.Conn.Close()
}

// ServeAdmin serves the [Server.AdminHandler] from a listener until Close, and then returns nil.
func (s *Server) ServeAdmin(l net.Listener) error {
	h := bounds.Server(s.AdminHandler(), s.opt.Log, maxAdmin)
	h.WriteTimeout = idleTime
	if err := s.register(h); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("relay: serve metrics: %w", err)
	}
	return nil
}

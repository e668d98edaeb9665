package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"greenroom/internal/recording"
)

const (
	// idleConnections is the number of connections kept to one host: those of two files, each with four chunks in progress and four
	// requested ahead.
	idleConnections = 16
	dialTimeout     = 15 * time.Second
	headersMost     = 256 << 10
	idleTimeout     = 60 * time.Second
)

// Transport carries the requests of [HTTP] sources. It speaks only HTTP/1.1, so that each worker has its own TCP connection; HTTP/2
// would put all of them into one. It requests no compression.
//
// Addresses are checked when they are dialled, after the name was resolved, so that no DNS answer and no redirect leads into a private
// network. A proxy from the environment (HTTPS_PROXY) is used, and then resolves the names.
type Transport struct {
	private     bool
	public      func(netip.Addr) bool
	plain, safe *http.Transport
}

type viaProxy struct{}

// NewTransport returns a transport. With allowPrivate it also reaches private addresses, even over http. That is for platforms whose
// API has a private address: the sandbox, or a user's server.
func NewTransport(allowPrivate bool) *Transport { return newTransport(allowPrivate, public) }

func newTransport(allowPrivate bool, public func(netip.Addr) bool) *Transport {
	make := func(check func(netip.Addr) error) *http.Transport {
		dialer := &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", recording.ErrRefusedAddress, address)
			}
			return check(at.Addr())
		}}
		direct := &net.Dialer{Timeout: dialTimeout}
		t := &http.Transport{
			Proxy: http.ProxyFromEnvironment, Protocols: new(http.Protocols), DisableCompression: true,
			MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: idleTimeout, TLSHandshakeTimeout: dialTimeout,
			MaxResponseHeaderBytes: headersMost,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if ctx.Value(viaProxy{}) != nil {
					return direct.DialContext(ctx, network, address)
				}
				return dialer.DialContext(ctx, network, address)
			},
		}
		t.Protocols.SetHTTP1(true)
		return t
	}
	t := &Transport{private: allowPrivate, public: public}
	t.safe = make(func(a netip.Addr) error {
		if allowPrivate || public(a) {
			return nil
		}
		return fmt.Errorf("%w: %s is not on the public internet", recording.ErrRefusedAddress, a)
	})
	t.plain = make(func(a netip.Addr) error {
		if allowPrivate && !public(a) {
			return nil
		}
		return fmt.Errorf("%w: http to %s, not https", recording.ErrRefusedAddress, a)
	})
	return t
}

// CloseIdleConnections closes the idle connections.
func (t *Transport) CloseIdleConnections() {
	t.plain.CloseIdleConnections()
	t.safe.CloseIdleConnections()
}

// RoundTrip makes one request. It follows no redirect.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.admits(r.URL); err != nil {
		return nil, err
	}
	use := t.safe
	if r.URL.Scheme == "http" {
		use = t.plain
	}
	if proxy, err := use.Proxy(r); err != nil {
		return nil, errors.New("the proxy in the environment is not a URL")
	} else if proxy != nil {
		if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil && !t.private && !t.public(a) {
			return nil, fmt.Errorf("%w: %s is not on the public internet", recording.ErrRefusedAddress, a)
		}
		r = r.WithContext(context.WithValue(r.Context(), viaProxy{}, true))
	}
	return use.RoundTrip(r)
}

// admits checks a link's scheme and form. Its address is checked when it is dialled.
func (t *Transport) admits(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !t.private):
		return fmt.Errorf("%w: it is not https", recording.ErrRefusedAddress)
	case u.Host == "" || u.User != nil || u.Opaque != "":
		return fmt.Errorf("%w: it is not a link", recording.ErrRefusedAddress)
	}
	return nil
}

// inner lists networks that aren't the public internet, beyond those that net/netip knows.
var inner = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),    // carrier-grade NAT, and Alibaba Cloud's metadata
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's metadata
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"),
}

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	six4  = netip.MustParsePrefix("2002::/16")
)

// public reports whether an address is part of the public internet. IPv4 addresses inside IPv6 ones count as themselves.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if b := a.As16(); nat64.Contains(a) {
		return public(netip.AddrFrom4([4]byte(b[12:16])))
	} else if six4.Contains(a) {
		return public(netip.AddrFrom4([4]byte(b[2:6])))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(inner, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Package ssh is the driver for a reverse forward through an SSH server: the user's own with a public name, or a hosted service
// (localhost.run, serveo, pinggy).
//
// The server's key is pinned when it is first seen; a changed key is always refused, with the remedy. Forwarded connections are
// passed to the local listener as bytes in both directions, a bounded number at a time, and each direction ends separately. A
// connection that is lost, or whose keepalives aren't answered in time, is replaced, for as long as the tunnel is open.
//
// Requests sent while there is no connection are lost: sshd refuses them. The bytes aren't interpreted, so the listener sees the
// public name as the Host.
package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/plain"
	"greenroom/tunnel"
)

// Options configure the driver. A hosted service needs only Addr.
type Options struct {
	// Addr is the server, HOST or HOST:PORT; the port is 22 unless the service has another.
	Addr string
	// User is the name to log in with; the default is the present user, or the service's.
	User string
	// RemoteBind is the server's listening address, HOST:PORT or PORT; port 0 lets the server choose. The server interprets the
	// host: empty means every address, and needs GatewayPorts. If all of it is empty, the default is localhost with the local
	// listener's port, for a reverse proxy, or the service's.
	RemoteBind string
	// URL is the public URL, with {host} and {port} of the server. If empty, it is read from the server's output, by Pattern (a
	// regular expression whose first group, or all of it, is the URL) or in the known services' formats. A server that prints
	// none and listens on an outside address is assumed to be reachable there, by plain HTTP.
	URL     string
	Pattern string
	// KeyFiles are private keys; the default is ~/.ssh/id_ed25519, id_ecdsa and id_rsa, if they exist. Encrypted ones are left to
	// the agent.
	KeyFiles []string
	// AgentSocket is where an SSH agent listens; empty means SSH_AUTH_SOCK, "none" no agent.
	AgentSocket string
	// KnownHostsFile holds the pinned keys, in OpenSSH's format. It is created if missing.
	KnownHostsFile string
	// Timeout limits connecting and logging in, 15 s if zero.
	Timeout time.Duration
	// Keepalive is the interval of keepalives, 15 s if zero; the server has 10 s to answer.
	Keepalive time.Duration
	// Clock paces reconnecting and keepalives; nil means the real one.
	Clock clockwork.Clock
}

// Bounds.
const (
	defaultTimeout   = 15 * time.Second
	defaultKeepalive = 15 * time.Second
	keepaliveTime    = 10 * time.Second
	// concurrent is how many connections are forwarded at a time; more are refused.
	concurrent = 128
	// announceTime is how long a server may take to print a URL before the status reports it.
	announceTime = 15 * time.Second
)

// Driver is the driver "ssh".
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver {
	o.Timeout, o.Keepalive = cmp.Or(max(o.Timeout, 0), defaultTimeout), cmp.Or(max(o.Keepalive, 0), defaultKeepalive)
	o.Clock = cmp.Or(o.Clock, clockwork.NewRealClock())
	return Driver{o}
}

// Name implements [tunnel.Driver].
func (Driver) Name() string { return "ssh" }

// StoresAndForwards implements [tunnel.Driver].
func (Driver) StoresAndForwards() bool { return false }

// Open implements [tunnel.Driver]. It fails if a setting is wrong or a configured key file can't be read.
func (d Driver) Open(_ context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	s, err := d.settings(local)
	if err != nil {
		return nil, fmt.Errorf("ssh: %w", err)
	}
	first := tunnel.Status{Driver: d.Name(), State: tunnel.Connecting, Reason: "connecting to " + s.shown}
	l := &link{Running: tunnel.NewRunning(local, first), settings: s}
	l.Start(l.run)
	return l, nil
}

// settings are checked and completed options.
type settings struct {
	Options
	// host is the server's, shown the same safe for a terminal; addr is HOST:PORT.
	host, shown, addr, user string
	bindHost                string
	bindPort                uint16
	// target is the local listener.
	target  string
	pattern *regexp.Regexp
	service service
	keys    keyring
}

func (d Driver) settings(local tunnel.Local) (settings, error) {
	s := settings{Options: d.opt}
	var err error
	if s.target, err = local.Target(); err != nil {
		return settings{}, err
	}
	if err := s.server(); err != nil {
		return settings{}, err
	}
	if err := s.bind(); err != nil {
		return settings{}, err
	}
	if s.KnownHostsFile == "" {
		return settings{}, errors.New("no file for the server's key: set the known hosts file")
	}
	if s.URL != "" {
		if _, err := s.fill(1); err != nil {
			return settings{}, err
		}
	}
	if s.Pattern != "" {
		if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
			return settings{}, fmt.Errorf("the pattern for the URL: %w", err)
		}
	}
	s.keys, err = newKeyring(s.Options)
	return s, err
}

// server completes the server's address and the user.
func (s *settings) server() error {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		host, port = strings.Trim(s.Addr, "[]"), ""
	}
	if name, at, ok := strings.Cut(host, "@"); ok {
		s.user, host = name, at
	}
	if host == "" || strings.ContainsAny(host, " /\\\t\r\n") {
		return fmt.Errorf("%q is not a server: write HOST or HOST:PORT", s.Addr)
	}
	s.host, s.shown, s.service = host, plain.Text(host), serviceOf(host)
	port = cmp.Or(port, s.service.port, "22")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q has an invalid port", s.Addr)
	}
	s.addr = net.JoinHostPort(host, port)
	if s.user = cmp.Or(s.User, s.user, s.service.user); s.user == "" {
		me, err := user.Current()
		if err != nil {
			return fmt.Errorf("no user to log in as: %w", err)
		}
		// On Windows the name begins with the domain.
		s.user = me.Username[strings.LastIndexByte(me.Username, '\\')+1:]
	}
	return nil
}

// bind completes the server's listening address.
func (s *settings) bind() error {
	at := cmp.Or(s.RemoteBind, s.service.bind)
	if at == "" {
		_, port, err := net.SplitHostPort(s.target)
		if err != nil {
			return err
		}
		at = "localhost:" + port
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		host, port = "localhost", at
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("the server can't listen at %q: write HOST:PORT", s.RemoteBind)
	}
	if host == "*" {
		host = ""
	}
	s.bindHost, s.bindPort = host, uint16(n)
	return nil
}

// fill completes the URL's template.
func (s *settings) fill(port uint32) (string, error) {
	host := s.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return tunnel.PublicURL(strings.NewReplacer("{host}", host, "{port}", strconv.FormatUint(uint64(port), 10)).Replace(s.URL))
}

// outside reports whether the server was asked to listen on a public address.
func (s *settings) outside() bool {
	if s.bindHost == "" {
		return true
	}
	ip := net.ParseIP(s.bindHost)
	return ip != nil && !ip.IsLoopback()
}

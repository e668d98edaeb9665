// Package relayclient is the tunnel driver "relay": the client of a Greenroom relay.
//
// It keeps one WebSocket to the relay, speaks package wire on it, and passes every complete request to [tunnel.Local].Receive,
// one call at a time, each with all requests completed meanwhile. It confirms to the relay only requests that Receive reported as
// stored. It promises:
//
//   - Requests that the relay accepted arrive here once, in order for each hook, byte for byte, even if processes are killed,
//     connections cut or machines put to sleep: each connection begins after the stored positions, which identify repeats.
//   - Requests that can't be stored (a full disk) are passed on again until they can, before any later request of their hook.
//   - Known losses (the relay dropped requests, or was restored from a backup) show in [tunnel.Status].Gap for as long as the
//     tunnel is open.
//
// A request may be passed on twice: a call that failed may have stored something. Receive recognises it by the envelope's
// position.
//
// A body that is larger than [Options].MaxBody, or that arrives damaged three times, is discarded and must not block its hook:
// its envelope is passed on without it, see [tunnel.Envelope].Missing.
//
// The relay is not trusted with this machine's memory: its requests under way are limited by the credit, and a relay that breaks
// the protocol is disconnected.
package relayclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/bounds"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

// Name is the driver's name in the configuration.
const Name = "relay"

// Defaults of the options.
const (
	DefaultWindow  = 256
	DefaultMaxBody = 64 << 20
	// defaultBeside is how far WindowBytes exceeds MaxBody by default.
	defaultBeside = 32 << 20
)

// Options configure the driver.
type Options struct {
	// URL is the relay's base: https or wss, or http or ws to this machine.
	URL string
	// Token is the secret printed by "greenroom relay token create".
	Token string
	// AllowPlain lets the token travel in clear text to other machines.
	AllowPlain bool
	// Proxy selects an HTTP or SOCKS5 proxy; nil uses the environment (HTTPS_PROXY, NO_PROXY and so on).
	Proxy func(*http.Request) (*url.URL, error)
	// CAFile is a PEM file of certificate authorities to trust besides the system's.
	CAFile string
	// Window is how many requests may be under way until they are stored here, and WindowBytes how many bytes of their bodies, which
	// limits the memory. WindowBytes is at least MaxBody; more lets small requests pass while a large one is under way.
	Window      int
	WindowBytes int64
	// MaxBody is the largest body that is kept, in bytes.
	MaxBody int64
	// Clock measures time and Wall reads it, see [tunnel.Wake]; nil means the real ones.
	Clock clockwork.Clock
	Wall  func() time.Time
	// Client names the program and its version to the relay.
	Client string
}

// Driver opens tunnels through a relay.
type Driver struct{ opt Options }

var _ tunnel.Driver = (*Driver)(nil)

// New returns the driver. Open reports wrong options.
func New(o Options) *Driver { return &Driver{opt: o} }

// Name returns "relay".
func (*Driver) Name() string { return Name }

// StoresAndForwards returns true: the relay keeps requests while this machine is away.
func (*Driver) StoresAndForwards() bool { return true }

// Open begins to connect, for as long as the tunnel is open. It fails for options that can't work.
func (d *Driver) Open(ctx context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := settle(d.opt)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	if local.Receive == nil || local.Positions == nil || local.Device == "" {
		return nil, errors.New("relay: there is no receiver for requests")
	}
	return open(s, local), nil
}

// settings are checked options.
type settings struct {
	Options
	dial string // the URL of the WebSocket
	tls  *tls.Config
}

func settle(o Options) (settings, error) {
	s := settings{Options: o}
	u, err := url.Parse(strings.TrimSpace(o.URL))
	if err != nil {
		return s, errors.New("the relay's URL is invalid: write it like https://relay.example") // err repeats it, with what may be secret
	}
	switch u.Scheme {
	case "https", "wss":
		u.Scheme = "wss"
	case "http", "ws":
		u.Scheme = "ws"
	default:
		return s, errors.New("the relay's URL must begin with https://")
	}
	switch {
	case u.Hostname() == "":
		return s, errors.New("the relay's URL has no host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return s, errors.New("the relay's URL must be a plain base URL such as https://relay.example; the token is a separate setting")
	case u.Scheme == "ws" && !o.AllowPlain && !bounds.IsLoopback(u.Hostname()):
		return s, fmt.Errorf("the token would be sent to %s unencrypted: use https://", u.Hostname())
	case o.Token == "":
		return s, errors.New("there is no token: create one with greenroom relay token create on the relay's machine")
	case strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return s, errors.New("the token contains invalid characters")
	}
	if u.Host, err = tunnel.Host(u); err != nil {
		return s, fmt.Errorf("the relay's URL is invalid: %w", err)
	}
	s.dial = u.JoinPath(wire.Path).String()
	s.Window = cmp.Or(max(o.Window, 0), DefaultWindow)
	s.MaxBody = cmp.Or(max(o.MaxBody, 0), DefaultMaxBody)
	s.WindowBytes = max(cmp.Or(max(o.WindowBytes, 0), s.MaxBody+defaultBeside), s.MaxBody)
	s.Client = cmp.Or(o.Client, "greenroom")
	s.Clock = cmp.Or(s.Clock, clockwork.NewRealClock())
	if s.Proxy == nil {
		s.Proxy = http.ProxyFromEnvironment
	}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		if s.tls.RootCAs, err = tunnel.Authorities(o.CAFile); err != nil {
			return s, fmt.Errorf("read the certificate authorities: %w", err)
		}
	}
	return s, nil
}

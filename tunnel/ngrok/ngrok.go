// Package ngrok is the driver for ngrok's service, through its SDK.
//
// The SDK gives out connections as bytes, and they are handed to the local listener as bytes: nothing is parsed or written
// anew on this side. The SDK would try a wrong authtoken for ever without a word; here each attempt has an end, errors are
// told, and what waiting can't mend ends the tunnel with the reason. The authtoken reaches no log and no status, although
// ngrok repeats it in its errors.
//
// What is sent while this machine is away is lost: ngrok answers it with a page of its own.
package ngrok

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
)

// Options are the driver's settings.
type Options struct {
	// Authtoken is the account's, from ngrok's dashboard.
	Authtoken string
	// Domain is one of the account's; empty means the one that ngrok chooses.
	Domain string
	// Timeout bounds one attempt to connect, 20 s when zero.
	Timeout time.Duration
	// Clock paces what is tried again; nil means the real one.
	Clock clockwork.Clock

	// service replaces ngrok's in tests.
	service *service
}

const (
	defaultTimeout = 20 * time.Second
	// refusedWait is how long to wait after ngrok itself refused, which it may do otherwise later.
	refusedWait = time.Minute
	// concurrent is how many connections are handed on at a time; more are refused.
	concurrent = 128
	dialTime   = 10 * time.Second
	// heartbeat is how often the connection is tried, and how long an answer may take.
	heartbeat = 10 * time.Second
)

// Driver is the driver "ngrok".
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	return Driver{o}
}

// Name implements [tunnel.Driver].
func (Driver) Name() string { return "ngrok" }

// StoresAndForwards implements [tunnel.Driver].
func (Driver) StoresAndForwards() bool { return false }

// Open implements [tunnel.Driver]. It fails when a setting is wrong.
func (d Driver) Open(_ context.Context, local tunnel.Local) (tunnel.Tunnel, error) {
	target, err := local.Target()
	if err != nil {
		return nil, fmt.Errorf("ngrok: %w", err)
	}
	d.opt.Authtoken = strings.TrimSpace(d.opt.Authtoken)
	if d.opt.Authtoken == "" {
		return nil, errors.New("ngrok: no authtoken: https://dashboard.ngrok.com/get-started/your-authtoken shows it")
	}
	url := ""
	if d.opt.Domain != "" {
		name := strings.TrimPrefix(d.opt.Domain, "https://")
		if url, err = tunnel.PublicURL("https://" + name); err != nil || strings.Contains(strings.TrimPrefix(url, "https://"), "/") {
			return nil, fmt.Errorf("ngrok: %q is no domain: write it like name.ngrok.app", d.opt.Domain)
		}
	}
	log := local.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &agent{
		Options: d.opt, url: url, target: target, crash: local.Crash, cancel: cancel, done: make(chan struct{}),
		log:   log.With("tunnel", "ngrok"),
		board: tunnel.NewBoard(tunnel.Status{Driver: d.Name(), State: tunnel.Connecting, URL: url, Reason: "connecting to ngrok"}),
	}
	local.Crash.Go("tunnel ngrok", func() { a.run(ctx) })
	return a, nil
}

// dialLocal connects to the listener.
func dialLocal(ctx context.Context, target string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", target)
}

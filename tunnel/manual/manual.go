// Package manual is the driver for a way that somebody else has made: a reverse proxy, a port forwarded by a router, a tunnel
// that is run by hand. All that is known of it is its public URL, so that only a probe can say whether it is live; see
// package probe.
package manual

import (
	"context"
	"errors"

	"greenroom/tunnel"
)

// Options are the driver's settings.
type Options struct {
	// URL is the public base: a request to URL+"/x" must arrive at the listener with the target "/x".
	URL string
}

// Driver is the driver "manual".
type Driver struct{ opt Options }

var _ tunnel.Driver = Driver{}

// New makes the driver.
func New(o Options) Driver { return Driver{o} }

// Name implements [tunnel.Driver].
func (Driver) Name() string { return "manual" }

// StoresAndForwards implements [tunnel.Driver]: what comes while this machine is away is lost.
func (Driver) StoresAndForwards() bool { return false }

// Open implements [tunnel.Driver]. It fails when the URL is none.
func (d Driver) Open(context.Context, tunnel.Local) (tunnel.Tunnel, error) {
	if d.opt.URL == "" {
		return nil, errors.New("manual: no URL: say at which public URL this machine is reached")
	}
	url, err := tunnel.PublicURL(d.opt.URL)
	if err != nil {
		return nil, err
	}
	return open{tunnel.NewBoard(tunnel.Status{Driver: d.Name(), State: tunnel.Live, URL: url})}, nil
}

type open struct{ *tunnel.Board }

// Close implements [tunnel.Tunnel].
func (o open) Close() error {
	o.Board.Close("closed")
	return nil
}

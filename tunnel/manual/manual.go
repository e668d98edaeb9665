// Package manual is the driver for a public address that already leads to the listener: a reverse proxy, a port that a router
// forwards, a tunnel that the user runs. Only a probe shows whether it is live; see package probe.
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

// StoresAndForwards implements [tunnel.Driver]: requests are lost while this machine is away.
func (Driver) StoresAndForwards() bool { return false }

// Open implements [tunnel.Driver]. It fails if the URL is invalid.
func (d Driver) Open(context.Context, tunnel.Local) (tunnel.Tunnel, error) {
	if d.opt.URL == "" {
		return nil, errors.New("manual: no URL: set url under [tunnel] to the public URL that leads to the listener")
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

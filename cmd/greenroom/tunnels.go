package main

import (
	"fmt"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/tunnel"
)

// openTunnelDriver makes the configured driver, or none. These are the drivers of this build.
func openTunnelDriver(c config.Tunnel) (tunnel.Driver, error) {
	if c.Missing != "" {
		return nil, &app.Error{
			Kind: app.NotConfigured, Text: fmt.Sprintf("the %s tunnel can't be opened: %s", c.Driver, c.Missing),
			Hint: "or choose another with --tunnel; --tunnel none opens none",
		}
	}
	switch c.Driver {
	case config.NoTunnel:
		return nil, nil
	}
	return nil, &app.Error{Kind: app.NotConfigured, Text: fmt.Sprintf("the tunnel %s is not in this build yet", c.Driver)}
}

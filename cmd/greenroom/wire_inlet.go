package main

import (
	"context"
	"log/slog"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/inlet"
	"greenroom/internal/web"
	"greenroom/tunnel"
	"greenroom/tunnel/probe"
)

// newInlet returns the configured listener, and the tunnel that makes it public. onStatus may be nil.
func newInlet(
	c *config.Config, p *program, log *slog.Logger, group *crash.Group, onStatus func(app.TunnelStatus),
) (*inlet.Listener, *inlet.Tunnel) {
	router := newRouter(c)
	authorities, err := tunnelTLS(c.Tunnel)
	o := inlet.TunnelOptions{
		Name: c.Tunnel.Driver, Router: router, Prober: probe.New(probe.Options{TLS: authorities}), OnStatus: onStatus,
		Log: log, Crash: group,
	}
	for _, a := range c.Accounts {
		o.Hooks = append(o.Hooks, a.Name)
	}
	if c.Tunnel.Driver != config.NoTunnel {
		settings := c.Tunnel
		settings.Secrets = c.SecretVariables()
		o.Driver = func() (tunnel.Driver, error) {
			if err != nil {
				return nil, err
			}
			return p.tunnels(settings, p.version)
		}
	}
	t := inlet.NewTunnel(o)
	return inlet.NewListener(web.Options{
		Addr: c.Listen, Fixed: c.ListenSet, BodyLimit: c.BodyLimit, Router: router, Log: log, Crash: group,
	}, t), t
}

// newRouter returns the router of the configured accounts.
func newRouter(c *config.Config) web.Router {
	r := web.Router{Aliases: map[string]string{}, Signatures: map[string][]string{}}
	for _, d := range drivers() {
		name, ok := c.Policy.DefaultAccounts[d.Platform]
		for _, path := range d.WebhookPaths {
			if ok {
				r.Aliases[path] = name
			}
		}
	}
	for _, a := range c.Accounts {
		r.Accounts = append(r.Accounts, a.Name)
		r.Signatures[a.Name] = driverOf(a.Platform).SignatureHeaders
	}
	for _, u := range c.Unusable {
		r.Accounts = append(r.Accounts, u.Name) // answered 503 until it is configured correctly
	}
	return r
}

// listenerAccess returns the access of a process with a listener. With open, the listener opens when the process becomes the owner of the store.
func listenerAccess(l *inlet.Listener, open bool, log *slog.Logger, group *crash.Group) access {
	return access{
		stay: true, log: log, crash: group,
		owns: func(_ context.Context, h *hub.Hub) {
			if open {
				l.TryOpen(h)
			}
			h.SetListener(l.Status)
		},
		loses: func() {
			if err := l.Close(); err != nil {
				log.Warn("could not close the listener", "err", err)
			}
		},
	}
}

package main

import (
	"crypto/tls"
	"fmt"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/web"
	"greenroom/tunnel"
	"greenroom/tunnel/command"
	"greenroom/tunnel/manual"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/sqs"
	"greenroom/tunnel/ssh"
)

// openTunnelDriver returns the configured driver, nil for none.
func openTunnelDriver(c config.Tunnel, version string) (tunnel.Driver, error) {
	if c.Missing != "" {
		return nil, &app.Error{
			Kind: app.NotConfigured, Text: fmt.Sprintf("the %s tunnel can't be opened: %s", c.Driver, c.Missing),
			Hint: "or choose another with --tunnel; --tunnel none runs without a tunnel",
		}
	}
	switch c.Driver {
	case config.NoTunnel:
		return nil, nil
	case "relay":
		return relayclient.New(relayclient.Options{
			URL: c.URL, Token: c.Token, CAFile: c.CAFile, Window: c.Window, MaxBody: web.MaxBodyLimit, Client: "greenroom " + version,
		}), nil
	case "ssh":
		o := ssh.Options{
			Addr: c.SSHHost, User: c.SSHUser, RemoteBind: c.SSHBind, URL: c.URL, Pattern: c.Pattern, KnownHostsFile: c.SSHKnownHosts,
		}
		if c.SSHKeyFile != "" {
			o.KeyFiles = []string{c.SSHKeyFile}
		}
		return ssh.New(o), nil
	case "sqs":
		q := sqs.Queue{Queue: c.Queue, Region: c.Region, Endpoint: c.Endpoint}
		return sqs.New(sqs.Options{Queue: q, URL: c.URL, Window: c.Window}), nil
	case "manual":
		return manual.New(manual.Options{URL: c.URL}), nil
	}
	if c.Driver == "exec" || slices.Contains(command.Presets(), c.Driver) {
		o := command.Options{
			Preset: c.Driver, Command: c.Command, Secrets: c.Secrets, Pattern: c.Pattern, URL: c.URL,
			Authtoken: c.Authtoken, Domain: c.Domain,
		}
		switch c.Driver {
		case "exec":
			o.Preset = ""
		case "ngrok": // it has a domain instead
			o.URL, o.Pattern = "", ""
		}
		return command.New(o), nil
	}
	return nil, fmt.Errorf("there is no tunnel %q", c.Driver)
}

// canOpen returns the errors in the tunnel's settings that show without opening it.
func (p *program) canOpen(c config.Tunnel) error {
	if c.Driver == config.NoTunnel {
		return nil
	}
	_, err := p.tunnels(c, p.version)
	return err
}

// tunnelTLS returns a TLS configuration that trusts the system's authorities and those of ca_file; nil without ca_file.
func tunnelTLS(c config.Tunnel) (*tls.Config, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pool, err := tunnel.Authorities(c.CAFile)
	if err != nil {
		return nil, &app.Error{
			Kind: app.NotConfigured, Text: fmt.Sprintf("read the certificates of the tunnel: %v", err), Err: err,
			Hint: "set ca_file under [tunnel] to a file of PEM certificates",
		}
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

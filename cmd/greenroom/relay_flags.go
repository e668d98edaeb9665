package main

import (
	"cmp"
	"crypto/tls"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
)

// maxRate is the largest value of --rate.
const maxRate = 1_000_000

var policies = []spool.Policy{spool.PolicyAck, spool.PolicySync, spool.PolicyAuto}

func parseSize(s string) (int64, error) {
	n, ok := config.ParseSize(s)
	if !ok || n <= 0 {
		return 0, hint("write it like 25MiB")
	}
	return n, nil
}

// parseNetworks parses addresses and networks, separated by commas.
func parseNetworks(s string) (all []netip.Prefix, err error) {
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		network, err := netip.ParsePrefix(part)
		if a, aerr := netip.ParseAddr(part); aerr == nil {
			network, err = a.Unmap().Prefix(a.Unmap().BitLen())
		}
		switch {
		case part == "":
		case err != nil:
			return nil, hint("use an address or a network, such as 10.0.0.0/8")
		default:
			all = append(all, network.Masked())
		}
	}
	return all, nil
}

// check checks the flags.
func (o *relayOptions) check() error {
	if !within(o.Rate, 0, maxRate) {
		return usagef("--rate can't be %g: use 0 for no limit, or up to %d", o.Rate, maxRate)
	}
	if o.Rate == 0 {
		o.Rate = -1
	}
	if o.SyncWait <= 0 || o.SyncWait > time.Minute {
		return usagef("--sync-wait can't be %s: use at most a minute", o.SyncWait)
	}
	if o.to == "" {
		if len(o.hooks) > 0 {
			return usagef("--hook needs --to; without it, create hooks with `greenroom relay hook create`")
		}
		return nil
	}
	if o.Policy == spool.PolicySync {
		return usagef("--policy can't be %s with --to: a queue can't answer senders; use ack", o.Policy)
	}
	if !o.changed("max-body") {
		o.Body = sinkBody
	}
	o.Policy, o.Hooks = spool.PolicyAck, map[string]string{}
	for part := range strings.SplitSeq(o.getenv(hooksVariable), ",") {
		if part = strings.TrimSpace(part); part != "" {
			o.hooks = append(o.hooks, part)
		}
	}
	if len(o.hooks) == 0 {
		return usagef("a relay with --to needs a hook: use --hook NAME=ID, or set %s", hooksVariable)
	}
	for _, h := range o.hooks {
		name, id, ok := strings.Cut(h, "=")
		if !ok {
			return usagef("--hook can't be %q: write it like NAME=ID", name)
		}
		if err := spool.CheckHook(name, id); err != nil {
			return usagef("%v", err)
		}
		if _, twice := o.Hooks[name]; twice {
			return usagef("the hook %s is given twice", name)
		}
		o.Hooks[name] = id
	}
	return nil
}

// security returns the TLS configuration, nil for none, and the address to listen on.
func (o *relayOptions) security(dir string) (c *tls.Config, addr string, err error) {
	how := o.tls
	public, err := url.Parse(o.URL)
	if err != nil || o.URL != "" && (public.Scheme != "https" && public.Scheme != "http" || public.Host == "") {
		return nil, "", usagef("--url can't be %q: write it like https://relay.example", o.URL)
	}
	if how == "" {
		how = "off"
		if public.Scheme == "https" {
			how = "auto"
		}
	}
	cert, key, files := strings.Cut(how, ",")
	switch {
	case how == "off":
		return nil, cmp.Or(o.addr, relayPlainAddr), nil
	case how == "auto":
		if c, err = relay.AutoTLS(o.URL, filepath.Join(dir, "certificates")); err != nil {
			return nil, "", usagef("--tls auto needs a --url like https://relay.example, with a host name that resolves to this machine")
		}
	case files:
		if c, err = relay.FileTLS(cert, key); err != nil {
			return nil, "", &app.Error{Kind: app.NotConfigured, Text: err.Error(), Hint: "--tls needs two files separated by a " +
				"comma: CERT,KEY", Err: err}
		}
	default:
		return nil, "", usagef("--tls can't be %q: use auto, off, or CERT,KEY", how)
	}
	return c, cmp.Or(o.addr, relayTLSAddr), nil
}

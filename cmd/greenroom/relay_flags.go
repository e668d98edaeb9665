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
	"greenroom/internal/when"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
)

// maxRate bounds --rate to what a number of requests can be.
const maxRate = 1_000_000

// options reads the flags.
func (o *relayOptions) options() (relay.Options, error) {
	opt := relay.Options{
		URL: o.url, Policy: spool.Policy(o.policy), Rate: o.rate, SyncWait: o.wait, Version: o.version,
	}
	if err := opt.Policy.Check(); err != nil || o.policy == "" {
		return opt, usagef("--policy can't be %q: use ack, sync or auto", o.policy)
	}
	if !within(o.rate, 0, maxRate) {
		return opt, usagef("--rate can't be %g: use 0 for no limit, or up to %d", o.rate, maxRate)
	}
	if o.rate == 0 {
		opt.Rate = -1
	}
	if o.wait <= 0 || o.wait > time.Minute {
		return opt, usagef("--sync-wait can't be %s: use at most a minute", o.wait)
	}
	for _, size := range []struct {
		flag, text string
		to         *int64
	}{{"max-body", o.body, &opt.Body}, {"spool", o.spool, &opt.Spool}} {
		n, ok := config.ParseSize(size.text)
		if !ok || n <= 0 {
			return opt, usagef("--%s can't be %q: write it like 25MiB", size.flag, size.text)
		}
		*size.to = n
	}
	var ok bool
	if opt.Retain, ok = when.Age(o.retain); !ok || opt.Retain <= 0 {
		return opt, usagef("--retain can't be %q: write it like 7d or 12h", o.retain)
	}
	for part := range strings.SplitSeq(o.proxies, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := parseNetwork(part)
		if err != nil {
			return opt, usagef("--trust-proxy can't be %q: use an address or a network, such as 10.0.0.0/8", part)
		}
		opt.Proxies = append(opt.Proxies, network)
	}
	return opt, o.sinkOptions(&opt)
}

// sinkOptions reads those that belong to --to.
func (o *relayOptions) sinkOptions(opt *relay.Options) error {
	hooks := o.hooks
	for part := range strings.SplitSeq(o.getenv(hooksVariable), ",") {
		if part = strings.TrimSpace(part); part != "" {
			hooks = append(hooks, part)
		}
	}
	if o.to == "" {
		if len(o.hooks) > 0 {
			return usagef("--hook needs --to; without it, create hooks with `greenroom relay hook create`")
		}
		return nil
	}
	if opt.Policy != spool.PolicyAck && o.policy != string(spool.PolicyAuto) {
		return usagef("--policy can't be %s with --to: a queue can't answer senders; use ack", o.policy)
	}
	if len(hooks) == 0 {
		return usagef("a relay with --to needs a hook: use --hook NAME=ID, or set %s", hooksVariable)
	}
	opt.Policy, opt.Hooks = spool.PolicyAck, map[string]string{}
	if o.body == config.FormatSize(relay.DefaultBody) {
		opt.Body = sinkBody
	}
	for _, h := range hooks {
		name, id, ok := strings.Cut(h, "=")
		if !ok {
			return usagef("--hook can't be %q: write it like NAME=ID", name)
		}
		if err := spool.CheckHook(name, id); err != nil {
			return usagef("%v", err)
		}
		if _, twice := opt.Hooks[name]; twice {
			return usagef("the hook %s is given twice", name)
		}
		opt.Hooks[name] = id
	}
	return nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
}

// security gives the TLS configuration, nil for none, and where to listen.
func (o *relayOptions) security(dir string) (c *tls.Config, addr string, err error) {
	addr = o.addr
	how := o.tls
	public, err := url.Parse(o.url)
	if err != nil || o.url != "" && (public.Scheme != "https" && public.Scheme != "http" || public.Host == "") {
		return nil, "", usagef("--url can't be %q: write it like https://relay.example", o.url)
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
		return nil, cmp.Or(addr, relayPlainAddr), nil
	case how == "auto":
		if c, err = relay.AutoTLS(o.url, filepath.Join(dir, "certificates")); err != nil {
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
	return c, cmp.Or(addr, relayTLSAddr), nil
}

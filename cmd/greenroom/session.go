package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar/feed"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/inlet"
	"greenroom/internal/ipc"
	"greenroom/internal/plain"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
	"greenroom/provider"
	"greenroom/store"
)

// access describes how a command uses the data.
type access struct {
	// stay is for programs that keep running: they serve the store to others, take it over when its owner exits, and poll presence.
	stay bool
	// reads is for commands that only read: if the folder can't be written to, they open the store read-only.
	reads bool
	// demo marks the store as the demo's.
	demo bool
	// owns is called when this process has become the owner of the store, loses before it no longer is. Both may be nil.
	owns  func(ctx context.Context, h *hub.Hub)
	loses func()
	log   *slog.Logger
	crash *crash.Group
	// warn is called with harmless differences from the owner; nil drops them.
	warn func(string)
}

// opener connects to the process that owns the store, or opens the store. The second result disconnects.
type opener func(ctx context.Context, c *config.Config, version string, a access) (app.Backend, func() error, error)

// openBackend is the real opener.
func openBackend(ctx context.Context, c *config.Config, version string, a access) (app.Backend, func() error, error) {
	accounts, err := openAccounts(c)
	if err != nil {
		return nil, nil, err
	}
	for _, account := range accounts {
		if account.Unusable != nil && account.Unusable.Err != nil && a.warn != nil { // the others are notices of the configuration
			a.warn(fmt.Sprintf("Account %s can't be used: %s", account.Name, account.Unusable.Text))
		}
	}
	rules, err := newCallRules(c)
	if err != nil {
		return nil, nil, err
	}
	downloads, err := newDownloads(c, accounts, a.log, a.crash)
	if err != nil {
		return nil, nil, err
	}
	calendars := &feed.Reader{Public: source.NewTransport(false), Inside: source.NewTransport(true), Refused: recording.ErrRefusedAddress}
	options := func(s store.Options) hub.Options {
		s.Path, s.RetainFor, s.RetainBytes = storePath(c), c.Retention.Age, c.Retention.Bytes
		return hub.Options{
			Store:    s,
			Accounts: accounts,
			Policy: hub.Policy{
				MigrationSet: c.Policy.MigrationSet, MigrationEnabled: c.Policy.MigrationEnabled,
				MigrationRooms: c.Policy.MigrationRooms, DefaultPlatform: c.Policy.DefaultPlatform,
			},
			Drivers: drivers(), Downloads: downloads, Buckets: newBuckets(c, accounts, a.log, a.crash), Version: version, Tunnel: c.Tunnel.Driver,
			Calls: rules, Lead: c.Lead, Listen: c.Listen, HostName: c.HostName, Forwards: c.Forwards, ReadCalendar: calendars.Read, Log: a.log, Crash: a.crash,
		}
	}
	var owned *hub.Hub
	o := ipc.Options{
		DataDir: c.DataDir, RuntimeDir: c.RuntimeDir, Version: version, Fingerprint: c.Fingerprint(),
		Stay: a.stay, Demo: a.demo, Log: a.log, Crash: a.crash, OnLose: a.loses,
		Own: func(ctx context.Context) (ipc.Owned, error) {
			if err := claimStore(c, a.demo); err != nil {
				return ipc.Owned{}, err
			}
			if a.demo {
				if err := seedPast(ctx, storePath(c), time.Now()); err != nil {
					return ipc.Owned{}, err
				}
			}
			forwarder, owns := inlet.NewForwarder(time.Now), options(store.Options{})
			owns.Forwarder = forwarder.Send
			h, err := hub.Open(owns)
			if err != nil {
				return ipc.Owned{}, err
			}
			if a.stay {
				h.Start()
			}
			owned = h
			return ipc.Owned{Backend: h, Close: func() error { defer forwarder.Close(); return h.Close() }}, nil
		},
	}
	if a.owns != nil {
		o.OnOwn = func(ctx context.Context, _ app.Backend) { a.owns(ctx, owned) }
	}
	s, err := ipc.Open(ctx, o)
	if a.reads && errors.Is(folderError(c, err), errUnwritable) {
		if h, rerr := hub.Open(options(store.Options{ReadOnly: true})); rerr == nil {
			if a.warn != nil {
				a.warn("The data folder can't be written to: the store is opened read-only.")
			}
			return h, h.Close, nil
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if w := s.State().Warning; w != "" && a.warn != nil {
		a.warn(w)
	}
	return s, s.Close, nil
}

// storePath is the store's file.
func storePath(c *config.Config) string { return filepath.Join(c.DataDir, "greenroom.db") }

// openAccounts returns the configured accounts with their providers, without sending requests. Accounts that can't be used have the reason.
func openAccounts(c *config.Config) ([]hub.Account, error) {
	drivers, err := registry()
	if err != nil {
		return nil, err
	}
	isDefault := func(name string, p provider.Platform) bool { return c.Policy.DefaultAccounts[p] == name }
	out := make([]hub.Account, 0, len(c.Accounts)+len(c.Unusable))
	for _, a := range c.Accounts {
		if a.APIURL == "" {
			d, err := drivers.Driver(a.Platform)
			if err != nil {
				return nil, err
			}
			a.APIURL = d.DefaultURL
		}
		p, err := drivers.Open(a, nil)
		made := hub.Account{Account: a, Provider: p, Default: isDefault(a.Name, a.Platform)}
		if err != nil {
			e := app.AsError(err)
			made.Unusable = &app.Error{Kind: app.NotConfigured, Text: e.Text, Hint: e.Hint, Err: err}
		} else {
			made.AutoDownload, made.DeleteAfter = c.Fetch[a.Name].AutoDownload, c.Fetch[a.Name].DeleteAfter
		}
		out = append(out, made)
	}
	for _, u := range c.Unusable {
		out = append(out, hub.Account{
			Account: provider.Account{Name: u.Name, Platform: u.Platform}, Default: isDefault(u.Name, u.Platform),
			Unusable: &app.Error{Kind: app.NotConfigured, Text: u.Reason(), Hint: "run `greenroom config check`"},
		})
	}
	return out, nil
}

// problems joins the reasons why accounts or the tunnel can't be used.
func problems(c *config.Config, accounts []hub.Account) error {
	err := c.Problems()
	for _, a := range accounts {
		if a.Unusable != nil && a.Unusable.Err != nil {
			err = errors.Join(err, &app.Error{
				Kind: app.NotConfigured, Text: fmt.Sprintf("account %q can't be used: %s", a.Name, a.Unusable.Text), Hint: a.Unusable.Hint,
			})
		}
	}
	return err
}

// registry is the set of platforms of this build.
func registry() (*provider.Registry, error) { return provider.NewRegistry(drivers()...) }

// with calls f with the data.
func (p *program) with(ctx context.Context, f func(b app.Backend) error) error {
	return p.withAccess(ctx, access{}, f)
}

// reading is with for commands that only read.
func (p *program) reading(ctx context.Context, f func(b app.Backend) error) error {
	return p.withAccess(ctx, access{reads: true}, f)
}

func (p *program) withAccess(ctx context.Context, a access, f func(b app.Backend) error) (err error) {
	c, err := p.config(ctx, "")
	if err != nil {
		return err
	}
	p.notes(c.Notices)
	a.warn = func(w string) { p.words(plain.Text(w)) }
	b, closer, err := p.open(ctx, c, p.version, a)
	if err != nil {
		return folderError(c, err)
	}
	defer func() { err = joined(err, closer()) }()
	return f(b)
}

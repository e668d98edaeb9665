package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/hub"
	"greenroom/internal/web"
	"greenroom/provider"
)

// closeTime is how long requests that are being answered may take when the program ends.
const closeTime = 300 * time.Millisecond

// door is this process's listener for webhooks, if it has one. The owner of the store has one when it is the screen or
// listen; beside an owner, listen has its own and hands over what it gets.
type door struct {
	cfg   *config.Config
	log   *slog.Logger
	crash *crash.Group
	// passage is opened with the listener by attempt, and tells under which names it is reached; nil where there is none.
	passage *passage

	mu       sync.Mutex
	listener *web.Listener
	problem  string
	// unreport ends the reports about the listener.
	unreport func()
}

// routerOf says whose hook is whose by the configuration.
func routerOf(c *config.Config) web.Router {
	r := web.Router{Aliases: map[string]string{}, Signatures: map[string][]string{}}
	headers := map[provider.Platform][]string{}
	for _, d := range drivers() {
		headers[d.Platform] = d.SignatureHeaders
	}
	for _, a := range c.Accounts {
		r.Accounts = append(r.Accounts, a.Name)
		r.Signatures[a.Name] = headers[a.Platform]
	}
	for _, u := range c.Unusable {
		r.Accounts = append(r.Accounts, u.Name) // answered 503 until it is mended
	}
	for _, d := range drivers() {
		name, ok := c.Policy.DefaultAccounts[d.Platform]
		for _, path := range d.WebhookPaths {
			if ok {
				r.Aliases[path] = name
			}
		}
	}
	return r
}

// open listens, unless it does already, and delivers to the given Ingester.
func (d *door) open(to web.Ingester) (*web.Listener, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		return d.listener, nil
	}
	o := web.Options{
		Addr: d.cfg.Listen, Fixed: d.cfg.ListenSet, BodyLimit: d.cfg.BodyLimit, Ingest: to, Log: d.log, Crash: d.crash,
		Router: routerOf(d.cfg),
	}
	if d.passage != nil {
		o.Router, o.Hosts = d.passage.router, d.passage.hosts
	}
	l, err := web.Listen(o)
	if err != nil {
		d.problem = err.Error()
		return nil, err
	}
	d.listener, d.problem = l, ""
	if b, ok := to.(app.Backend); ok {
		d.unreport = d.report(b, l)
	}
	return l, nil
}

// report tells the owner of the store of this process's listener, for as long as that listens: the owner may be a program
// that has none, such as event tail. It returns what ends the reports and takes the last one back.
func (d *door) report(b app.Backend, l *web.Listener) (end func()) {
	source := "listener-" + rand.Text()
	once := func(ctx context.Context, limit, lease time.Duration) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		s := l.Status()
		if _, err := b.ReportTunnel(ctx, app.TunnelReport{Source: source, Listener: &s, Lease: lease}); err != nil {
			d.log.Debug("the listener could not be reported", "err", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	once(ctx, reportEvery, reportFor)
	done := make(chan struct{})
	d.crash.Go("listener report", func() {
		defer close(done)
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				once(ctx, reportEvery, reportFor)
			}
		}
	})
	return func() {
		cancel()
		<-done
		once(context.Background(), farewellTime, 0)
	}
}

// attempt listens, and opens the tunnel, for those who go on without: what is wrong is logged, and told by the status. A
// tunnel that carries records does without the listener.
func (d *door) attempt(to app.Backend) {
	l, err := d.open(to)
	if d.passage != nil {
		defer d.passage.attempt(to, l)
	}
	switch {
	case err != nil:
		d.log.Warn("no webhooks can arrive", "err", err)
	case l.Moved() != "":
		d.log.Warn("the listener moved to "+l.URL(), "why", l.Moved())
	}
}

// moved says why this process's listener isn't where it was wanted, or nothing. owner is the listener of the store's owner,
// which may be the one in the way: then nothing is lost, since both deliver to the same store.
func (d *door) moved(owner app.ListenerStatus) string {
	s := d.status()
	if s.URL == "" || s.Problem == "" {
		return ""
	}
	if owner.URL == "http://"+d.cfg.Listen && owner.URL != s.URL {
		return d.cfg.Listen + " is taken by another Greenroom on the same data, which goes on receiving there"
	}
	return s.Problem
}

// status is for the hub and the screen.
func (d *door) status() app.ListenerStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return app.ListenerStatus{Problem: d.problem}
	}
	return d.listener.Status()
}

// close ends the tunnel and then the listener.
func (d *door) close() error {
	if d.passage != nil {
		d.passage.close()
	}
	d.mu.Lock()
	l, unreport := d.listener, d.unreport
	d.listener, d.unreport = nil, nil
	d.mu.Unlock()
	if unreport != nil {
		unreport()
	}
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := l.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// access makes this process's listener the owner's whenever this process is the owner. ensure says whether becoming the
// owner opens it.
func (d *door) access(ensure bool) access {
	return access{
		stay: true, log: d.log, crash: d.crash,
		owns: func(_ context.Context, h *hub.Hub) {
			if ensure {
				d.attempt(h)
			}
			h.SetListener(d.status)
		},
		loses: func() {
			if err := d.close(); err != nil {
				d.log.Warn("the listener did not close well", "err", err)
			}
		},
	}
}

package inlet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/web"
	"greenroom/internal/web/page"
)

// closeTime is how long requests under way may take when the listener closes.
const closeTime = 300 * time.Millisecond

// Listener is this process's listener for webhooks. It delivers to the owner of the store, which may be this process or
// another one, and reports its own status there.
type Listener struct {
	opt    web.Options
	tunnel *Tunnel
	log    *slog.Logger
	crash  *crash.Group

	mu       sync.Mutex
	listener *web.Listener
	problem  string
	// unreport ends the reports about the listener.
	unreport func()
}

// NewListener returns a Listener that is not open yet. Open sets the Ingest of the options. The tunnel makes the listener public; it may
// be nil.
func NewListener(o web.Options, t *Tunnel) *Listener {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if t != nil {
		o.Hosts, o.SenderHeader = t.hosts, t.senderHeader
		o.Router = t.opt.Router
	}
	return &Listener{opt: o, tunnel: t, log: o.Log, crash: o.Crash}
}

// Open listens and delivers to b. It returns the same listener while that is open.
func (l *Listener) Open(b app.Backend) (*web.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != nil {
		return l.listener, nil
	}
	o := l.opt
	o.Ingest, o.Catch = b, newCatches().find(context.Background(), b)
	o.Pages = page.New(page.Options{Backend: b, Log: o.Log})
	opened, err := web.Listen(o)
	if err != nil {
		l.problem = err.Error()
		return nil, err
	}
	l.listener, l.problem = opened, ""
	l.unreport = l.report(b, opened)
	return opened, nil
}

// TryOpen opens the listener and the tunnel. Errors are logged, and shown in the status. A tunnel that carries records opens even
// without the listener.
func (l *Listener) TryOpen(b app.Backend) {
	opened, err := l.Open(b)
	if l.tunnel != nil {
		defer l.tunnel.tryOpen(b, opened)
	}
	switch {
	case err != nil:
		l.log.Warn("no webhooks can arrive", "err", err)
	case opened.Moved() != "":
		l.log.Warn("the listener moved to "+opened.URL(), "why", opened.Moved())
	}
}

// report reports the listener's status to the owner of the store: the owner may be a program without a listener, such as
// event tail. It returns a function that ends the reports and withdraws the last one.
func (l *Listener) report(b app.Backend, opened *web.Listener) (end func()) {
	source := "listener-" + rand.Text()
	once := func(ctx context.Context, limit, lease time.Duration) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		s := opened.Status()
		if _, err := b.ReportTunnel(ctx, app.TunnelReport{Source: source, Listener: &s, Lease: lease}); err != nil {
			l.log.Debug("could not report the listener's status", "err", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	once(ctx, reportEvery, reportLease)
	done := make(chan struct{})
	l.crash.Go("listener report", func() {
		defer close(done)
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				once(ctx, reportEvery, reportLease)
			}
		}
	})
	return func() {
		cancel()
		<-done
		once(context.Background(), withdrawTime, 0)
	}
}

// Moved returns why the listener doesn't have the configured address, or "". owner is the listener of the store's owner: if that has the
// address nothing is lost, because both deliver to the same store.
func (l *Listener) Moved(owner app.ListenerStatus) string {
	s := l.Status()
	if s.URL == "" || s.Problem == "" {
		return ""
	}
	if owner.URL == "http://"+l.opt.Addr && owner.URL != s.URL {
		return l.opt.Addr + " is in use by another Greenroom with the same data, which continues to receive there"
	}
	return s.Problem
}

// Status returns the listener's status.
func (l *Listener) Status() app.ListenerStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		return app.ListenerStatus{Problem: l.problem}
	}
	return l.listener.Status()
}

// Close closes the tunnel and then the listener.
func (l *Listener) Close() error {
	if l.tunnel != nil {
		l.tunnel.Close()
	}
	l.mu.Lock()
	opened, unreport := l.listener, l.unreport
	l.listener, l.unreport = nil, nil
	l.mu.Unlock()
	if opened == nil {
		return nil
	}
	unreport()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := opened.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Backend returns b with this process's listener in its Status if the owner of the store has none.
func (l *Listener) Backend(b app.Backend) app.Backend { return listening{b, l} }

type listening struct {
	app.Backend
	listener *Listener
}

// Status implements [app.Backend].
func (b listening) Status(ctx context.Context, q app.StatusQuery) (app.Status, error) {
	s, err := b.Backend.Status(ctx, q)
	if err == nil && s.Listener.URL == "" {
		if own := b.listener.Status(); own.URL != "" || own.Problem != "" {
			s.Listener = own
		}
	}
	return s, err
}

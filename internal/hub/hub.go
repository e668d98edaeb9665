// Package hub holds the use cases: what the screen, the commands and the listener call. It satisfies [app.Backend]
// in-process.
//
// A webhook that [Hub.Ingest] answered with 2xx is on disk together with its effect, and a change is published only after that.
// A single failed call to a platform decides nothing about a meeting.
//
// Background readers (presence, expiry) run only between [Hub.Start] and Close; short-lived programs don't need them.
package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"

	"greenroom/internal/app"
	"greenroom/internal/crash"
	"greenroom/internal/hub/downloads"
	"greenroom/provider"
	"greenroom/store"
)

// Account is one configured account with its provider.
type Account struct {
	provider.Account
	Provider provider.Provider
	// Unusable is why the account can't be used, nil if it can. Such an account needs no Provider, and has no calls, readers or
	// recordings; it is shown, and its webhooks are kept unverified.
	Unusable *app.Error
	// Default marks the account for its platform's meetings if several are configured.
	Default bool
	// AutoDownload downloads the account's recordings automatically, DeleteAfter deletes them from the platform after
	// verification.
	AutoDownload, DeleteAfter bool
}

// Options configure a hub.
type Options struct {
	// Store configures the store. OnCommit, Now and Crash are set by the hub.
	Store store.Options
	// Accounts in the order of the configuration.
	Accounts []Account
	Policy   Policy
	// Drivers are the drivers of the program's platforms. Hints name the variables that configure an account.
	Drivers []provider.Driver
	// Downloads configures the downloads of recordings.
	Downloads downloads.Config
	// Buckets finds recordings in the user's buckets; nil without any.
	Buckets Buckets
	// Forwarder sends events to the targets of forwards; nil if this program forwards nothing.
	Forwarder Forwarder
	// Forwards are the forwards in the configuration.
	Forwards []app.ForwardSpec
	Version  string
	// Tunnel is the configured driver, "none" or empty for none. Status shows it while no process has it open.
	Tunnel string
	// Lead is how long before its start a booking's meeting is created, [app.DefaultLead] if 0.
	Lead time.Duration
	// Listen is the configured address of the listener. Addresses of pages use it while nothing listens.
	Listen string
	// HostName is the inviting name that guests see; empty for that of a host in the meeting.
	HostName string
	// Calls are the programs to run for notifications.
	Calls []CallRule
	// ReadCalendar reads calendars; nil if this program reads none.
	ReadCalendar CalendarReader
	// Clock, Log and Crash may be nil.
	Clock clockwork.Clock
	Log   *slog.Logger
	Crash *crash.Group
}

// Hub is the application. It is safe for concurrent use.
type Hub struct {
	opt   Options
	store *store.Store
	bus   *bus
	clock clockwork.Clock
	log   *slog.Logger
	crash *crash.Group

	accounts map[string]*account
	order    []*account

	locks     keyedMutex // one request at a time about a room, a recording or a download
	open      unendedCache
	links     links
	ids       ids
	downloads *downloads.Queue
	app.Downloads
	forwards  forwards
	causes    *rate.Limiter
	bookings  *bookings
	calls     *calls
	callRules atomic.Pointer[[]CallRule] // of a reload
	calendars calendars

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	started atomic.Bool

	mu       sync.Mutex
	listener func() app.ListenerStatus
	pollers  map[string]app.PollerStatus
	since    app.Time

	tunnels tunnels
	// listeners are the listeners of other processes.
	listeners listeners
	// missed counts the times at which webhooks may have been missed.
	missed atomic.Uint64
}

// account is an Account with its state.
type account struct {
	Account
	mu      sync.Mutex
	lastErr error
	okAt    app.Time
	eventAt app.Time
	hook    webhook

	// listedAt is when its recordings were last listed; lists admits one reader of the list at a time.
	listedAt time.Time
	lists    chan struct{}
}

var _ app.Backend = (*Hub)(nil)

// Open opens the store and returns a hub.
func Open(o Options) (*Hub, error) {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Crash == nil {
		o.Crash = &crash.Group{}
	}
	h := &Hub{
		opt: o, bus: &bus{crash: o.Crash}, clock: o.Clock, log: o.Log, crash: o.Crash,
		accounts: make(map[string]*account), pollers: make(map[string]app.PollerStatus),
		since: app.At(o.Clock.Now()), causes: rate.NewLimiter(causeRate, causeBurst),
	}
	for _, a := range o.Accounts {
		if a.Unusable != nil {
			a.disable()
		}
		if a.Provider == nil || h.accounts[a.Name] != nil {
			return nil, fmt.Errorf("hub: account %q is without a provider or named twice", a.Name)
		}
		acct := &account{Account: a, lists: make(chan struct{}, 1)}
		h.accounts[a.Name] = acct
		h.order = append(h.order, acct)
	}
	h.forwards.h, h.calendars.h = h, h
	h.calls = newCalls(h)
	h.bookings = newBookings(h, cmp.Or(o.Lead, app.DefaultLead))
	so := o.Store
	so.OnCommit, so.Now, so.Crash = h.publish, o.Clock.Now, o.Crash
	var err error
	if h.store, err = store.Open(so); err != nil {
		return nil, openError(err)
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.downloads = newDownloads(h)
	h.Downloads = h.downloads
	for _, a := range h.order {
		if err := errors.Join(h.recallLastEvent(a), h.openWebhook(a)); err != nil {
			h.cancel()
			return nil, errors.Join(err, h.store.Close())
		}
	}
	return h, nil
}

func openError(err error) error {
	e := &app.Error{Kind: provider.Unavailable, Text: err.Error(), Err: err}
	switch {
	case errors.Is(err, store.ErrInUse):
		e.Kind, e.Hint = app.Busy, "another Greenroom holds it; close that one or use another --data-dir"
	case errors.Is(err, store.ErrReadOnly):
		e.Kind = app.NotConfigured
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Hint = diskHint(err)
	case errors.Is(err, store.ErrNewer):
		e.Kind, e.Hint = app.NotConfigured, "update Greenroom, or use another --data-dir"
	}
	return e
}

func (h *Hub) recallLastEvent(a *account) error {
	page, err := h.store.Events(h.ctx, app.EventQuery{Account: a.Name, Verdict: provider.Verified, Limit: 1})
	if err == nil && len(page.Events) > 0 {
		a.eventAt = page.Events[0].At
	}
	return err
}

// Start starts the background readers.
func (h *Hub) Start() {
	if h.started.Swap(true) {
		return
	}
	if err := h.noteAuto(h.ctx); err != nil {
		h.log.Error("could not store the start time of automatic downloads", "err", err)
	}
	if err := h.emptyTrash(h.ctx); err != nil {
		h.log.Error("a deletion could not be made permanent", "err", err)
	}
	h.goes("downloads", h.downloads.Serve)
	h.goes("programs", h.downloads.Programs().Serve)
	if h.opt.Forwarder != nil {
		h.forwards.serve()
	}
	if h.opt.Buckets != nil {
		h.goes("buckets", func() { h.opt.Buckets.Watch(h.ctx, h.ObserveObjects, h.noteReader) })
		h.every(time.Second, "recordings of buckets", (&settler{hub: h}).turn)
	}
	for _, a := range h.order {
		if a.Unusable != nil {
			continue
		}
		if h.opt.Tunnel == "" || h.opt.Tunnel == noDriver {
			if err := a.hook.Retire(h.ctx); err != nil {
				h.log.Error("the end of a webhook's secret could not be stored", "account", a.Name, "err", err)
			}
		}
		h.every(time.Second, "presence of "+a.Name, newPresencePoller(h, a).turn)
		h.every(time.Second, "ends of "+a.Name, newEndWatcher(h, a).turn)
		if c, ok := newCaretaker(h, a); ok {
			h.goes("lasting rooms of "+a.Name, c.run)
		}
		if s, ok := newSweeper(h, a); ok {
			h.every(time.Second, "rooms in use of "+a.Name, s.turn)
		}
		if r, ok := newAutoRecorder(h, a); ok {
			h.every(time.Second, "recorder of "+a.Name, r.turn)
		}
		if p, ok := newRecordingPoller(h, a); ok {
			h.every(time.Second, "recordings of "+a.Name, p.turn)
		}
		if a.hook.Registers() {
			h.goes("webhook of "+a.Name, a.hook.Run)
		}
		if r, ok := newHistorian(h, a); ok {
			h.every(time.Second, "history of "+a.Name, r.turn)
		}
	}
	h.goes("bookings", h.bookings.run)
	h.calls.start()
	if h.opt.ReadCalendar != nil {
		h.every(time.Minute, "calendars", func(ctx context.Context) { h.calendars.refresh(ctx, readEvery) })
	}
}

// goes starts a goroutine whose end Close waits for.
func (h *Hub) goes(name string, f func()) { h.crash.GoIn(&h.running, name, f) }

// Close stops the readers, completes waiting writes, and closes the store and every subscription.
func (h *Hub) Close() error {
	h.downloads.Close()
	h.cancel()
	h.tunnels.stop()
	h.forwards.close()
	h.running.Wait()
	err := h.store.Close()
	h.bus.close()
	return err
}

// Subscribe streams what changes; see [app.Backend].
func (h *Hub) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	return h.bus.subscribe(ctx, h.completed), nil
}

// SetListener sets the function that returns the listener's status, nil for none.
func (h *Hub) SetListener(status func() app.ListenerStatus) {
	h.mu.Lock()
	h.listener = status
	h.mu.Unlock()
	h.bus.publish([]app.Change{{Kind: app.StatusChange}})
}

// now returns the time as it is stored, in milliseconds.
func (h *Hub) now() app.Time { return app.At(h.clock.Now().Truncate(time.Millisecond)) }

// keyedMutex is a mutex for each key in use.
type keyedMutex struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	sync.Mutex
	users int
}

func (k *keyedMutex) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = make(map[string]*keyedLock)
	}
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
		k.mu.Unlock()
	}
}

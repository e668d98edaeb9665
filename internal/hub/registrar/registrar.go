// Package registrar keeps the webhook of an account registered with its platform, and stores the secrets that sign it.
//
// Promises:
//   - A webhook that isn't ours stays unless the user asks for its replacement.
//   - A secret is stored before the platform gets it, so that every webhook can be verified.
//   - A URL is stored before the platform gets it, so that a webhook is recognised as ours after a lost answer.
package registrar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// Every is how often a webhook is checked on its platform while the tunnel is live: platforms stop after failures, and other
	// programs may change it.
	Every = 10 * time.Minute
	// hookAgain is the wait after the first failure, which doubles up to Every.
	hookAgain = 15 * time.Second
	// hookTime bounds one check with its change: the platform tests the address during it.
	hookTime = time.Minute
)

// Options configure a [Hook]. All are required.
type Options struct {
	Account provider.Account
	// Provider is the account's. It may be a [provider.WebhookRegistrar].
	Provider provider.Provider
	Store    *store.Store
	// Write updates the store. Its errors have kinds.
	Write func(ctx context.Context, f func(tx *store.Tx) error) error
	// Context ends with the hub.
	Context context.Context
	Clock   clockwork.Clock
	Log     *slog.Logger
	// Target returns where the platform should post to, false while no tunnel is live.
	Target func() (Target, bool)
	// Changed is called after the state for [Hook.Status] has changed, Registered after the webhook was created or changed.
	Changed, Registered func()
}

// Target is where an account's platform should post to.
type Target struct {
	URL string
	// Patient asks for retries, since the tunnel stores nothing while this machine is off.
	Patient bool
}

// Hook is the webhook of one account. It registers the webhook on the platform, changes it with the public URL, and reactivates it if
// the platform has stopped it. It is safe for concurrent use.
type Hook struct {
	Options
	api  provider.WebhookRegistrar // nil if webhooks are entered by hand
	wake chan struct{}
	wait time.Duration // of run alone

	registering sync.Mutex // one check of the platform's webhooks at a time
	// put is the webhook that the platform got last, answer its answer; registering guards them.
	put    provider.WebhookSpec
	answer provider.Registration

	mu         sync.Mutex
	record     record
	registered *app.RegisteredWebhook
}

// Open returns a hook with its stored record.
func Open(o Options) (*Hook, error) {
	h := &Hook{Options: o, wake: make(chan struct{}, 1)}
	h.api, _ = o.Provider.(provider.WebhookRegistrar)
	return h, h.recall()
}

// Registers reports whether the platform's webhooks can be registered from here.
func (h *Hook) Registers() bool { return h.api != nil }

// Wake makes Run check the webhook now.
func (h *Hook) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run keeps the webhook registered until the hub closes.
func (h *Hook) Run() {
	ctx := h.Context
	timer := h.Clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
			h.wait = 0
		case <-timer.Chan():
		}
		timer.Stop()
		target, live := h.Target()
		if !live {
			continue
		}
		_, err := h.ensure(ctx, target, false)
		if ctx.Err() != nil {
			return
		}
		timer.Reset(h.next(err))
	}
}

// next returns the time until the next check: short if the failure may be temporary.
func (h *Hook) next(err error) time.Duration {
	if err == nil || errors.Is(err, provider.Forbidden) || errors.Is(err, provider.Unauthenticated) || errors.Is(err, provider.Conflict) {
		h.wait = 0
		return Every
	}
	h.wait = min(max(2*h.wait, hookAgain), Every)
	return max(h.wait, provider.RetryAfter(err))
}

// ensure registers or repairs the account's webhook and stores its state for Status.
func (h *Hook) ensure(ctx context.Context, t Target, replace bool) (app.RegisteredWebhook, error) {
	h.registering.Lock()
	defer h.registering.Unlock()
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	changed, err := h.settle(ctx, t, replace)
	if ctx.Err() != nil && h.Context.Err() != nil {
		return app.RegisteredWebhook{}, err
	}
	now := app.RegisteredWebhook{Account: h.Account.Name, URL: t.URL, At: app.At(h.Clock.Now().Truncate(time.Millisecond)), State: app.WebhookRegistered}
	foreign, isForeign := errors.AsType[*foreignWebhook](err)
	switch {
	case isForeign:
		now.State, now.Foreign, now.Problem, now.Hint = app.WebhookForeign, foreign.url, foreign.Error(), foreign.hint()
	case err != nil:
		now.State, now.Problem, now.Hint = app.WebhookFailing, err.Error(), provider.HintOf(err)
		h.Log.Warn("the webhook could not be registered", "account", h.Account.Name, "host", hostOf(t.URL), "err", err)
	case changed:
		h.Log.Info("the webhook was registered", "account", h.Account.Name, "host", hostOf(t.URL))
	}
	if h.noteRegistration(now) {
		h.Changed()
	}
	if changed && err == nil {
		h.Registered()
	}
	return now, err
}

// settle creates or changes the webhook if necessary, and reports whether it did.
func (h *Hook) settle(ctx context.Context, t Target, replace bool) (changed bool, err error) {
	if u, err := url.Parse(t.URL); err == nil && Local(u.Hostname()) && !h.isLocal() {
		return false, &app.Error{Kind: provider.Invalid, Text: u.Host + " can be reached only from this machine", Platform: h.Account.Platform}
	}
	list, err := h.api.Webhooks(ctx)
	if err != nil {
		return false, err
	}
	// A webhook is recognised only by its address: a program that takes it over changes the address and keeps the id.
	known := h.webhook()
	at := slices.IndexFunc(list, func(w provider.Registration) bool { return w.URL == t.URL })
	if at < 0 {
		at = slices.IndexFunc(list, func(w provider.Registration) bool {
			return w.URL != "" && (w.URL == known.URL || w.URL == known.Asked)
		})
	}
	ours := at >= 0
	switch {
	case !ours && len(list) > 0 && !replace:
		foreign := &foreignWebhook{account: h.Account.Name, url: bare(list[0].URL)}
		return false, errors.Join(foreign, h.Retire(ctx))
	case !ours && len(list) > 0:
		at = 0
	}
	shown := ""
	if ours {
		shown = list[at].Secret
	}
	secret, err := h.secret(ctx, shown)
	if err != nil {
		return false, err
	}
	spec := provider.WebhookSpec{URL: t.URL, Secret: secret, Patient: t.Patient}
	if ours && h.current(list[at], spec) {
		return false, h.keep(ctx, list[at])
	}
	// The URL is stored first, since the answer may be lost and the public URL may have changed by then.
	if err := h.keepRecord(ctx, func(w *record) { w.Asked = t.URL }); err != nil {
		return false, err
	}
	var done provider.Registration
	if len(list) == 0 {
		done, err = h.api.RegisterWebhook(ctx, spec)
	} else {
		done, err = h.api.UpdateWebhook(ctx, list[at].ID, spec)
	}
	if err != nil {
		return false, err
	}
	h.put, h.answer = spec, done
	return true, h.keep(ctx, done)
}

// keep stores which webhook is ours.
func (h *Hook) keep(ctx context.Context, done provider.Registration) error {
	return h.keepRecord(ctx, func(w *record) { w.URL, w.Asked = done.URL, "" })
}

// current reports whether a webhook needs no change. If a platform shows something else than it got, but the same as after the last
// change, another change would have no effect. h.registering is held.
func (h *Hook) current(is provider.Registration, want provider.WebhookSpec) bool {
	if is.Failed || is.URL != want.URL {
		return false
	}
	if is.Patient == want.Patient && cmp.Or(is.Secret, want.Secret) == want.Secret {
		return true
	}
	return h.put == want && h.answer.ID == is.ID && h.answer.Patient == is.Patient && h.answer.Secret == is.Secret
}

// secret returns the secret of the webhook: the configured one; else the one that the platform shows for our webhook, which another
// Greenroom at the same address may have created; else the created or a new one. It is accepted here before the platform gets it.
func (h *Hook) secret(ctx context.Context, shown string) (string, error) {
	want := cmp.Or(h.Account.WebhookSecret, shown, h.webhook().Secret)
	if want == "" {
		var err error
		if want, err = h.api.NewWebhookSecret(); err != nil {
			return "", fmt.Errorf("make a secret for the webhook of %s: %w", h.Account.Name, err)
		}
	}
	created := want
	if want == h.Account.WebhookSecret {
		created = "" // it is configured
	}
	return want, h.keepRecord(ctx, func(w *record) { w.use(created, h.Clock.Now()) })
}

// foreignWebhook means that the platform has a webhook that isn't ours.
type foreignWebhook struct{ account, url string }

func (f *foreignWebhook) Error() string {
	return fmt.Sprintf("the webhook of %s posts to %s, which was not registered from here", f.account, f.url)
}

func (f *foreignWebhook) hint() string {
	return fmt.Sprintf("it was not changed; `greenroom tunnel register %s --replace` replaces it, and its receiver then gets no more "+
		"webhooks", f.account)
}

// Is makes the error a conflict.
func (f *foreignWebhook) Is(target error) bool { return target == provider.Conflict }

// bare returns a URL without the parts that may hold secrets.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "another address"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// hostOf returns the part of a URL that may be logged: anyone who knows the whole URL can post to it.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// isLocal reports whether the account's API is on this machine or its network, so that it reaches local addresses.
func (h *Hook) isLocal() bool {
	u, err := url.Parse(h.Account.APIURL)
	return err == nil && Local(u.Hostname())
}

// noteRegistration stores the state for Status, and reports whether it differs from the last one.
func (h *Hook) noteRegistration(now app.RegisteredWebhook) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.registered
	h.registered = &now
	if was == nil {
		return true
	}
	same := *was
	same.At = now.At
	return same != now
}

// Local reports whether a host is this machine or in its network.
func Local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}

// Status returns the state of the webhook at a public URL, nil while the URL is empty or the webhook is being checked.
func (h *Hook) Status(url string) *app.RegisteredWebhook {
	if url == "" {
		return nil
	}
	if h.api == nil {
		return &app.RegisteredWebhook{Account: h.Account.Name, URL: url, State: app.WebhookByHand, Hint: h.Provider.Traits().WebhookPlace}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.registered == nil || h.registered.URL != url {
		return nil
	}
	now := *h.registered
	return &now
}

// Register registers the webhook now. Errors: [provider.Unsupported] if it is entered by hand, [provider.Conflict] for a webhook
// that isn't ours unless replace is set, [app.NotConfigured] while no tunnel is live.
func (h *Hook) Register(ctx context.Context, replace bool) (app.RegisteredWebhook, error) {
	if h.api == nil {
		return app.RegisteredWebhook{}, &app.Error{
			Kind: provider.Unsupported, Platform: h.Account.Platform, Hint: h.Provider.Traits().WebhookPlace,
			Text: fmt.Sprintf("the webhook of %s can be registered only on the platform itself", h.Account.Name),
		}
	}
	t, live := h.Target()
	if !live {
		return app.RegisteredWebhook{}, app.Errorf(app.NotConfigured, "",
			"there is no public URL for the webhook of %s: the tunnel is not live", h.Account.Name)
	}
	out, err := h.ensure(ctx, t, replace)
	if foreign, ok := errors.AsType[*foreignWebhook](err); ok {
		err = &app.Error{Kind: provider.Conflict, Text: foreign.Error(), Hint: foreign.hint(), Err: err}
	}
	return out, err
}

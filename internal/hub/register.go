package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

const (
	// hookEvery is how often a webhook on its platform is looked at while the tunnel is live: platforms fall silent after
	// failures, and somebody else may change it.
	hookEvery = 10 * time.Minute
	// hookAgain is the wait after the first failure, which doubles up to hookEvery.
	hookAgain = 15 * time.Second
	// hookTime bounds one look with what it changes: the platform tests the address in it.
	hookTime = time.Minute
)

// registrar keeps one account's webhook on its platform posting to the tunnel: it makes one where there is none, changes
// ours when the public URL changes, and takes one that fell silent into service again. It never touches one that isn't ours
// unless somebody says so.
type registrar struct {
	hub     *Hub
	account *account
	api     provider.WebhookRegistrar
	wait    time.Duration
}

func newRegistrar(h *Hub, a *account) (*registrar, bool) {
	api, ok := a.Provider.(provider.WebhookRegistrar)
	return &registrar{hub: h, account: a, api: api}, ok
}

func (r *registrar) run() {
	h := r.hub
	timer := h.clock.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-r.account.wakeRegistrar:
			r.wait = 0
		case <-timer.Chan():
		}
		timer.Stop()
		target, live := h.hookOf(r.account)
		if !live {
			continue
		}
		_, err := r.ensure(h.ctx, target, false)
		if h.ctx.Err() != nil {
			return
		}
		timer.Reset(r.next(err))
	}
}

// next is how long to wait for the next look: not long when waiting may mend what is wrong.
func (r *registrar) next(err error) time.Duration {
	mends := err != nil
	for _, kind := range []provider.Kind{provider.Forbidden, provider.Unauthenticated, provider.Conflict} {
		mends = mends && !errors.Is(err, kind)
	}
	if !mends {
		r.wait = 0
		return hookEvery
	}
	r.wait = min(max(2*r.wait, hookAgain), hookEvery)
	return max(r.wait, retryAfter(err, 0))
}

// hookTarget is where an account's platform shall post to.
type hookTarget struct {
	url string
	// patient asks for retries, since the tunnel keeps nothing while this machine is away.
	patient bool
}

// hookOf is where the account's platform shall post to while the tunnel is live.
func (h *Hub) hookOf(a *account) (hookTarget, bool) {
	_, s := h.tunnelStatus()
	t := hookTarget{url: s.Hooks[a.Name], patient: !s.StoreAndForward}
	return t, s.State == "live" && t.url != ""
}

// ensure brings the account's webhook on its platform into order, and notes how it stands. The error says why it isn't.
func (r *registrar) ensure(ctx context.Context, t hookTarget, replace bool) (app.RegisteredWebhook, error) {
	a, h := r.account, r.hub
	a.registering.Lock()
	defer a.registering.Unlock()
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	changed, err := r.settle(ctx, t, replace)
	if ctx.Err() != nil && h.ctx.Err() != nil {
		return app.RegisteredWebhook{}, err
	}
	now := app.RegisteredWebhook{Account: a.Name, URL: t.url, At: h.now(), State: app.WebhookRegistered}
	var foreign *foreignWebhook
	switch {
	case errors.As(err, &foreign):
		now.State, now.Foreign, now.Problem, now.Hint = app.WebhookForeign, foreign.url, foreign.Error(), foreign.hint()
	case err != nil:
		now.State, now.Problem, now.Hint = app.WebhookFailing, err.Error(), provider.HintOf(err)
		h.log.Warn("the webhook could not be registered", "account", a.Name, "host", hostOf(t.url), "err", err)
	case changed:
		h.log.Info("the webhook was registered", "account", a.Name, "host", hostOf(t.url))
	}
	if a.noteRegistration(now) {
		h.bus.publish([]app.Change{{Kind: app.StatusChange}})
	}
	if changed && err == nil {
		h.readAnew()
	}
	return now, err
}

// settle makes, changes or leaves the webhook, and says whether it did anything.
func (r *registrar) settle(ctx context.Context, t hookTarget, replace bool) (changed bool, err error) {
	if u, err := url.Parse(t.url); err == nil && local(u.Hostname()) && !r.account.isLocal() {
		return false, &app.Error{
			Kind: provider.Invalid, Text: fmt.Sprintf("%s can be reached from this machine alone", u.Host), Platform: r.account.Platform,
		}
	}
	list, err := r.api.Webhooks(ctx)
	if err != nil {
		return false, err
	}
	// A webhook is ours by its address alone: who takes it over changes that, and its id stays what it was.
	known := r.account.webhook()
	at := slices.IndexFunc(list, func(w provider.Registration) bool { return w.URL == t.url })
	if at < 0 {
		at = slices.IndexFunc(list, func(w provider.Registration) bool {
			return w.URL != "" && (w.URL == known.URL || w.URL == known.Asked)
		})
	}
	ours := at >= 0
	switch {
	case !ours && len(list) > 0 && !replace:
		foreign := &foreignWebhook{account: r.account.Name, url: bare(list[0].URL)}
		return false, errors.Join(foreign, r.hub.retireSecret(ctx, r.account))
	case !ours && len(list) > 0:
		at = 0
	}
	told := ""
	if ours {
		told = list[at].Secret
	}
	secret, err := r.secret(ctx, told)
	if err != nil {
		return false, err
	}
	spec := provider.WebhookSpec{URL: t.url, Secret: secret, Patient: t.patient}
	if ours && r.account.asItShould(list[at], spec) {
		return false, r.keep(ctx, list[at])
	}
	// What is asked for is remembered first: the answer may be lost, and the public URL another one then.
	if err := r.hub.keepWebhook(ctx, r.account, func(w *webhookRecord) { w.Asked = t.url }); err != nil {
		return false, err
	}
	var done provider.Registration
	if len(list) == 0 {
		done, err = r.api.RegisterWebhook(ctx, spec)
	} else {
		done, err = r.api.UpdateWebhook(ctx, list[at].ID, spec)
	}
	if err != nil {
		return false, err
	}
	r.account.put, r.account.answer = spec, done
	return true, r.keep(ctx, done)
}

// keep remembers which webhook is ours.
func (r *registrar) keep(ctx context.Context, done provider.Registration) error {
	return r.hub.keepWebhook(ctx, r.account, func(w *webhookRecord) { w.URL, w.Asked = done.URL, "" })
}

// asItShould says whether a webhook needs no change. A platform that tells something else than it was given, or not all of it,
// tells the same again: then it is as it should be, and asking once more would change nothing. a.registering is held.
func (a *account) asItShould(is provider.Registration, want provider.WebhookSpec) bool {
	if is.Failed || is.URL != want.URL {
		return false
	}
	if is.Patient == want.Patient && cmp.Or(is.Secret, want.Secret) == want.Secret {
		return true
	}
	return a.put == want && a.answer.ID == is.ID && a.answer.Patient == is.Patient && a.answer.Secret == is.Secret
}

// secret decides what the webhook is signed with: the configured secret; else the one that the platform tells of ours, which
// another Greenroom at the same address may have made; else one of our own. It is in force here before the platform is
// told.
func (r *registrar) secret(ctx context.Context, told string) (string, error) {
	a, now := r.account, r.hub.clock.Now()
	want := cmp.Or(a.WebhookSecret, told, a.webhook().Secret)
	if want == "" {
		var err error
		if want, err = r.api.NewWebhookSecret(); err != nil {
			return "", fmt.Errorf("make a secret for the webhook of %s: %w", a.Name, err)
		}
	}
	return want, r.hub.keepWebhook(ctx, a, func(w *webhookRecord) {
		if want == a.WebhookSecret {
			w.use("", now)
			return
		}
		w.use(want, now)
	})
}

// foreignWebhook says that the platform has a webhook that isn't ours.
type foreignWebhook struct{ account, url string }

func (f *foreignWebhook) Error() string {
	return fmt.Sprintf("the webhook of %s posts to %s, which was not registered from here", f.account, f.url)
}

func (f *foreignWebhook) hint() string {
	return fmt.Sprintf("it is left alone; `greenroom tunnel register %s --replace` takes it over, and nothing arrives there any more", f.account)
}

// Is makes it a conflict.
func (f *foreignWebhook) Is(target error) bool { return target == provider.Conflict }

// bare is a URL without what may be secret in it.
func bare(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "another address"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// hostOf is what a log may tell of a URL: whoever knows all of it can post there.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// isLocal says whether the account's API is on this machine or near it, so that it reaches what others don't.
func (a *account) isLocal() bool {
	u, err := url.Parse(a.APIURL)
	return err == nil && local(u.Hostname())
}

// noteRegistration remembers how the webhook stands, and says whether that is news.
func (a *account) noteRegistration(now app.RegisteredWebhook) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.registered
	a.registered = &now
	if was == nil {
		return true
	}
	same := *was
	same.At = now.At
	return same != now
}

// registration is how an account's webhook stands, for Status: nil while there is no public URL for it.
func (h *Hub) registration(a *account, hook string) *app.RegisteredWebhook {
	if hook == "" {
		return nil
	}
	if _, can := a.Provider.(provider.WebhookRegistrar); !can {
		return &app.RegisteredWebhook{Account: a.Name, URL: hook, State: app.WebhookByHand, Hint: a.Provider.Traits().WebhookPlace}
	}
	if a.registered == nil || a.registered.URL != hook {
		return nil // it is being looked at
	}
	now := *a.registered
	return &now
}

// RegisterWebhook makes the account's platform post to the tunnel's URL; see [app.Backend].
func (h *Hub) RegisterWebhook(ctx context.Context, req app.WebhookRegistration) (app.RegisteredWebhook, error) {
	a, err := h.accountOf(req.Account)
	if err != nil {
		return app.RegisteredWebhook{}, err
	}
	r, can := newRegistrar(h, a)
	if !can {
		return app.RegisteredWebhook{}, &app.Error{
			Kind: provider.Unsupported, Platform: a.Platform, Hint: a.Provider.Traits().WebhookPlace,
			Text: fmt.Sprintf("the webhook of %s is registered on the platform's own pages alone", a.Name),
		}
	}
	t, live := h.hookOf(a)
	if !live {
		_, s := h.tunnelStatus()
		return app.RegisteredWebhook{}, &app.Error{
			Kind: app.NotConfigured, Text: fmt.Sprintf("there is no public URL for the webhook of %s: the tunnel is not live", a.Name),
			Hint: cmp.Or(s.Reason, openTunnelHint),
		}
	}
	out, err := r.ensure(ctx, t, req.Replace)
	var foreign *foreignWebhook
	if errors.As(err, &foreign) {
		err = &app.Error{Kind: provider.Conflict, Text: foreign.Error(), Hint: foreign.hint(), Err: err}
	}
	return out, err
}

package hub

import (
	"cmp"
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/registrar"
)

// webhook is the webhook of one account on its platform, see package registrar.
type webhook interface {
	// Run keeps it registered while a tunnel is live, Wake makes Run check it now.
	Run()
	Wake()
	Registers() bool
	Register(ctx context.Context, replace bool) (app.RegisteredWebhook, error)
	Status(url string) *app.RegisteredWebhook
	// Accepts lists the created secrets that verify a request of the given time; Secret is the current one.
	Accepts(received time.Time) []string
	Secret() string
	// Retire stops using the created secret where another is configured.
	Retire(ctx context.Context) error
}

// openWebhook opens the stored webhook of an account.
func (h *Hub) openWebhook(a *account) (err error) {
	a.hook, err = registrar.Open(registrar.Options{
		Account: a.Account.Account, Provider: a.Provider, Store: h.store, Write: origin{h}.Write, Context: h.ctx, Clock: h.clock, Log: h.log,
		Target:     func() (registrar.Target, bool) { return h.hookOf(a) },
		Changed:    func() { h.bus.publish([]app.Change{{Kind: app.StatusChange}}) },
		Registered: h.readAgain,
	})
	return err
}

// hookOf returns where the account's platform should post to while the tunnel is live.
func (h *Hub) hookOf(a *account) (registrar.Target, bool) {
	_, s := h.tunnelStatus()
	t := registrar.Target{URL: s.Hooks[a.Name], Patient: !s.StoreAndForward}
	return t, s.State == "live" && t.URL != ""
}

// RegisterWebhook makes the account's platform post to the tunnel's URL; see [app.Backend].
func (h *Hub) RegisterWebhook(ctx context.Context, req app.WebhookRegistration) (app.RegisteredWebhook, error) {
	a, err := h.accountOf(req.Account)
	if err != nil {
		return app.RegisteredWebhook{}, err
	}
	out, err := a.hook.Register(ctx, req.Replace)
	if e, ok := errors.AsType[*app.Error](err); ok && e.Kind == app.NotConfigured && e.Hint == "" {
		_, s := h.tunnelStatus()
		e.Hint = cmp.Or(s.Reason, openTunnelHint)
	}
	return out, err
}

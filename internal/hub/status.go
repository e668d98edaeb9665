package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Status returns the state of all parts.
func (h *Hub) Status(ctx context.Context, _ app.StatusQuery) (app.Status, error) {
	st, err := h.store.Stats(ctx)
	if err != nil {
		return app.Status{}, err
	}
	behind, err := h.behind(ctx)
	if err != nil {
		return app.Status{}, err
	}
	alerts, err := h.downloads.Programs().Alerts(ctx)
	if err != nil {
		return app.Status{}, err
	}
	_, tunnel := h.tunnelStatus()
	h.mu.Lock()
	defer h.mu.Unlock()
	listener := app.ListenerStatus{Problem: "nothing is listening: " + listenHint}
	if h.listener != nil {
		listener = h.listener()
	}
	if other := h.listeners.reported(h.clock.Now()); listener.URL == "" && other.URL != "" {
		listener = other
	}
	s := app.Status{
		Version: h.opt.Version, Downloads: h.downloads.Status(), Listener: listener, Tunnel: tunnel, Accounts: []app.AccountStatus{},
		Store: app.StoreStatus{
			Path: h.store.Path(), Bytes: st.Bytes, FreeBytes: st.FreeBytes, Deliveries: st.Deliveries,
			Schema: st.Schema, Problem: st.Problem, Owner: os.Getpid(), Since: h.since,
		},
		Pollers: append([]app.PollerStatus{}, slices.SortedFunc(maps.Values(h.pollers), func(a, b app.PollerStatus) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name))
		})...),
	}
	s.Downloads.Alerts = alerts
	for i, p := range s.Pollers {
		s.Pollers[i].Behind = p.Name == recordingsPoller && behind[p.Account]
	}
	for _, a := range h.order {
		s.Accounts = append(s.Accounts, h.accountStatus(a, listener.URL, tunnel.Hooks[a.Name]))
	}
	return s, nil
}

func (h *Hub) accountStatus(a *account, listener, hook string) app.AccountStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := app.AccountStatus{
		Name: a.Name, Platform: a.Platform, APIURL: a.APIURL, Health: "unchecked", LastEventAt: a.eventAt, Cannot: reasons(a),
		Detail: "no call has been made yet",
	}
	if a.Unusable == nil {
		traits := a.Provider.Traits()
		s.HostParameter, s.AfterEnd = traits.HostParameter, app.PeopleStay
		if traits.EmptiesRooms {
			s.AfterEnd = app.PeopleRemoved
		}
	}
	s.Registration = a.hook.Status(hook)
	switch {
	case hook != "":
		s.Webhook = hook
	case listener != "":
		s.Webhook = strings.TrimSuffix(listener, "/") + "/hooks/" + a.Name
	}
	switch {
	case a.Unusable != nil:
		s.Health, s.Detail, s.Hint, s.Registration = "failing", a.Unusable.Text, a.Unusable.Hint, nil
	case a.lastErr != nil:
		s.Health, s.Detail, s.Hint = "failing", app.AsError(a.lastErr).Sentence(), provider.HintOf(a.lastErr)
	case a.WebhookSecret == "" && len(a.WebhookSecrets) == 0 && a.hook.Secret() == "":
		s.Health, s.Detail = "no webhook secret", "its webhooks are rejected, because they can't be verified"
		s.Hint = fmt.Sprintf("set webhook_secret for the account %s", a.Name)
		if name := h.variable(a.Name, "webhook_secret"); name != "" {
			s.Hint = "set " + name
		}
		if _, can := a.Provider.(provider.WebhookRegistrar); can && s.Registration == nil {
			s.Hint += ", or open a tunnel: Greenroom then registers the webhook and creates the secret"
		} else if can {
			s.Hint += "; Greenroom creates one when it registers the webhook"
		}
	case !a.okAt.IsZero():
		s.Health, s.Detail = "ok", "the last call succeeded"
	case !a.eventAt.IsZero():
		s.Health, s.Detail = "ok", "webhooks arrive"
	}
	return s
}

// noteCall records whether the account's calls succeed. A refusal about one meeting doesn't count as a failure.
func (h *Hub) noteCall(a *account, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	switch provider.KindOf(err) {
	case provider.NotFound, provider.Conflict, provider.Invalid, provider.Unsupported, provider.NotReady:
		err = nil
	}
	a.mu.Lock()
	was := a.lastErr
	a.lastErr = err
	if err == nil {
		a.okAt = h.now()
	}
	a.mu.Unlock()
	if was == nil && err != nil {
		h.log.Warn("calls to the platform fail", "account", a.Name, "err", err)
	}
	if (was == nil) != (err == nil) {
		h.bus.publish([]app.Change{{Kind: app.StatusChange}})
	}
}

func (h *Hub) notePoller(name string, a *account, err error) {
	p := app.PollerStatus{Name: name, Account: a.Name, LastAt: h.now()}
	if err != nil {
		p.Error = app.AsError(err).Sentence()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pollers[a.Name+" "+name] = p
}

package hub

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub/registrar"
	"greenroom/provider"
)

// Diagnose checks the accounts on their platforms; see [app.Backend].
func (h *Hub) Diagnose(ctx context.Context, q app.DiagnosisQuery) ([]app.Diagnosis, error) {
	accounts := h.order
	if q.Account != "" {
		a := h.accounts[q.Account]
		if a == nil {
			_, err := h.accountOf(q.Account)
			return nil, err
		}
		accounts = []*account{a}
	}
	status, err := h.Status(ctx, app.StatusQuery{})
	if err != nil {
		return nil, err
	}
	out := make([]app.Diagnosis, len(accounts))
	var wg sync.WaitGroup
	buckets := make([][]provider.Check, len(accounts))
	for i, a := range accounts {
		out[i] = app.Diagnosis{Account: a.Name, Platform: a.Platform, Checks: []provider.Check{}}
		if a.Unusable != nil {
			out[i].Checks = append(out[i].Checks, provider.Check{Name: "configuration", Detail: a.Unusable.Text, Hint: a.Unusable.Hint})
			continue
		}
		if b := h.opt.Buckets; b != nil {
			h.crash.GoIn(&wg, "check of the bucket of "+a.Name, func() { buckets[i] = b.Check(ctx, a.Name) })
		}
		if c, ok := a.Provider.(provider.Checker); ok {
			h.crash.GoIn(&wg, "check of "+a.Name, func() { out[i].Checks = append(out[i].Checks, c.Check(ctx)...) })
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Checks = append(out[i].Checks, buckets[i]...)
		for _, s := range status.Accounts {
			if s.Name == out[i].Account && accounts[i].Unusable == nil {
				h.knowSecret(accounts[i], out[i].Checks)
				out[i].Checks = append(append(out[i].Checks, h.checkHook(s)), checkRegistration(s)...)
				out[i].Checks = append(out[i].Checks, h.checkEvents(s))
			}
		}
	}
	if q.Account == "" {
		checks := []provider.Check{h.checkAccounts(), checkListener(status), h.checkTunnel(), h.checkPolicy()}
		if problem := status.Store.Problem; problem != "" {
			checks = append(checks, provider.Check{Name: "store", Detail: problem})
		}
		work, err := h.checkWork(ctx)
		if err != nil {
			return nil, err
		}
		checks = append(checks, work...)
		out = append(out, app.Diagnosis{Checks: checks})
	}
	return out, nil
}

// checkHook returns the URL to which the platform must post, and whether it can reach that.
func (h *Hub) checkHook(s app.AccountStatus) provider.Check {
	c := provider.Check{Name: "webhook URL", OK: true, Detail: s.Webhook}
	u, err := url.Parse(s.Webhook)
	switch {
	case s.Webhook == "":
		c.OK, c.Optional, c.Detail = false, true, "nothing is listening, so there is none"
		c.Hint = listenHint
	case err != nil || u.Scheme != "https" || registrar.Local(u.Hostname()):
		if api, err := url.Parse(s.APIURL); err == nil && registrar.Local(api.Hostname()) {
			break
		}
		c.OK, c.Optional, c.Detail = false, true, s.Webhook+" is reachable from this machine only"
		c.Hint = "open a tunnel; until then presence is polled, which is slower"
	}
	return c
}

// knowSecret corrects a provider's check of the webhook secret if one was created here.
func (h *Hub) knowSecret(a *account, checks []provider.Check) {
	if a.hook.Secret() == "" {
		return
	}
	for i, c := range checks {
		if c.Name == provider.SecretCheck && !c.OK {
			checks[i] = provider.Check{Name: c.Name, OK: true, Detail: "created with the webhook and kept in the store"}
		}
	}
}

// checkRegistration checks the webhook's registration on the platform if there is a public URL for it. A missing webhook is no
// failure, since presence is polled.
func checkRegistration(s app.AccountStatus) []provider.Check {
	r := s.Registration
	if r == nil {
		return nil
	}
	c := provider.Check{Name: "registration", Optional: true, Detail: r.Problem, Hint: r.Hint}
	switch r.State {
	case app.WebhookRegistered:
		c.OK, c.Optional, c.Detail = true, false, "the platform posts to the tunnel"
	case app.WebhookByHand:
		c.OK, c.Optional, c.Detail, c.Hint = true, false, "by hand: "+r.Hint, ""
	}
	return []provider.Check{c}
}

// checkTunnel checks whether platforms can reach the listener.
func (h *Hub) checkTunnel() provider.Check {
	source, t := h.tunnelStatus()
	c := provider.Check{Name: "tunnel", Detail: t.Driver + ", " + t.State}
	if t.Reason != "" {
		c.Detail += ": " + t.Reason
	}
	switch {
	case t.Driver == noDriver:
		c.Optional, c.Detail = true, "none: the listener is reachable from this machine only"
		c.Hint = "choose one under [tunnel] in the configuration, or with greenroom listen --tunnel DRIVER"
	case t.State == "live":
		c.OK, c.Detail = true, t.Driver+", live at "+t.URL
	case t.State == "connecting", source == "":
		c.Optional = true
	}
	return c
}

func (h *Hub) checkEvents(s app.AccountStatus) provider.Check {
	if s.LastEventAt.IsZero() {
		return provider.Check{
			Name: "webhooks", Optional: true, Detail: "none has arrived yet",
			Hint: "register the webhook URL with the platform and check the webhook secret",
		}
	}
	ago := h.clock.Since(s.LastEventAt.Time).Truncate(time.Second)
	return provider.Check{Name: "webhooks", OK: true, Detail: fmt.Sprintf("the last one arrived %s ago", ago)}
}

func (h *Hub) checkAccounts() provider.Check {
	if len(h.order) == 0 {
		return provider.Check{Name: "accounts", Detail: "none is configured", Hint: provider.HowToConfigure(h.opt.Drivers)}
	}
	var names []string
	for _, a := range h.order {
		names = append(names, a.Name)
	}
	return provider.Check{Name: "accounts", OK: true, Detail: strings.Join(names, ", ")}
}

func checkListener(s app.Status) provider.Check {
	if s.Listener.URL == "" {
		return provider.Check{
			Name: "listener", Optional: true, Detail: strings.TrimSuffix(s.Listener.Problem, ": "+listenHint), Hint: listenHint,
		}
	}
	return provider.Check{Name: "listener", OK: true, Detail: "listening on " + s.Listener.URL}
}

// checkPolicy checks the account that the policy chooses for rooms that aren't pinned.
func (h *Hub) checkPolicy() provider.Check {
	choice := h.choose(app.Room{})
	return provider.Check{
		Name: "policy", OK: choice.Problem == "", Hint: choice.Problem,
		Detail: fmt.Sprintf("rooms that aren't pinned to an account use %s: %s%s", choice.Account, choice.Why, h.opt.Policy.listed()),
	}
}

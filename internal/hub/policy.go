package hub

import (
	"fmt"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// choose chooses the account of a room's next meeting. If that can't be used, the choice's Problem is the reason.
func (h *Hub) choose(r app.Room) app.Choice {
	if r.Account != "" {
		c := app.Choice{Account: r.Account, Why: "set on the room"}
		if a := h.accounts[r.Account]; a != nil {
			c.Platform, c.Problem = a.Platform, a.problem()
		} else {
			c.Problem = fmt.Sprintf("account %q is not configured: %s", r.Account, h.howToConfigure(r.Account))
		}
		return c
	}
	if r.Lasting() && len(r.Places) > 0 && h.accounts[r.Places[0].Account] != nil {
		a := h.accounts[r.Places[0].Account]
		return app.Choice{Account: a.Name, Platform: a.Platform, Why: "its lasting link is there", Problem: a.problem()}
	}
	platform, why := h.choosePlatform(r)
	c := app.Choice{Platform: platform, Why: why}
	for _, a := range h.order {
		if a.Platform == platform && (c.Account == "" || a.Default && !h.accounts[c.Account].Default) {
			c.Account = a.Name
		}
	}
	if a := h.accounts[c.Account]; a != nil {
		c.Problem = a.problem()
	}
	if c.Account == "" {
		c.Account = string(platform)
		c.Problem = fmt.Sprintf("no %s account is configured: %s", platform, h.howToConfigure(string(platform)))
	}
	return c
}

// choosePlatform returns the platform of a room that isn't pinned: by the migration if it is set, else by the defaults.
func (h *Hub) choosePlatform(r app.Room) (provider.Platform, string) {
	if platform, why := h.opt.Policy.migrated(r); platform != "" {
		return platform, why
	}
	switch p := h.opt.Policy.DefaultPlatform; {
	case p != "":
		return p, "DEFAULT_VIDEO_PLATFORM is " + string(p)
	case len(h.order) == 1:
		return h.order[0].Platform, "it is the only configured account"
	}
	return lastResort, lastResort.Title() + " is the default"
}

func (h *Hub) howToConfigure(account string) string {
	if name := h.variable(account, "api_key"); name != "" {
		return fmt.Sprintf("set %s, or add [accounts.%s] to the configuration", name, account)
	}
	return fmt.Sprintf("add [accounts.%s] to the configuration", account)
}

// variable returns the environment variable for a key of an account, empty for none.
func (h *Hub) variable(account, key string) string {
	for _, d := range h.opt.Drivers {
		if string(d.Platform) == account {
			return d.Variable(key)
		}
	}
	return ""
}

// usable returns the account of a choice, or why it can't be used.
func (h *Hub) usable(c app.Choice) (*account, error) {
	if a := h.accounts[c.Account]; a != nil && a.Unusable != nil {
		return nil, a.Unusable
	}
	if c.Problem != "" {
		text, hint, _ := strings.Cut(c.Problem, ": ")
		return nil, app.Errorf(app.NotConfigured, hint, "%s", text)
	}
	return h.accounts[c.Account], nil
}

// problem returns why an account can't be used, with the remedy; empty if it can.
func (a *account) problem() string {
	if a.Unusable == nil {
		return ""
	}
	return a.Unusable.Text + ": " + a.Unusable.Hint
}

// accountOf returns an account by its name, or why it can't be used.
func (h *Hub) accountOf(name string) (*account, error) {
	if a := h.accounts[name]; a != nil {
		if a.Unusable != nil {
			return nil, a.Unusable
		}
		return a, nil
	}
	return nil, app.Errorf(app.NotConfigured, h.howToConfigure(name), "account %q is not configured", name)
}

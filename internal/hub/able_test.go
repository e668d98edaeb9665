package hub

import (
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/hub/registrar"
	"greenroom/provider"
)

// explaining is a provider that lacks everything, and knows why of one ability.
type explaining struct{ unusable }

func (explaining) Traits() provider.Traits {
	return provider.Traits{EmptiesRooms: true, HostParameter: "ticket"}
}

func (explaining) WhyNot(a provider.Ability) string {
	if a == provider.AbilityEject {
		return "Acme has doors for that"
	}
	return ""
}

func TestPlatformsExplainThemselves(t *testing.T) {
	h := &Hub{opt: Options{Drivers: []provider.Driver{{
		Platform: "acme", Variables: []provider.Variable{{Name: "ACME_TOKEN", Key: "api_key"}, {Name: "ACME_HOOK", Key: "webhook_secret"}},
	}}}}
	a := &account{Account: Account{Account: provider.Account{Name: "acme", Platform: "acme"}, Provider: explaining{}}, hook: &registrar.Hook{}}
	s := h.accountStatus(a, "", "")
	if s.Cannot[provider.AbilityEject] != "Acme has doors for that" || s.Cannot[provider.AbilityLogo] != "acme cannot do this" {
		t.Errorf("the reasons are %v", s.Cannot)
	}
	if s.AfterEnd != app.PeopleRemoved || s.HostParameter != "ticket" || s.Hint != "set ACME_HOOK" {
		t.Errorf("%+v", s)
	}
	a.Provider = unusable{}
	if s := h.accountStatus(a, "", ""); s.AfterEnd != app.PeopleStay || s.Cannot[provider.AbilityEject] != "acme cannot do this" {
		t.Errorf("without an explanation: %+v", s)
	}
	if got, want := h.howToConfigure("acme"), "set ACME_TOKEN, or add [accounts.acme] to the configuration"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := h.howToConfigure("other"), "add [accounts.other] to the configuration"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := h.checkAccounts().Hint, "set ACME_TOKEN"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	// What can't be used says nothing about its platform.
	a.Unusable = &app.Error{Text: "no key"}
	if s := h.accountStatus(a, "", ""); s.AfterEnd != "" || s.Cannot[provider.AbilityEject] != "no key" {
		t.Errorf("an unusable account: %+v", s)
	}
}

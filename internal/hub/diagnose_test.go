package hub

import (
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// A hook counts as reachable when it is public, or when the platform is on this machine as well.
func TestWhichHooksPlatformsCanReach(t *testing.T) {
	h := &Hub{}
	for _, c := range []struct {
		hook, api string
		ok        bool
		detail    string
	}{
		{"", "", false, "nothing is listening"},
		{"https://gr.example/hooks/daily", "https://api.daily.co/v1", true, "https://gr.example/hooks/daily"},
		{"http://gr.example/hooks/daily", "https://api.daily.co/v1", false, "from this machine only"},
		{"https://127.0.0.1:7070/hooks/daily", "https://api.daily.co/v1", false, "from this machine only"},
		{"http://127.0.0.1:7070/hooks/daily", "http://127.0.0.1:9000/v1", true, "http://127.0.0.1:7070/hooks/daily"},
		{"http://127.0.0.1:7070/hooks/daily", "", false, "from this machine only"},
		{"http://127.0.0.1:7070/hooks/daily", "http://%", false, "from this machine only"},
		{"https://%", "https://api.daily.co/v1", false, "from this machine only"},
	} {
		got := h.checkHook(app.AccountStatus{Webhook: c.hook, APIURL: c.api})
		if got.OK != c.ok || got.Optional == c.ok || !strings.Contains(got.Detail, c.detail) || got.OK == (got.Hint != "") {
			t.Errorf("%s of a platform at %s: %+v", c.hook, c.api, got)
		}
	}
}

// A tunnel that isn't live says why, and is a failure unless it is on its way.
func TestWhatADiagnosisSaysOfTheTunnel(t *testing.T) {
	b := newBench(t)
	if c := b.checkTunnel(); c.OK || !c.Optional || c.Hint == "" {
		t.Errorf("without one: %+v", c)
	}
	for _, c := range []struct {
		state, reason string
		ok, optional  bool
		detail        string
	}{
		{"live", "", true, false, "manual, live at https://a.example"}, {"connecting", "", false, true, "manual, connecting"},
		{"degraded", "", false, false, "manual, degraded"}, {"degraded", "no route", false, false, "manual, degraded: no route"},
	} {
		r := live("a", "https://a.example")
		r.Status.State, r.Status.Reason = c.state, c.reason
		b.report(r)
		if got := b.checkTunnel(); got.OK != c.ok || got.Optional != c.optional || got.Detail != c.detail {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// A diagnosis of an account has its own webhook's checks, and none where it can't be used. Secrets made with the webhook count.
func TestTheChecksOfAnAccount(t *testing.T) {
	b := newBench(t)
	b.close()
	b.accounts = append(b.accounts,
		Account{Account: provider.Account{Name: "other", Platform: provider.Daily}, Provider: b.platform},
		Account{Account: provider.Account{Name: "bad", Platform: provider.Daily}, Provider: b.platform})
	b.open()
	b.Hub.accounts["bad"].Unusable = &app.Error{Kind: app.NotConfigured, Text: "no key", Hint: "set it"}
	b.event(join("office", "ada", t0)) // at the first account
	all, err := b.Diagnose(t.Context(), app.DiagnosisQuery{})
	if err != nil || len(all) != 4 {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, want := range []string{"webhook URL,webhooks", "webhook URL,webhooks", "configuration"} {
		var names []string
		for _, c := range all[i].Checks {
			names = append(names, c.Name)
			if c.Name == "webhooks" && c.OK != (i == 0) {
				t.Errorf("%s: %+v", all[i].Account, c)
			}
		}
		if got := strings.Join(names, ","); got != want {
			t.Errorf("%s has %s, not %s", all[i].Account, got, want)
		}
	}
	secret := []provider.Check{{Name: provider.SecretCheck, Hint: "set it"}, {Name: "other"}}
	if b.knowSecret(b.order[1], secret); secret[0].OK {
		t.Error("the check of a missing secret is corrected")
	}
}

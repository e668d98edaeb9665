package provider_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"greenroom/provider"
)

// opened records the account that a driver was asked to open.
type opened struct {
	provider.Provider
	account provider.Account
}

func driver(p provider.Platform) provider.Driver {
	return provider.Driver{
		Platform: p, DefaultURL: "https://" + string(p) + ".example/v1",
		Open: func(a provider.Account, _ http.RoundTripper) (provider.Provider, error) {
			return opened{account: a}, nil
		},
	}
}

func TestRegistry(t *testing.T) {
	r, err := provider.NewRegistry(driver(provider.Whereby), driver(provider.Daily))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Platforms()); got != "[daily whereby]" {
		t.Errorf("platforms %s", got)
	}
	if d, err := r.Driver(provider.Daily); err != nil || d.Platform != provider.Daily {
		t.Errorf("%+v, %v", d, err)
	}
	for url, want := range map[string]string{"": "https://daily.example/v1", "http://127.0.0.1:1/v1": "http://127.0.0.1:1/v1"} {
		p, err := r.Open(provider.Account{Name: "work", Platform: provider.Daily, APIURL: url}, nil)
		if err != nil || p.(opened).account.APIURL != want {
			t.Errorf("%q opened %+v, %v", url, p, err)
		}
	}
	_, err = r.Open(provider.Account{Platform: "zoom"}, nil)
	if !errors.Is(err, provider.Unsupported) || !strings.Contains(err.Error(), `"zoom"`) || !strings.Contains(err.Error(), "available: daily, whereby") {
		t.Errorf("an unknown platform: %v", err)
	}
}

func TestRegistryRefuses(t *testing.T) {
	for name, drivers := range map[string][]provider.Driver{
		"twice":       {driver(provider.Daily), driver(provider.Daily)},
		"no platform": {driver("")},
		"no open":     {{Platform: provider.Daily}},
	} {
		if r, err := provider.NewRegistry(drivers...); err == nil || r != nil {
			t.Errorf("%s passes", name)
		}
	}
	if _, err := provider.NewRegistry(driver(provider.Daily), driver(provider.Daily)); !strings.Contains(err.Error(), `"daily"`) {
		t.Errorf("the error does not name the platform: %v", err)
	}
}

func TestAccountPrintsNoSecret(t *testing.T) {
	a := provider.Account{
		Name: "work", Platform: provider.Daily, APIKey: "hush", APISecret: "hush", WebhookSecret: "hush",
		WebhookSecrets: []string{"hush"}, Recording: provider.RecordingTarget{AccessKeySecret: "hush"},
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, v := range []any{a, &a, []provider.Account{a}, map[string]provider.Account{"x": a}} {
			if s := fmt.Sprintf(format, v); strings.Contains(s, "hush") {
				t.Errorf("%s prints %s", format, s)
			}
		}
	}
	if a.String() != "work (daily)" {
		t.Errorf("printed as %s", a)
	}
}

func TestDriversNameTheirVariables(t *testing.T) {
	acme := provider.Driver{Platform: "acme", Variables: []provider.Variable{
		{Name: "ACME_HOOK", Key: "webhook_secret"}, {Name: "ACME_URL", Key: "api_url"}, {Name: "ACME_TOKEN", Key: "api_key"},
	}}
	if got := fmt.Sprint(acme.Credentials(), acme.Variable("api_url"), acme.Variable("region")); got != "[ACME_TOKEN ACME_HOOK]ACME_URL" {
		t.Errorf("%s", got)
	}
	other := provider.Driver{Variables: []provider.Variable{{Name: "OTHER_KEY", Key: "api_key"}}}
	for want, drivers := range map[string][]provider.Driver{
		"set ACME_TOKEN, OTHER_KEY or OTHER_KEY":   {acme, other, other},
		"set ACME_TOKEN or OTHER_KEY":              {acme, {}, other},
		"set OTHER_KEY":                            {other},
		"add [accounts.NAME] to the configuration": {{}},
	} {
		if got := provider.HowToConfigure(drivers); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

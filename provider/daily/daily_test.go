package daily_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
)

const (
	apiKey = "daily-key-0123456789"
	// hmacKey, and the vectors made with it, come from Daily's documentation and recordings.
	hmacKey = "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="
)

var began = time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)

func account() provider.Account {
	return provider.Account{Name: "daily", Platform: provider.Daily, APIKey: apiKey, WebhookSecret: hmacKey}
}

// on returns a provider that calls a script.
func on(t *testing.T, a provider.Account, answers map[string][]providertest.Answer) (*daily.Provider, *providertest.Script, *providertest.Clock) {
	t.Helper()
	s := providertest.NewScript(t, answers)
	clock := providertest.NewClock(began)
	a.APIURL = s.URL
	p, err := daily.New(a, daily.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return p, s, clock
}

// with returns a provider that makes no calls.
func with(t testing.TB, a provider.Account) *daily.Provider {
	t.Helper()
	p, err := daily.New(a, daily.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type answers = map[string][]providertest.Answer

func refusal(status int, body string) providertest.Answer {
	return providertest.Answer{Status: status, Body: body}
}

func TestDriver(t *testing.T) {
	d := daily.Driver()
	if d.Platform != provider.Daily || d.DefaultURL != "https://api.daily.co/v1" {
		t.Errorf("%+v", d)
	}
	p, err := d.Open(account(), nil)
	if err != nil || p.Platform() != provider.Daily {
		t.Fatal(p, err)
	}
	want := provider.Traits{
		PresenceLag: 25 * time.Second, PresenceEvery: 10 * time.Second,
		NamesRooms: true, HistoryGrain: 15 * time.Second, StoresFiles: true,
		EmptiesRooms: true, HostParameter: "t", TokenRecords: true,
	}
	if p.Traits() != want {
		t.Errorf("traits %+v", p.Traits())
	}
	if why := p.(provider.Explainer).WhyNot; why(provider.AbilityLogo) == "" || why(provider.AbilityEject) != "" {
		t.Errorf("explains %q and %q", why(provider.AbilityLogo), why(provider.AbilityEject))
	}
	if p, err := d.Open(provider.Account{}, nil); err == nil || p != nil {
		t.Errorf("an empty account gave %v, %v", p, err)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		kind   provider.Kind
		text   string
		hint   string
	}{
		{"missing header", 400, `{"error":"authorization-header-error","info":"bad"}`, provider.Unauthenticated, "bad", "DAILY_API_KEY"},
		{"the other form", 400, `{"error":"invalid-request-error","info":"bad Authorization header format"}`, provider.Unauthenticated, "", "DAILY_API_KEY"},
		{"bad key without info", 401, `{"error":"authentication-error"}`, provider.Unauthenticated, "(authentication-error)", "Developers"},
		{"forbidden", 403, `{"error":"forbidden-error","info":"not yours"}`, provider.Forbidden, "not yours", ""},
		{"plan", 400, `{"error":"invalid-plan-type","info":"card"}`, provider.Forbidden, "card", "Billing"},
		{"not found", 404, `{"error":"not-found","info":"room demo not found"}`, provider.NotFound, "room demo not found", ""},
		{"no one there", 404, `{"error":"invalid-request-error","info":"does not seem to be hosting a call currently"}`, provider.NotFound, "hosting", ""},
		{"invalid", 400, `{"error":"invalid-request-error","info":"exp was in the past"}`, provider.Invalid, "past", ""},
		{"limit", 429, `{"error":"rate-limit-error"}`, provider.RateLimited, "", "wait"},
		{"server", 500, `{"error":"server-error"}`, provider.Unavailable, "", ""},
		{"server with 200", 200, `{"error":"server-error","info":"oops"}`, provider.Unavailable, "oops", ""},
		{"invalid with 200", 200, `{"error":"invalid-request-error","info":"no"}`, provider.Invalid, "no", ""},
		{"invalid, by a server that fails", 500, `{"error":"invalid-request-error","info":"no"}`, provider.Unavailable, "no", ""},
		{"invalid, at the limit", 429, `{"error":"invalid-request-error","info":"slow down"}`, provider.RateLimited, "slow down", "wait"},
		{"expired, by a server that fails", 500, `{"error":"server-error","deleted":true}`, provider.Unavailable, "", ""},
		{"expired, by a gateway", 502, `{"deleted":true}`, provider.Unavailable, "", ""},
		{"expired", 400, `{"error":"invalid-request-error","deleted":true}`, provider.NotFound, "", ""},
		{"an odd error", 400, `{"error":{"x":1},"info":7}`, provider.Invalid, "7", ""},
		{"no JSON", 400, `nope`, provider.Invalid, `"nope"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _, _ := on(t, account(), answers{"GET /rooms/demo": {refusal(tt.status, tt.body)}})
			_, err := p.Lookup(t.Context(), provider.Meeting{Room: "demo"})
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(provider.HintOf(err), tt.hint) {
				t.Errorf("%v, hint %q", err, provider.HintOf(err))
			}
		})
	}
}

func TestHintsNameTheAccount(t *testing.T) {
	a := account()
	a.Name, a.APIKey = "work", ""
	_, err := daily.New(a, daily.Options{})
	if !strings.Contains(provider.HintOf(err), `api_key of the account "work"`) {
		t.Errorf("hint %q", provider.HintOf(err))
	}
}

func TestLookup(t *testing.T) {
	p, s, _ := on(t, account(), answers{"GET /rooms/de%20mo": {providertest.JSON(fixture(t, "room.json"))}})
	m, err := p.Lookup(t.Context(), provider.Meeting{Room: "de mo"})
	if err != nil {
		t.Fatal(err)
	}
	want := provider.Meeting{
		ID: "0f0f0f0f-1111-4222-8333-444444444444", Room: "demo-20250615120000",
		GuestURL: "https://acme.daily.co/demo-20250615120000", Until: began.Add(time.Hour), CreatedAt: began.Add(250 * time.Millisecond),
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	if got := s.Asked()[0].Header.Get("Authorization"); got != "Bearer "+apiKey {
		t.Errorf("authorization %q", got)
	}
	for _, odd := range []string{`{}`, `null`, `{"name":"x"}`, `{"name":"x","url":"javascript:x"}`, `[]`} {
		p, _, _ := on(t, account(), answers{"GET /rooms/x": {providertest.JSON(odd)}})
		if m, err := p.Lookup(t.Context(), provider.Meeting{Room: "x"}); !errors.Is(err, provider.Unavailable) {
			t.Errorf("%s is %+v, %v", odd, m, err)
		}
	}
}

// jsonEqual compares two texts as JSON.
func jsonEqual(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Error(diff)
	}
}

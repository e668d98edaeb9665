package hub

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/daily"
)

// twoAccounts is a bench with two accounts on a platform whose signatures can be tested.
func twoAccounts(t *testing.T) (b *bench, stranger *daily.Provider) {
	t.Helper()
	open := func(name, secret string) *daily.Provider {
		p, err := daily.New(provider.Account{Name: name, Platform: provider.Daily, APIKey: "k", WebhookSecret: secret}, daily.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	b = newBench(t)
	b.close()
	b.accounts = nil
	for name, secret := range map[string]string{"daily": "b3du", "acme": "b3RoZXI="} {
		b.accounts = append(b.accounts, Account{
			Account: provider.Account{Name: name, Platform: provider.Daily, WebhookSecret: secret}, Provider: open(name, secret),
		})
	}
	b.open()
	return b, open("stranger", "c3RyYW5nZXI=")
}

func (b *bench) forged(p provider.Synthesizer, secret string, body []byte) string {
	b.t.Helper()
	r, err := p.Synthesize(provider.SyntheticEvent{Body: body, At: b.clock.Now(), Secret: secret})
	if err != nil {
		b.t.Fatal(err)
	}
	a, err := b.Ingest(b.t.Context(), app.Inbound{Account: "daily", Method: "POST", Header: r.Header, Body: r.Body, ReceivedAt: b.clock.Now()})
	if err != nil || a.Status != http.StatusUnauthorized {
		b.t.Fatalf("%+v, %v", a, err)
	}
	d, err := b.Event(b.t.Context(), app.EventRef{Seq: a.Seq})
	if err != nil {
		b.t.Fatal(err)
	}
	return d.Reason
}

func TestTheVerdictNamesTheCause(t *testing.T) {
	b, p := twoAccounts(t)
	if got := b.forged(p, "b3RoZXI=", []byte(`{}`)); got != "the signature is wrong: it was signed with the secret of account acme" {
		t.Error(got)
	}
	if got := b.forged(p, "", []byte(`{}`)); got != "the signature is wrong: the secret differs, or the body was changed" {
		t.Error(got)
	}
}

// The search for the cause has a budget: beyond it, a flood of forged requests has the general reason.
func TestTheSearchForTheCauseIsBounded(t *testing.T) {
	b, p := twoAccounts(t)
	large := append(bytes.Repeat([]byte(" "), 1<<20), "{}"...)
	found := 0
	for range 20 {
		if strings.Contains(b.forged(p, "b3RoZXI=", large), "acme") {
			found++
		}
	}
	if found == 0 || found > 10 {
		t.Errorf("%d of 20 large requests were searched", found)
	}
	b.clock.Advance(causeBurst / causeRate * 1e9)
	if got := b.forged(p, "b3RoZXI=", []byte(fmt.Sprintf(`{"id":%d}`, 1))); !strings.Contains(got, "acme") {
		t.Errorf("after a pause: %s", got)
	}
}

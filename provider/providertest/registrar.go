package providertest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"greenroom/provider"
)

// testWebhookSecrets reads webhooks signed with a secret that the provider was not created with.
func testWebhookSecrets(t *testing.T, h Harness) {
	if h.Join == nil || h.Deliveries == nil {
		t.Skip("no webhooks can be received here")
	}
	a := h.Account
	a.WebhookSecret, a.WebhookSecrets = "", nil
	p := h.openAs(t, a, nil)
	m := h.create(t, p, h.spec(t))
	h.Leave(t, m, h.Join(t, m, Person{Name: "Ada"}))
	n := 0
	for _, r := range h.Deliveries(t) {
		if w := read(t, p, r); w.Event.Room != m.Room {
			continue
		} else if w.Verdict != provider.Unverified {
			t.Errorf("without a secret %s is %s", r.Body, w.Verdict)
		}
		n++
		r.Secrets = []string{"", "bm90IHRoaXMgb25l", "no form of any platform's", h.Account.WebhookSecret}
		if w := read(t, p, r); w.Verdict != provider.Verified {
			t.Errorf("with its secret %s is %s: %s", r.Body, w.Verdict, w.Reason)
		}
		r.Secrets = []string{"bm90IHRoaXMgb25l"}
		if w := read(t, p, r); w.Verdict != provider.Rejected || w.Missing {
			t.Errorf("with another secret %s is %s", r.Body, w.Verdict)
		}
	}
	if n == 0 {
		t.Error("no webhook was sent")
	}
}

// testSecretOfASynthetic signs a synthetic webhook with a secret that the provider was not created with.
func testSecretOfASynthetic(t *testing.T, h Harness) {
	a := h.Account
	a.WebhookSecret, a.WebhookSecrets = "", nil
	p := h.openAs(t, a, nil)
	s := able[provider.Synthesizer](t, p, "the provider makes no synthetic webhooks")
	e := provider.SyntheticEvent{
		Kind: provider.KindParticipantJoined, Room: "suite", Name: "Ada", Session: "s-1", ID: "e-1", At: h.Clock.Now(),
	}
	if _, err := s.Synthesize(e); !errors.Is(err, provider.Invalid) {
		t.Errorf("without a secret: %v", err)
	}
	e.Secret = h.Account.WebhookSecret
	made, err := s.Synthesize(e)
	if err != nil {
		t.Fatal(err)
	}
	if w := read(t, h.open(t, nil), made); w.Verdict != provider.Verified || w.Event.Kind != e.Kind {
		t.Errorf("%s: %s", w.Verdict, w.Reason)
	}
}

// testRegistrar registers webhooks by API: none replaces another, and each is signed with its secret.
func testRegistrar(t *testing.T, h Harness) {
	p := h.open(t, nil)
	r := able[provider.WebhookRegistrar](t, p, "webhooks are registered by hand")
	ctx := t.Context()
	before, err := r.Webhooks(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if h.HookURL == "" || h.Deliveries == nil || h.Join == nil {
		t.Skip("the platform reaches nothing of ours here")
	}
	if len(before) != 1 || before[0].ID == "" || before[0].URL == "" || before[0].Failed {
		t.Fatalf("at first: %+v", before)
	}
	first, err := r.NewWebhookSecret()
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.NewWebhookSecret()
	if err != nil || first == second || len(first) < 32 {
		t.Fatalf("two secrets: %q and %q, %v", first, second, err)
	}
	spec := provider.WebhookSpec{URL: h.HookURL + "/first", Secret: first, Patient: true}
	if _, err := r.RegisterWebhook(ctx, spec); !errors.Is(err, provider.Conflict) {
		t.Errorf("beside another one: %v", err)
	}
	for range 2 {
		if err := r.RemoveWebhook(ctx, before[0].ID); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	made, err := r.RegisterWebhook(ctx, spec)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	if made.ID == "" || made.URL != spec.URL || made.Secret != first || !made.Patient || made.Failed {
		t.Errorf("registered %+v", made)
	}
	h.signed(t, p, "/first", first)

	spec = provider.WebhookSpec{URL: h.HookURL + "/second", Secret: second}
	changed, err := r.UpdateWebhook(ctx, made.ID, spec)
	if err != nil || changed.ID != made.ID || changed.URL != spec.URL || changed.Secret != second || changed.Patient {
		t.Errorf("updated to %+v, %v", changed, err)
	}
	h.signed(t, p, "/second", second)
	if list, err := r.Webhooks(ctx); err != nil || len(list) != 1 || list[0].ID != made.ID || list[0].URL != spec.URL {
		t.Errorf("at last: %+v, %v", list, err)
	}
	if _, err := r.UpdateWebhook(ctx, "6f1f6a5e-0000-4000-8000-000000000000", spec); !errors.Is(err, provider.NotFound) {
		t.Errorf("update of none: %v", err)
	}
	for name, bad := range map[string]error{
		"a URL that is none": failure(r.UpdateWebhook(ctx, made.ID, provider.WebhookSpec{URL: "hook.example"})),
		"no id":              failure(r.UpdateWebhook(ctx, "", spec)),
		"removal of no id":   r.RemoveWebhook(ctx, ""),
	} {
		if !errors.Is(bad, provider.Invalid) {
			t.Errorf("%s: %v", name, bad)
		}
	}
	if err := r.RemoveWebhook(ctx, made.ID); err != nil {
		t.Error(err)
	}
	chosen, err := r.RegisterWebhook(ctx, provider.WebhookSpec{URL: h.HookURL + "/third"})
	if err != nil || chosen.Secret == "" {
		t.Fatalf("with a secret of the platform's choice: %v", err)
	}
	h.signed(t, p, "/third", chosen.Secret)
	if err := r.RemoveWebhook(ctx, chosen.ID); err != nil {
		t.Error(err)
	}
}

// signed lets people come and go, and checks that each request to the path is verified only by the secret, the platform's test of
// the address included.
func (h Harness) signed(t *testing.T, p provider.Provider, path, secret string) {
	t.Helper()
	m := h.create(t, p, h.spec(t))
	h.Leave(t, m, h.Join(t, m, Person{Name: "Ada"}))
	seen := map[provider.EventKind]bool{}
	for _, r := range h.Deliveries(t) {
		if r.Target != path {
			continue
		}
		if w := read(t, p, r); w.Verdict != provider.Rejected {
			t.Errorf("without its secret %s is %s", r.Body, w.Verdict)
		}
		r.Secrets = []string{secret}
		w := read(t, p, r)
		if w.Verdict != provider.Verified || r.Method != http.MethodPost {
			t.Errorf("%s is %s: %s", r.Body, w.Verdict, w.Reason)
		}
		seen[w.Event.Kind] = true
	}
	for _, kind := range []provider.EventKind{provider.KindTest, provider.KindParticipantJoined, provider.KindParticipantLeft} {
		if !seen[kind] {
			t.Errorf("%s was not posted to %s", kind, path)
		}
	}
}

// testSignsAnyBody signs a body that is no event of the platform's, at another time than its event's: other programs are tested with it.
func testSignsAnyBody(t *testing.T, h Harness) {
	p := h.open(t, nil)
	s := able[provider.Synthesizer](t, p, "the provider makes no synthetic webhooks")
	body, at := []byte("{ \"type\" : \"x\",  \"name\":\"Zo\\u00eb <&>\" }\n"), h.Clock.Now()
	r, err := s.Synthesize(provider.SyntheticEvent{Body: body, At: at.Add(-48 * time.Hour), SignedAt: at})
	if err != nil || string(r.Body) != string(body) {
		t.Fatalf("%s, %v", r.Body, err)
	}
	r.ReceivedAt = at
	if w := read(t, p, r); w.Verdict != provider.Verified {
		t.Errorf("%s: %s", w.Verdict, w.Reason)
	}
	r.Body = append(r.Body, ' ')
	if w := read(t, p, r); w.Verdict != provider.Rejected || !w.Wrong {
		t.Errorf("another body: %+v", w)
	}
}

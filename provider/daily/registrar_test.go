package daily

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"greenroom/provider"
)

const hmac64 = "aHVzaC1odXNoLWh1c2gtaHVzaA=="

// answering returns a provider whose every call gets the given answer, and the recorded requests.
func answering(t *testing.T, status int, body string, asked *string) *Provider {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if asked != nil {
			*asked = r.Method + " " + r.URL.Path + " " + string(raw)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	p, err := New(provider.Account{Name: "daily", Platform: provider.Daily, APIKey: "key", APIURL: srv.URL + "/v1"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAWebhookIsRegisteredInDailysWords(t *testing.T) {
	const object = `{"uuid":"u-1","url":"https://x.example/h","hmac":"` + hmac64 + `","retryType":"exponential","state":"ACTIVE","failedCount":0}`
	for name, answer := range map[string]string{"an object": object, "a list": "[" + object + "]"} {
		t.Run(name, func(t *testing.T) {
			var asked string
			p := answering(t, 200, answer, &asked)
			got, err := p.RegisterWebhook(t.Context(), provider.WebhookSpec{URL: "https://x.example/h", Secret: hmac64, Patient: true})
			want := provider.Registration{ID: "u-1", URL: "https://x.example/h", Secret: hmac64, Patient: true}
			if err != nil || got != want {
				t.Errorf("%+v, %v", got, err)
			}
			raw, ok := strings.CutPrefix(asked, "POST /v1/webhooks ")
			var body struct {
				URL, HMAC, RetryType string
				EventTypes           []string
			}
			if err := json.Unmarshal([]byte(raw), &body); !ok || err != nil || body.HMAC != hmac64 || body.RetryType != "exponential" {
				t.Fatalf("asked %s (%v)", asked, err)
			}
			for _, kind := range []string{"participant.joined", "waiting-participant.left", "recording.ready-to-download", "transcript.error"} {
				if !slices.Contains(body.EventTypes, kind) {
					t.Errorf("%s is not among %v", kind, body.EventTypes)
				}
			}
		})
	}
}

func TestAFailedWebhookIsReported(t *testing.T) {
	p := answering(t, 200, `[{"uuid":"u","url":"https://x.example/","state":"FAILED","failedCount":3,"retryType":"circuit-breaker",
		"lastMomentPushed":"2026-11-22T10:00:00.000Z","hmac":"`+hmac64+`"}]`, nil)
	list, err := p.Webhooks(t.Context())
	if err != nil || len(list) != 1 || !list[0].Failed || list[0].Failures != 3 || list[0].Patient || list[0].LastAt.Hour() != 10 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRefusalsOfARegistration(t *testing.T) {
	spec := provider.WebhookSpec{URL: "https://x.example/h", Secret: hmac64}
	tests := []struct {
		name   string
		status int
		body   string
		kind   provider.Kind
		hint   string
	}{
		{"the test was not answered", 400, `{"error":"invalid-request-error","info":"non-200 status code returned from webhook endpoint"}`, provider.Invalid, "tunnel probe"},
		{"there is one already", 400, `{"error":"invalid-request-error","info":"the maximum number of webhooks for this domain is 1"}`, provider.Conflict, ""},
		{"no card on file", 403, `{"error":"invalid-plan-type"}`, provider.Forbidden, "card"},
		{"an empty list", 200, `[]`, provider.Unavailable, ""},
		{"an object without an id", 200, `{}`, provider.Unavailable, ""},
		{"two", 200, `[{"uuid":"a"},{"uuid":"b"}]`, provider.Unavailable, ""},
		{"the secret repeated", 400, `{"error":"invalid-request-error","info":"bad {\"hmac\":\"` + hmac64 + `\"}"}`, provider.Invalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := answering(t, tt.status, tt.body, nil).RegisterWebhook(t.Context(), spec)
			if !errors.Is(err, tt.kind) || !strings.Contains(provider.HintOf(err), tt.hint) {
				t.Errorf("%v (%s), hint %q", err, provider.KindOf(err), provider.HintOf(err))
			}
			if strings.Contains(err.Error(), "aHVzaC") {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
	for _, secret := range []string{"not base64!", "\r\n"} { // base64 of nothing is empty
		spec.Secret = secret
		if _, err := answering(t, 200, "{}", nil).RegisterWebhook(t.Context(), spec); !errors.Is(err, provider.Invalid) || !strings.Contains(provider.HintOf(err), "DAILY_WEBHOOK_SECRET") {
			t.Errorf("the secret %q, which Daily can't have: %v", secret, err)
		}
	}
}

func TestAListOfWebhooksMustBeOne(t *testing.T) {
	for _, body := range []string{`{}`, `[{"url":"https://x.example"}]`, `[{"uuid":"u"}]`, `"x"`, `<html>`} {
		if list, err := answering(t, 200, body, nil).Webhooks(t.Context()); err == nil {
			t.Errorf("%s is taken for %+v", body, list)
		}
	}
}

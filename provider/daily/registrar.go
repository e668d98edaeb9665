package daily

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// secretSize is the number of random bytes in a webhook's secret.
const secretSize = 32

// webhookObject is a webhook as returned by Daily. Its hmac is a secret.
type webhookObject struct {
	ID        rest.Text   `json:"uuid"`
	URL       string      `json:"url"`
	HMAC      string      `json:"hmac"`
	State     rest.Text   `json:"state"`
	Failures  rest.Number `json:"failedCount"`
	RetryType rest.Text   `json:"retryType"`
	Last      rest.Text   `json:"lastMomentPushed"`
}

// webhookObjects are one webhook or a list of them: Daily's descriptions disagree.
type webhookObjects []webhookObject

func (w *webhookObjects) UnmarshalJSON(b []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		*w = make(webhookObjects, 1)
		return json.Unmarshal(b, &(*w)[0])
	}
	return json.Unmarshal(b, (*[]webhookObject)(w))
}

// webhookBody is the body of creating and updating. The hmac is the secret as text.
type webhookBody struct {
	URL        string   `json:"url"`
	EventTypes []string `json:"eventTypes"`
	HMAC       string   `json:"hmac,omitempty"`
	RetryType  string   `json:"retryType"`
}

// Daily's retry types: the first is disabled after three failures, the second retries for longer.
const (
	retryOnce    = "circuit-breaker"
	retryPatient = "exponential"
)

// NewWebhookSecret returns a secret in Daily's form: base64.
func (p *Provider) NewWebhookSecret() (string, error) {
	b := make([]byte, secretSize)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// Webhooks lists the domain's webhooks.
func (p *Provider) Webhooks(ctx context.Context) ([]provider.Registration, error) {
	hooks, err := p.webhooks(ctx)
	out := make([]provider.Registration, 0, len(hooks))
	for _, h := range hooks {
		out = append(out, h.registration())
	}
	return out, err
}

func (p *Provider) webhooks(ctx context.Context) (webhookObjects, error) {
	const op = "list webhooks"
	var hooks webhookObjects
	if err := p.client.Do(ctx, rest.Call{Op: op, Method: http.MethodGet, Path: "/webhooks", Out: &hooks}); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(hooks, func(h webhookObject) bool { return h.ID == "" || h.URL == "" }) {
		return nil, p.client.Malformed(op, "", "a webhook in the response has no id or no URL")
	}
	return hooks, nil
}

func (h webhookObject) registration() provider.Registration {
	r := provider.Registration{
		ID: h.ID.ID(), URL: h.URL, Secret: h.HMAC, Patient: h.RetryType == retryPatient,
		Failed: h.State != "" && h.State != "ACTIVE", Failures: int(h.Failures.Int()),
	}
	if at, err := time.Parse(time.RFC3339, string(h.Last)); err == nil {
		r.LastAt = at
	}
	return r
}

// RegisterWebhook creates a webhook for the events that ReadWebhook knows. Daily tests the URL before it answers. The call is not
// repeated automatically: the first may have created one.
func (p *Provider) RegisterWebhook(ctx context.Context, w provider.WebhookSpec) (provider.Registration, error) {
	r, err := p.putWebhook(ctx, "register webhook", "/webhooks", w, false)
	if errors.Is(err, provider.Invalid) && provider.Says(err, "maximum number of webhooks") {
		err = provider.Amend(err, func(e *provider.Error) { e.Kind = provider.Conflict })
	}
	return r, err
}

// UpdateWebhook changes a webhook, and reactivates one that has FAILED. Daily tests the URL before it answers.
func (p *Provider) UpdateWebhook(ctx context.Context, id string, w provider.WebhookSpec) (provider.Registration, error) {
	const op = "update webhook"
	if id == "" {
		return provider.Registration{}, p.client.Refuse(provider.Invalid, op, id, "the webhook has no id", "")
	}
	return p.putWebhook(ctx, op, "/webhooks/"+url.PathEscape(id), w, true)
}

// RemoveWebhook removes a webhook.
func (p *Provider) RemoveWebhook(ctx context.Context, id string) error {
	return p.client.Do(ctx, rest.Call{
		Op: "remove webhook", Subject: id, Missing: "the webhook has no id", Method: http.MethodDelete, Path: "/webhooks/" + url.PathEscape(id),
		Gone: true,
	})
}

func (p *Provider) putWebhook(ctx context.Context, op, path string, w provider.WebhookSpec, again bool) (provider.Registration, error) {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return provider.Registration{}, p.client.Refuse(provider.Invalid, op, "", "the address is not a URL", "")
	}
	refuse := func(text, hint string) (provider.Registration, error) {
		return provider.Registration{}, p.client.Refuse(provider.Invalid, op, u.Host, text, hint)
	}
	if _, ok := decodeSecret(w.Secret); w.Secret != "" && !ok {
		return refuse("the webhook secret is not base64, as Daily requires",
			"set "+p.account.Setting("DAILY_WEBHOOK_SECRET", "webhook_secret")+" to a base64 value, or remove it to have one created")
	}
	body := webhookBody{URL: w.URL, EventTypes: slices.Sorted(maps.Keys(kinds)), HMAC: w.Secret, RetryType: retryOnce}
	if w.Patient {
		body.RetryType = retryPatient
	}
	var hooks webhookObjects
	err = p.client.Do(ctx, rest.Call{Op: op, Subject: u.Host, Method: http.MethodPost, Path: path, In: body, Out: &hooks, Idempotent: again})
	if errors.Is(err, provider.Invalid) && provider.HintOf(err) == "" && provider.Says(err, "webhook endpoint") {
		err = provider.Amend(err, func(e *provider.Error) {
			e.Hint = "Daily's test request was not answered with 200: test the tunnel with greenroom tunnel probe"
		})
	}
	if err != nil {
		return provider.Registration{}, err
	}
	if len(hooks) != 1 || hooks[0].ID == "" {
		return provider.Registration{}, p.client.Malformed(op, u.Host, "the response is not a webhook")
	}
	return hooks[0].registration(), nil
}

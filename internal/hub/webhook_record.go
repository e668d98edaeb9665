package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"greenroom/store"
)

const (
	// oldSecretFor is how long a secret is accepted after another has taken its place.
	oldSecretFor = 24 * time.Hour
	// oldSecretKept is how long it is remembered beyond that: what a relay received while it was accepted may come late.
	oldSecretKept = 60 * 24 * time.Hour
)

// webhookRecord is what is remembered of an account's webhook: which one on the platform is ours, known by its URL, and the
// secrets that were not configured but made, by us or by the platform.
type webhookRecord struct {
	// URL is where the webhook posts to that is ours.
	URL string `json:"url,omitempty"`
	// Asked is the URL that the platform was asked to post to, until it has answered.
	Asked  string      `json:"asked,omitempty"`
	Secret string      `json:"secret,omitempty"`
	Old    []oldSecret `json:"old,omitempty"`
}

type oldSecret struct {
	Secret string    `json:"secret"`
	Until  time.Time `json:"until"`
}

// use makes a secret the one in force, or none, and what was in force an old one.
func (w *webhookRecord) use(secret string, now time.Time) {
	if w.Secret == secret {
		return
	}
	if w.Secret != "" {
		w.Old = append(w.Old, oldSecret{Secret: w.Secret, Until: now.Add(oldSecretFor)})
	}
	w.Secret = secret
	w.Old = slices.DeleteFunc(w.Old, func(o oldSecret) bool { return o.Secret == secret || now.Sub(o.Until) > oldSecretKept })
}

// accepts lists the secrets for a request that was received at the given time.
func (w webhookRecord) accepts(received time.Time) []string {
	var out []string
	if w.Secret != "" {
		out = append(out, w.Secret)
	}
	for _, o := range w.Old {
		if received.Before(o.Until) {
			out = append(out, o.Secret)
		}
	}
	return out
}

// webhook is what is remembered of the account's webhook.
func (a *account) webhook() webhookRecord {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.record.clone()
}

func (w webhookRecord) clone() webhookRecord {
	w.Old = slices.Clone(w.Old)
	return w
}

// webhookKey names the value that it is kept under.
func (a *account) webhookKey() string { return "webhook " + a.Name }

// recallWebhook reads what is remembered.
func (h *Hub) recallWebhook(a *account) error {
	var raw []byte
	if err := h.store.View(h.ctx, func(tx *store.Tx) error { raw = tx.Value(a.webhookKey()); return nil }); err != nil || raw == nil {
		return err
	}
	if err := json.Unmarshal(raw, &a.record); err != nil {
		return fmt.Errorf("hub: what is remembered of the webhook of %s: %w", a.Name, err)
	}
	return nil
}

// retireSecret makes the secret that was made an old one, where one is configured and nothing will tell the platform of it:
// there is no tunnel, or the webhook is another's. Until the platform is told it signs with the one that was made.
func (h *Hub) retireSecret(ctx context.Context, a *account) error {
	if a.WebhookSecret == "" {
		return nil
	}
	return h.keepWebhook(ctx, a, func(w *webhookRecord) { w.use("", h.clock.Now()) })
}

// keepWebhook changes what is remembered, durably first.
func (h *Hub) keepWebhook(ctx context.Context, a *account, change func(*webhookRecord)) error {
	was := a.webhook()
	now := was.clone()
	change(&now)
	if equalRecords(was, now) {
		return nil
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("hub: remember the webhook of %s: %w", a.Name, err)
	}
	if err := h.store.Update(ctx, func(tx *store.Tx) error { return tx.PutValue(a.webhookKey(), raw) }); err != nil {
		return writeError(err)
	}
	a.mu.Lock()
	a.record = now
	a.mu.Unlock()
	return nil
}

func equalRecords(a, b webhookRecord) bool {
	return a.URL == b.URL && a.Asked == b.Asked && a.Secret == b.Secret &&
		slices.EqualFunc(a.Old, b.Old, func(x, y oldSecret) bool { return x.Secret == y.Secret && x.Until.Equal(y.Until) })
}

package registrar

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"greenroom/store"
)

const (
	// oldSecretFor is how long a replaced secret is accepted.
	oldSecretFor = 24 * time.Hour
	// oldSecretKept is how much longer it is stored: a relay may deliver requests late that it received while the secret was
	// accepted.
	oldSecretKept = 60 * 24 * time.Hour
)

// record is the stored part of an account's webhook: its URL, by which it is recognised, and the secrets that were created, here or
// by the platform.
type record struct {
	// URL is the address of our webhook.
	URL string `json:"url,omitempty"`
	// Asked is the URL of a request to the platform that is still unanswered.
	Asked  string      `json:"asked,omitempty"`
	Secret string      `json:"secret,omitempty"`
	Old    []oldSecret `json:"old,omitempty"`
}

type oldSecret struct {
	Secret string    `json:"secret"`
	Until  time.Time `json:"until"`
}

// use replaces the current secret, which becomes an old one. An empty secret is none.
func (w *record) use(secret string, now time.Time) {
	if w.Secret == secret {
		return
	}
	w.Old = slices.Clone(w.Old) // copies of the record share it
	if w.Secret != "" {
		w.Old = append(w.Old, oldSecret{Secret: w.Secret, Until: now.Add(oldSecretFor)})
	}
	w.Secret = secret
	w.Old = slices.DeleteFunc(w.Old, func(o oldSecret) bool { return o.Secret == secret || now.Sub(o.Until) > oldSecretKept })
}

// accepts lists the secrets that verify a request received at the given time.
func (w record) accepts(received time.Time) []string {
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

// webhook returns the record.
func (h *Hook) webhook() record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.record
}

// key returns the record's key in the store.
func (h *Hook) key() string { return "webhook " + h.Account.Name }

// recall reads the record from the store.
func (h *Hook) recall() error {
	var raw []byte
	if err := h.Store.View(h.Context, func(tx *store.Tx) error { raw = tx.Value(h.key()); return nil }); err != nil || raw == nil {
		return err
	}
	if err := json.Unmarshal(raw, &h.record); err != nil {
		return fmt.Errorf("the stored webhook of %s: %w", h.Account.Name, err)
	}
	return nil
}

// Retire makes a created secret an old one if another is configured, but the platform won't get that because there is no tunnel or
// the webhook isn't ours. The platform continues to sign with the created one.
func (h *Hook) Retire(ctx context.Context) error {
	if h.Account.WebhookSecret == "" {
		return nil
	}
	return h.keepRecord(ctx, func(w *record) { w.use("", h.Clock.Now()) })
}

// keepRecord changes the record, in the store first.
func (h *Hook) keepRecord(ctx context.Context, change func(*record)) error {
	was := h.webhook()
	now := was
	change(&now)
	sameSecrets := slices.EqualFunc(was.Old, now.Old, func(a, b oldSecret) bool { return a.Secret == b.Secret && a.Until.Equal(b.Until) })
	if was.URL == now.URL && was.Asked == now.Asked && was.Secret == now.Secret && sameSecrets {
		return nil
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("store the webhook of %s: %w", h.Account.Name, err)
	}
	if err := h.Write(ctx, func(tx *store.Tx) error { return tx.PutValue(h.key(), raw) }); err != nil {
		return err
	}
	h.mu.Lock()
	h.record = now
	h.mu.Unlock()
	return nil
}

// Accepts lists the created secrets that verify a request which was received at the given time.
func (h *Hook) Accepts(received time.Time) []string { return h.webhook().accepts(received) }

// Secret returns the created secret that is in force, empty when there is none.
func (h *Hook) Secret() string { return h.webhook().Secret }

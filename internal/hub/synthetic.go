package hub

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// SignWebhook returns an invented webhook; see [app.Backend].
func (h *Hub) SignWebhook(ctx context.Context, w app.SyntheticWebhook) (app.SignedWebhook, error) {
	a, err := h.accountOf(w.Account)
	if err != nil {
		return app.SignedWebhook{}, err
	}
	s, ok := a.Provider.(provider.Synthesizer)
	if !ok {
		return app.SignedWebhook{}, &app.Error{
			Kind: provider.Unsupported, Platform: a.Platform, Text: fmt.Sprintf("%s has no synthetic webhooks", a.Platform),
		}
	}
	e := provider.SyntheticEvent{
		Kind: w.Kind, Type: w.Type, Room: w.Room, MeetingID: w.MeetingID, Conference: w.Conference, Name: w.Name, Session: w.Session,
		ID: w.ID, At: w.At.Time, Since: w.Since.Time, Here: w.Here, Body: w.Body, SignedAt: w.SignedAt.Time,
	}
	switch {
	case w.Forged:
		e.Secret = base64.StdEncoding.EncodeToString([]byte(rand.Text())) // text and base64: every platform's form
	case a.WebhookSecret == "":
		e.Secret = a.hook.Secret()
	}
	made, err := s.Synthesize(e)
	if errors.Is(err, provider.Invalid) {
		err = &app.Error{Kind: app.NotConfigured, Text: err.Error(), Hint: provider.HintOf(err), Err: err}
	}
	if err != nil {
		return app.SignedWebhook{}, err
	}
	return app.SignedWebhook{Method: made.Method, Header: made.Header, Body: made.Body}, ctx.Err()
}

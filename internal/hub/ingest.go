package hub

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// Ingest takes one request as it arrived: verify and parse, store together with its effect, publish, and only then say
// what to answer. An error means that there is no such account; everything else is an answer.
func (h *Hub) Ingest(ctx context.Context, in app.Inbound) (app.Answer, error) {
	a := h.accounts[in.Account]
	if a == nil {
		return app.Answer{}, notFound("there is no account %q", in.Account)
	}
	w, err := a.Provider.ReadWebhook(provider.WebhookRequest{
		Method: in.Method, Target: in.Target, Header: http.Header(in.Header), Body: in.Body, ReceivedAt: in.ReceivedAt,
	})
	if err != nil {
		w = provider.Webhook{Verdict: provider.Rejected, Reason: err.Error()}
		w.Event.Kind = provider.KindUnknown
	}
	d := app.Delivery{
		At: app.At(in.ReceivedAt), Account: a.Name, Method: in.Method, Target: in.Target, Headers: http.Header(in.Header),
		Body: in.Body, Size: int64(len(in.Body)), Verdict: w.Verdict, Reason: w.Reason,
		Kind: w.Event.Kind, Type: w.Event.Type, Room: w.Event.Room, ProviderID: w.Event.ID,
	}
	if d.Headers == nil {
		d.Headers = http.Header{}
	}
	if p := w.Event.Participant; p != nil {
		d.Participant, d.Session = p.Name, p.Session
		if d.Participant == "" {
			d.Participant = p.Session
		}
	}
	if w.Verdict != provider.Verified {
		return h.reject(ctx, d, w), nil
	}
	d.Status = http.StatusOK
	d, err = h.store.Append(ctx, store.Entry{Delivery: d, Effect: h.effectOf(a, w.Event, in.ReceivedAt)})
	if err != nil {
		h.log.Error("a webhook could not be stored", "account", a.Name, "err", err)
		return busy(err), nil
	}
	a.mu.Lock()
	a.eventAt = d.At
	a.mu.Unlock()
	return app.Answer{Status: http.StatusOK, Seq: d.Seq}, nil
}

// reject records what can't be verified where strangers can do no harm, and says what to answer.
func (h *Hub) reject(ctx context.Context, d app.Delivery, w provider.Webhook) app.Answer {
	switch {
	case w.Ping:
		d.Status = http.StatusOK
	case w.Missing && d.Verdict == provider.Rejected:
		d.Status = http.StatusBadRequest
	default:
		d.Status = http.StatusUnauthorized
	}
	got, err := h.store.Reject(ctx, d)
	if err != nil && !errors.Is(err, store.ErrBusy) {
		h.log.Error("a rejected webhook could not be recorded", "account", d.Account, "err", err)
	}
	if err != nil && w.Ping {
		return busy(err) // no success before it is on disk
	}
	return app.Answer{Status: d.Status, Seq: got.Seq, Text: strings.ToLower(http.StatusText(d.Status))}
}

// busy is the answer to what could not be made durable: the platform shall try again.
func busy(err error) app.Answer {
	after := 10
	if errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrClosed) {
		after = 1
	}
	return app.Answer{Status: http.StatusServiceUnavailable, RetryAfter: after, Text: "try again"}
}

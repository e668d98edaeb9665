package hub

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// viaReplay is the Via of a replayed event.
const viaReplay = "replay"

// Replay processes an event again; see [app.Backend].
func (h *Hub) Replay(ctx context.Context, r app.Replay) (app.Answer, error) {
	first, err := h.Event(ctx, app.EventRef{Seq: r.Seq})
	if err != nil {
		return app.Answer{}, err
	}
	in := app.Inbound{Method: first.Method, Target: first.Target, Header: first.Headers, Body: first.Body, ReceivedAt: first.At.Time}
	if r.Request != nil {
		in = *r.Request
		in.ReceivedAt = h.clock.Now()
	}
	in.Account, in.Via, in.Remote, in.Position = first.Account, viaReplay, "", nil
	var again reading
	if name, ok := app.CatchOf(first.Account); ok {
		again = h.readCaught(name, in)
	} else {
		a, err := h.accountOf(first.Account)
		if err != nil {
			return app.Answer{}, err
		}
		again = h.read(a, in)
	}
	again.Delivery.At, again.Delivery.ReplayOf = h.now(), app.Seq(r.Seq)
	if again.Keep == store.KeepCaught {
		return h.catch(ctx, again), nil
	}
	if again.Keep != store.KeepWhole {
		return h.reject(ctx, again), nil
	}
	if !r.Apply {
		again.Effect = func(_ *store.Tx, d *app.Delivery) error {
			d.Meeting, d.Room = first.Meeting, first.Room
			return nil
		}
	}
	d, err := h.store.Append(ctx, again.Entry)
	if err != nil {
		return busy(err), nil
	}
	return app.Answer{Status: http.StatusOK, Seq: d.Seq, Stored: true}, nil
}

// Resign signs a request again; see [app.Backend].
func (h *Hub) Resign(ctx context.Context, r app.ResignRequest) (app.Inbound, error) {
	in, secret := r.Request, r.Secret
	// accepts reports whether the signature is valid and fresh, signed whether it is valid at any age.
	var accepts, signed func(app.Inbound) bool
	if name, ok := app.CatchOf(in.Account); ok {
		accepts = func(in app.Inbound) bool { return h.readCaught(name, in).Delivery.Verdict == provider.Verified }
		signed = func(in app.Inbound) bool { return h.signedCaught(name, in) }
	} else {
		a, err := h.accountOf(in.Account)
		if err != nil {
			return in, err
		}
		accepts = func(in app.Inbound) bool { return h.accepts(a, in) }
		signed = func(in app.Inbound) bool { return signedBy(a, in) }
		if secret == "" && a.WebhookSecret == "" {
			secret = a.hook.Secret()
		}
	}
	if r.IfStale {
		now := in
		now.ReceivedAt = h.clock.Now()
		if accepts(now) || !accepts(in) && !signed(in) {
			return in, ctx.Err()
		}
	}
	d, err := h.resigned(app.Delivery{Account: in.Account, Headers: http.Header(in.Header), Body: in.Body}, secret)
	switch _, caught := app.CatchOf(in.Account); {
	case err != nil && r.Secret != "" && (caught || errors.Is(err, provider.Invalid)):
		err = &app.Error{Kind: provider.Invalid, Text: "the event can't be signed again: " + ownWords(err), Hint: provider.HintOf(err), Err: err}
	case errors.Is(err, provider.Invalid):
		err = &app.Error{Kind: app.NotConfigured, Text: err.Error(), Hint: provider.HintOf(err), Err: err}
	}
	in.Header = d.Headers
	return in, errors.Join(err, ctx.Err())
}

// ownWords returns the platform's text of an error, without the operation.
func ownWords(err error) string {
	if e, ok := errors.AsType[*provider.Error](err); ok && e.Text != "" {
		return e.Text
	}
	return err.Error()
}

// signedBy reports whether a request has the signature of one of the account's secrets, of any age.
func signedBy(a *account, in app.Inbound) bool {
	tester, ok := a.Provider.(provider.SignatureTester)
	return ok && slices.ContainsFunc(a.secrets(in.ReceivedAt), func(secret string) bool {
		key, ok := tester.SignatureKey(secret)
		return ok && tester.SignedWith(provider.WebhookRequest{Method: in.Method, Target: in.Target, Header: http.Header(in.Header), Body: in.Body}, key)
	})
}

// accepts reports whether a request's signature is valid and was fresh when the request was received.
func (h *Hub) accepts(a *account, in app.Inbound) bool {
	w, err := a.Provider.ReadWebhook(provider.WebhookRequest{
		Method: in.Method, Target: in.Target, Header: http.Header(in.Header), Body: in.Body, ReceivedAt: in.ReceivedAt,
		Secrets: a.hook.Accepts(in.ReceivedAt),
	})
	return err == nil && w.Verdict == provider.Verified
}

// Import stores events of a file; see [app.Backend].
func (h *Hub) Import(ctx context.Context, b app.ImportBatch) (app.ImportedBatch, error) {
	var out app.ImportedBatch
	entries := make([]store.Entry, 0, len(b.Events))
	for _, d := range b.Events {
		if d.Headers == nil {
			d.Headers = http.Header{}
		}
		entry := store.Entry{Once: importID(d)}
		d.Seq, d.DuplicateOf, d.ReplayOf, d.Forwards, d.Unapplied, d.Position = 0, 0, 0, nil, "", nil
		d.Imported, d.StoredAt, d.Size = true, h.now(), max(d.Size, int64(len(d.Body)))
		entry.Delivery = d
		entries = append(entries, entry)
	}
	stored, err := h.store.AppendBatch(ctx, entries)
	if errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrClosed) {
		err = &app.Error{Kind: app.Busy, Text: err.Error(), Hint: "try again in a moment", Err: err}
	}
	if err != nil {
		return out, err
	}
	for _, s := range stored {
		switch {
		case s.Err != nil:
			return out, s.Err
		case s.Known:
			out.Known++
		default:
			out.Stored++
		}
	}
	return out, nil
}

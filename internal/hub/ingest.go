package hub

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// Ingest handles one request as it arrived: verify and parse, store together with its effect, publish, and only then
// answer. An error means that there is no such account; everything else is an answer.
func (h *Hub) Ingest(ctx context.Context, in app.Inbound) (app.Answer, error) {
	if in.Position == nil && (in.Refused != nil && in.Reason != "" || in.Missing != "") {
		return h.reject(ctx, h.readRelayed(in)), nil
	}
	if in.Position != nil || in.Refused != nil {
		answers, err := h.IngestBatch(ctx, app.Batch{Requests: []app.Inbound{in}})
		if err != nil {
			return app.Answer{}, err
		}
		return answers[0], nil
	}
	if name, ok := app.CatchOf(in.Account); ok {
		return h.catch(ctx, h.readCaught(name, in)), nil
	}
	a := h.accounts[in.Account]
	if a == nil {
		return app.Answer{}, notFound("there is no account %q", in.Account)
	}
	r := h.read(a, in)
	if r.Keep != store.KeepWhole {
		return h.reject(ctx, r), nil
	}
	d, err := h.store.Append(ctx, r.Entry)
	if err != nil {
		h.log.Error("a webhook could not be stored", "account", a.Name, "err", err)
		return busy(err), nil
	}
	a.delivered(d.At)
	return app.Answer{Status: http.StatusOK, Seq: d.Seq, Stored: true}, nil
}

// reading is a request that was verified and parsed, and what to do with it.
type reading struct {
	store.Entry
	account *account
	ping    bool
	// respond is the answer of a catch, nil for that of the delivery's status.
	respond *app.Answer
}

// answer returns the answer to a request that was kept under a number.
func (r *reading) answer(seq uint64, stored bool) app.Answer {
	if r.respond == nil {
		return answerTo(r.Delivery.Status, seq, stored)
	}
	a := *r.respond
	a.Seq, a.Stored = seq, stored
	return a
}

// read verifies and parses a request, and decides what is kept of it and what it is answered.
func (h *Hub) read(a *account, in app.Inbound) reading {
	request := provider.WebhookRequest{
		Method: in.Method, Target: in.Target, Header: http.Header(in.Header), Body: in.Body, ReceivedAt: in.ReceivedAt,
		Secrets: a.hook.Accepts(in.ReceivedAt),
	}
	w, err := a.Provider.ReadWebhook(request)
	if err != nil {
		w = provider.Webhook{Verdict: provider.Rejected, Reason: err.Error()}
		w.Event.Kind = provider.KindUnknown
	}
	if w.Verdict == provider.Rejected {
		w.Reason = cmp.Or(h.cause(a, request, w), w.Reason)
	}
	d := arrived(in)
	d.HappenedAt, d.StoredAt = app.At(w.Event.At), h.now()
	d.Verdict, d.Reason = w.Verdict, w.Reason
	d.Kind, d.Type, d.Room, d.ProviderID = w.Event.Kind, w.Event.Type, w.Event.Room, w.Event.ID
	if p := w.Event.Participant; p != nil {
		d.Participant, d.Session = p.Name, p.Session
		if d.Participant == "" {
			d.Participant = p.Session
		}
	}
	r := reading{Entry: store.Entry{Keep: store.KeepInRing}, account: a, ping: w.Ping}
	switch {
	case a.Unusable != nil:
		d.Status = http.StatusServiceUnavailable // the account may be mended before the platform tries for the last time
	case w.Verdict == provider.Verified:
		d.Status = http.StatusOK
		r.Keep, r.Effect = store.KeepWhole, h.effectOf(a, w.Event, in.ReceivedAt)
	case w.Ping:
		d.Status = http.StatusOK
	case w.Missing && d.Verdict == provider.Rejected:
		d.Status, r.Keep = http.StatusBadRequest, store.KeepStray
	default:
		d.Status = http.StatusUnauthorized
	}
	// What a relay handed over comes again from nowhere else, once the account is mended.
	if r.Keep != store.KeepWhole && (a.Unusable == nil || in.Position == nil) {
		clip(&d)
	}
	r.Delivery = d
	return r
}

// keptBytes is how much is stored of an unverified body, whose size is the sender's choice.
const keptBytes = 8 << 10

// clip keeps the beginning of a body. The delivery's size stays what it was.
func clip(d *app.Delivery) {
	if len(d.Body) > keptBytes {
		d.Body = bytes.Clone(d.Body[:keptBytes])
	}
}

// arrived is a request's delivery before the request was verified.
func arrived(in app.Inbound) app.Delivery {
	d := app.Delivery{
		At: app.At(in.ReceivedAt), Account: in.Account, Method: in.Method, Target: in.Target, Headers: http.Header(in.Header),
		Body: in.Body, Size: max(in.Size, int64(len(in.Body))), Kind: provider.KindUnknown, Via: in.Via, Remote: in.Remote,
		Position: in.Position,
	}
	if d.Headers == nil {
		d.Headers = http.Header{}
	}
	return d
}

// delivered records when the account's last authentic delivery came; a backlog brings old ones late.
func (a *account) delivered(at app.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.After(a.eventAt.Time) {
		a.eventAt = at
	}
}

// reject records a request that can't be verified in a bounded ring, and returns the answer.
func (h *Hub) reject(ctx context.Context, r reading) app.Answer {
	keep := h.store.Reject
	switch r.Keep {
	case store.KeepStray:
		keep = h.store.RejectStray
	case store.KeepUncaught:
		keep = h.store.RejectUncaught
	}
	got, err := keep(ctx, r.Delivery)
	if err != nil && !errors.Is(err, store.ErrBusy) && ctx.Err() == nil { // a sender who left is no news
		h.log.Error("a rejected webhook could not be recorded", "account", r.Delivery.Account, "err", err)
	}
	if err != nil && r.ping {
		return busy(err) // no success before it is on disk
	}
	return r.answer(got.Seq, err == nil)
}

func answerTo(status int, seq uint64, stored bool) app.Answer {
	a := app.Answer{Status: status, Seq: seq, Stored: stored}
	if status == http.StatusServiceUnavailable {
		a.RetryAfter = 60
	}
	if status != http.StatusOK {
		a.Text = strings.ToLower(http.StatusText(status))
	}
	return a
}

// busy is the answer to a request that could not be made durable: the platform must try again.
func busy(err error) app.Answer {
	after := 10
	if errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrClosed) {
		after = 1
	}
	return app.Answer{Status: http.StatusServiceUnavailable, RetryAfter: after, Text: "try again"}
}

package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// deviceName is the key of the store's id for tunnels.
const deviceName = "tunnel-device"

// maxHookName bounds the name of a hook in bytes.
const maxHookName = 256

// IngestBatch stores the requests of a tunnel in one commit; see [app.Backend].
func (h *Hub) IngestBatch(ctx context.Context, b app.Batch) ([]app.Answer, error) {
	readings := make([]reading, len(b.Requests))
	entries := make([]store.Entry, len(b.Requests))
	for i, in := range b.Requests {
		if p := in.Position; p != nil && (p.Hook == "" || len(p.Hook) > maxHookName) {
			return nil, invalid("", "a request of a hook without a usable name")
		}
		readings[i] = h.readRelayed(in)
		entries[i] = readings[i].Entry
	}
	stored, err := h.store.AppendBatch(ctx, entries)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("store a batch of webhooks: %w", err)
	}
	if err != nil {
		h.log.Error("a batch of webhooks could not be stored", "requests", len(entries), "err", err)
	}
	out := make([]app.Answer, len(entries))
	for i, r := range readings {
		switch {
		case err != nil:
			out[i] = unstored(err)
		case stored[i].Err != nil:
			h.log.Error("a webhook could not be stored", "account", r.Delivery.Account, "err", stored[i].Err)
			out[i] = unstored(stored[i].Err)
		case stored[i].Known:
			out[i] = app.Answer{Status: http.StatusOK, Stored: true}
		case b.Requests[i].Refused != nil:
			out[i] = *b.Requests[i].Refused
			out[i].Stored, out[i].Seq = true, stored[i].Delivery.Seq
		default:
			out[i] = r.answer(stored[i].Delivery.Seq, true)
			if r.Keep == store.KeepWhole {
				r.account.delivered(r.Delivery.At)
			}
		}
	}
	return out, nil
}

// unstored is busy with the reason: the sender doesn't see the answer, but the tunnel's status shows why the request is sent
// again.
func unstored(err error) app.Answer {
	a := busy(err)
	a.Text = strings.TrimPrefix(err.Error(), "store: ")
	return a
}

// readRelayed is read for a request that is stored elsewhere and won't be sent again once its position is stored. So a request for an
// unknown account is kept, in a bounded ring, rather than refused.
func (h *Hub) readRelayed(in app.Inbound) reading {
	var r reading
	stray := func(verdict provider.Verdict, status int, reason string) {
		r.Keep, r.Delivery = store.KeepStray, arrived(in)
		r.Delivery.Verdict, r.Delivery.Status, r.Delivery.Reason = verdict, status, reason
	}
	name, caught := app.CatchOf(in.Account)
	switch a := h.accounts[in.Account]; {
	case in.Refused != nil && in.Reason != "":
		stray(provider.Rejected, in.Refused.Status, in.Reason)
	case in.Refused != nil:
		r.Keep = store.KeepPosition
		r.Delivery.Account = in.Account
	case in.Missing != "":
		stray(provider.Rejected, http.StatusRequestEntityTooLarge, "the body was not delivered: "+in.Missing)
	case caught:
		r = h.readCaught(name, in)
	case a == nil:
		stray(provider.Unverified, http.StatusNotFound, fmt.Sprintf("no account %q is configured here", in.Account))
	default:
		r = h.read(a, in)
	}
	if r.Keep == store.KeepStray {
		clip(&r.Delivery)
	}
	if in.Position != nil {
		r.Position = *in.Position
	}
	return r
}

// TunnelState returns the positions from which a tunnel resumes; see [app.Backend].
func (h *Hub) TunnelState(ctx context.Context, _ app.TunnelQuery) (app.TunnelState, error) {
	var out app.TunnelState
	read := func(tx *store.Tx) error {
		var err error
		out.Device = string(tx.Value(deviceName))
		out.Positions, err = tx.Positions()
		return err
	}
	if err := h.store.View(ctx, read); err != nil || out.Device != "" {
		return out, err
	}
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		if err := read(tx); err != nil || out.Device != "" {
			return err
		}
		out.Device = rand.Text()
		return tx.PutValue(deviceName, []byte(out.Device))
	})
	if errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrClosed) {
		err = &app.Error{Kind: app.Busy, Text: err.Error(), Hint: "try again in a moment", Err: err}
	}
	return out, err
}

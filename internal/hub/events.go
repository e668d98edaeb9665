package hub

import (
	"context"
	"errors"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/provider"
	"greenroom/store"
)

// Events lists deliveries, newest first; see [app.Backend].
func (h *Hub) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	f, err := filter.Parse(q.Filter, filter.Options{Now: h.now().Local()})
	if err != nil {
		return app.EventPage{}, app.Errorf(provider.Invalid, "", "%v", err)
	}
	q.Filter = f.String()
	if err := h.store.View(ctx, func(tx *store.Tx) error { return h.meetingID(tx, &q.Meeting) }); err != nil {
		return app.EventPage{}, err
	}
	return h.store.Events(ctx, q)
}

// Event returns one delivery with its headers and body.
func (h *Hub) Event(ctx context.Context, ref app.EventRef) (app.Delivery, error) {
	d, err := store.Read(ctx, h.store, func(tx *store.Tx) (app.Delivery, error) { return tx.Delivery(ref.Seq) })
	if errors.Is(err, store.ErrNotFound) {
		return d, notFound("there is no event %d; it may have been dropped by retention", ref.Seq)
	}
	return d, err
}

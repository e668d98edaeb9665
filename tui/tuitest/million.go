package tuitest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Many is a Backend whose deliveries are computed when they are read, so that any number needs no memory.
type Many struct {
	*Backend
	// N is how many deliveries there are.
	N atomic.Uint64

	origin time.Time
}

// NewMany makes a Backend with n deliveries.
func NewMany(b *Backend, n uint64) *Many {
	m := &Many{Backend: b, origin: b.Clock.Now()}
	m.N.Store(n)
	return m
}

// row computes one delivery.
func (m *Many) row(seq uint64) app.Delivery {
	kinds := provider.EventKinds()
	d := app.Delivery{
		Seq: seq, At: app.At(m.origin.Add(time.Duration(seq) * time.Millisecond)), Account: "daily", Method: "POST",
		Target: "/hooks/daily", Size: int64(300 + seq%900), Verdict: provider.Verified, Status: 200,
		Kind: kinds[seq%uint64(len(kinds))], Type: "participant.joined", Room: fmt.Sprintf("room-%d", seq%50), Participant: "Ada 渡辺",
	}
	if seq%17 == 0 {
		d.Verdict, d.Status, d.Reason = provider.Rejected, 401, "the signature does not match"
	}
	return d
}

// Arrive makes the next delivery and publishes it.
func (m *Many) Arrive() {
	d := m.row(m.N.Add(1))
	m.Publish(app.Change{Kind: app.DeliveryChange, Delivery: &d})
}

// Events returns a page. It has no filter.
func (m *Many) Events(_ context.Context, q app.EventQuery) (app.EventPage, error) {
	n := m.N.Load()
	from, to := uint64(1), n // inclusive
	if q.Before > 0 {
		to = min(n, q.Before-1)
	}
	if q.After > 0 {
		from = q.After + 1
	}
	limit := uint64(max(q.Limit, 1))
	var p app.EventPage
	if to < from {
		return p, nil
	}
	if to-from+1 > limit {
		p.More = true
		if q.After > 0 && q.Before == 0 {
			to = from + limit - 1
		} else {
			from = to - limit + 1
		}
	}
	for seq := to; seq >= from; seq-- {
		p.Events = append(p.Events, m.row(seq))
	}
	p.Next = from
	if q.After > 0 && q.Before == 0 {
		p.Next = to
	}
	return p, nil
}

// Event computes one delivery with headers and body.
func (m *Many) Event(_ context.Context, ref app.EventRef) (app.Delivery, error) {
	d := m.row(ref.Seq)
	d.Headers = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"platform/1.0"}}
	d.Body = app.Body(fmt.Sprintf(`{"version":"1.0.0","type":"participant.joined","id":"evt-%d","payload":{"room":%q,"user_name":"Ada 渡辺","joined_at":1700000000.25,"owner":false},"event_ts":1700000000.5}`, ref.Seq, d.Room))
	return d, nil
}

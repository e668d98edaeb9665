package apptest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"greenroom/internal/app"
)

// Resign leaves the signature and marks the request.
func (m *Memory) Resign(ctx context.Context, r app.ResignRequest) (app.Inbound, error) {
	if err := m.begin(ctx, "Resign"); err != nil {
		return app.Inbound{}, err
	}
	defer m.Unlock()
	in := r.Request
	if !r.IfStale {
		in.Header = maps.Clone(in.Header)
		in.Header["X-Resigned"] = []string{r.Secret}
	}
	return in, nil
}

// Replay stores an event again.
func (m *Memory) Replay(ctx context.Context, r app.Replay) (app.Answer, error) {
	if err := m.begin(ctx, "Replay"); err != nil {
		return app.Answer{}, err
	}
	defer m.Unlock()
	if r.Seq == 0 || r.Seq > uint64(len(m.events)) {
		return app.Answer{}, notFound("event", fmt.Sprint(r.Seq))
	}
	d := m.events[r.Seq-1]
	if r.Request != nil {
		d.Method, d.Target, d.Headers, d.Body = r.Request.Method, r.Request.Target, http.Header(r.Request.Header), r.Request.Body
	}
	d.ReplayOf, d.DuplicateOf, d.Via, d.StoredAt = app.Seq(r.Seq), 0, "replay", app.At(time.Now())
	return app.Answer{Status: http.StatusOK, Seq: m.deliver(d).Seq, Stored: true}, nil
}

// Import stores events of a file.
func (m *Memory) Import(ctx context.Context, b app.ImportBatch) (app.ImportedBatch, error) {
	var out app.ImportedBatch
	if err := m.begin(ctx, "Import"); err != nil {
		return out, err
	}
	defer m.Unlock()
	for _, d := range b.Events {
		id := fmt.Sprint(d.Seq, d.At, d.Account, d.Method, d.Target, d.Headers, d.Body)
		if m.imported[id] {
			out.Known++
			continue
		}
		if m.imported == nil {
			m.imported = make(map[string]bool)
		}
		m.imported[id] = true
		d.Imported, d.DuplicateOf, d.ReplayOf = true, 0, 0
		m.deliver(d)
		out.Stored++
	}
	return out, nil
}

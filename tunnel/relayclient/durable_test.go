package relayclient_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
	"greenroom/provider"
	realstore "greenroom/store"
	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

// placeHeader is where a durable end notes a request's numbers, for looking at their order later.
const placeHeader = "Test-Place"

// durable is the end that stores, in the program's own store.
type durable struct {
	store *realstore.Store
	// before and after are called around each commit with how many requests were stored before it; they may be nil.
	before, after func(stored, batch int)
	stored        atomic.Int64
}

func openDurable(dir string) (*durable, error) {
	s, err := realstore.Open(realstore.Options{Path: filepath.Join(dir, realstore.FileName), RetainBytes: 1 << 40})
	return &durable{store: s}, err
}

func (d *durable) local(device string) tunnel.Local {
	return tunnel.Local{Device: device, Receive: d.receive, Positions: d.positions}
}

func (d *durable) positions(ctx context.Context) (out []cursor.Position, err error) {
	err = d.store.View(ctx, func(tx *realstore.Tx) error {
		all, err := tx.Positions()
		for _, p := range all {
			out = append(out, cursor.Position(p))
		}
		return err
	})
	return out, err
}

func (d *durable) receive(ctx context.Context, batch []tunnel.Envelope) ([]tunnel.Answer, error) {
	entries := make([]realstore.Entry, len(batch))
	for i, e := range batch {
		header := e.Header.Clone()
		header.Set(placeHeader, fmt.Sprintf("%d/%d", e.Epoch, e.Seq))
		entries[i] = realstore.Entry{
			Delivery: app.Delivery{
				At: app.At(e.ReceivedAt), Account: e.Hook, Method: e.Method, Target: e.Target, Headers: header, Body: e.Body,
				Size: int64(len(e.Body)), Verdict: provider.Verified, Status: 200, Kind: provider.KindTest, Reason: e.Missing,
			},
			Position: e.Position,
		}
	}
	if d.before != nil {
		d.before(int(d.stored.Load()), len(batch))
	}
	stored, err := d.store.AppendBatch(ctx, entries)
	if err == nil && d.after != nil {
		d.after(int(d.stored.Load()), len(batch))
	}
	answers := make([]tunnel.Answer, len(batch))
	for i := range answers {
		switch {
		case err != nil:
			answers[i] = tunnel.Answer{Status: 503, Text: err.Error()}
		case stored[i].Err != nil:
			answers[i] = tunnel.Answer{Status: 503, Text: stored[i].Err.Error()}
		default:
			answers[i] = tunnel.Answer{Stored: true, Status: 200, Text: "stored"}
			d.stored.Add(1)
		}
	}
	return answers, nil
}

// check compares everything in a closed store with what was sent.
func check(t testing.TB, l *tunneltest.Ledger, dir string) {
	t.Helper()
	d, err := openDurable(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.store.Close(); err != nil {
			t.Error(err)
		}
	}()
	l.Check(t, func(visit func(tunneltest.Kept)) { d.all(t, visit) })
}

// all visits everything in the order in which it was stored.
func (d *durable) all(t testing.TB, visit func(tunneltest.Kept)) {
	t.Helper()
	for after := uint64(0); ; {
		page, err := d.store.Events(t.Context(), app.EventQuery{After: after, Forward: true, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) == 0 {
			return
		}
		newest := page.Events[0].Seq // a page is newest first, whichever way it is turned
		if err := d.store.View(t.Context(), func(tx *realstore.Tx) error {
			for _, row := range slices.Backward(page.Events) {
				e, err := tx.Delivery(row.Seq)
				if err != nil {
					return err
				}
				k := tunneltest.Kept{ID: e.Headers.Get(tunneltest.IDHeader), Hook: e.Account, Body: e.Body}
				if _, err := fmt.Sscanf(e.Headers.Get(placeHeader), "%d/%d", &k.Epoch, &k.Seq); err != nil {
					return err
				}
				if e.Reason != "" {
					t.Errorf("%s has lost its body: %s", k.ID, e.Reason)
				}
				visit(k)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		after = newest
	}
}

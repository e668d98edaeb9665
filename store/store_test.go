package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), FileName)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func delivery(n int) app.Delivery {
	return app.Delivery{
		At: app.At(t0.Add(time.Duration(n) * time.Second)), Account: "daily", Method: "POST",
		Target: "/hooks/daily?x=1", Headers: http.Header{"X-Twice": {"a", "b"}}, Body: app.Body(fmt.Sprintf(`{"n":%d}`, n)),
		Size: 8, Verdict: provider.Verified, Status: 200, Kind: provider.KindParticipantJoined,
		ProviderID: fmt.Sprintf("evt-%d", n),
	}
}

func appendN(t testing.TB, s *Store, n int, change func(int, *app.Delivery)) {
	t.Helper()
	var wg sync.WaitGroup
	next := make(chan int)
	for range 64 {
		wg.Go(func() {
			for i := range next {
				d := delivery(i)
				if change != nil {
					change(i, &d)
				}
				if _, err := s.Append(context.Background(), Entry{Delivery: d}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func TestADeliveryComesBackByteForByte(t *testing.T) {
	s := open(t, Options{})
	want := delivery(1)
	want.Body = app.Body("\x00\xff not utf-8 \r\n")
	got, err := s.Append(t.Context(), Entry{Delivery: want})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(tx *Tx) error {
		d, err := tx.Delivery(got.Seq)
		if err != nil {
			return err
		}
		if string(d.Body) != string(want.Body) || len(d.Headers["X-Twice"]) != 2 || d.Target != want.Target {
			t.Errorf("got %+v", d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSameProviderIDIsAppliedOnce(t *testing.T) {
	s := open(t, Options{})
	applied := 0
	effect := func(_ *Tx, d *app.Delivery) error { applied++; d.Meeting, d.Room = "m", "design"; return nil }
	first, err := s.Append(t.Context(), Entry{Delivery: delivery(1), Effect: effect})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Append(t.Context(), Entry{Delivery: delivery(1), Effect: effect})
	if err != nil {
		t.Fatal(err)
	}
	if again.Meeting != "m" || again.Room != "design" {
		t.Errorf("the repeat is about %q in %q", again.Meeting, again.Room)
	}
	other := delivery(1)
	other.Account = "daily-2"
	third, err := s.Append(t.Context(), Entry{Delivery: other, Effect: effect})
	if err != nil {
		t.Fatal(err)
	}
	if applied != 2 || again.DuplicateOf != app.Seq(first.Seq) || third.DuplicateOf != 0 {
		t.Errorf("applied %d, duplicate of %d, other account's %d", applied, again.DuplicateOf, third.DuplicateOf)
	}
}

func TestAFailingEffectTakesOnlyItselfOut(t *testing.T) {
	s := open(t, Options{})
	put := func(id string, err error) func(*Tx, *app.Delivery) error {
		return func(tx *Tx, d *app.Delivery) error {
			if e := tx.PutMeeting(roster.Meeting{Meeting: app.Meeting{ID: id, Status: app.Open, RoomID: "r"}}); e != nil {
				return e
			}
			d.Meeting = id
			if err == nil {
				return nil
			}
			if err.Error() == "panic" {
				panic("no such thing")
			}
			return err
		}
	}
	cases := []struct {
		id   string
		fail error
	}{{"good-1", nil}, {"bad", errors.New("no room is named")}, {"worse", errors.New("panic")}, {"good-2", nil}}
	var wg sync.WaitGroup
	for i, c := range cases {
		wg.Go(func() {
			d, err := s.Append(t.Context(), Entry{Delivery: delivery(i), Effect: put(c.id, c.fail)})
			if err != nil {
				t.Error(err)
			}
			if (d.Unapplied != "") != (c.fail != nil) || (d.Meeting == "") != (c.fail != nil) {
				t.Errorf("%s: unapplied %q, meeting %q", c.id, d.Unapplied, d.Meeting)
			}
		})
	}
	wg.Wait()
	if err := s.View(t.Context(), func(tx *Tx) error {
		for _, c := range cases {
			_, err := tx.Meeting(c.id)
			if got := errors.Is(err, ErrNotFound); got != (c.fail != nil) {
				t.Errorf("%s: %v", c.id, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	page, err := s.Events(t.Context(), app.EventQuery{})
	if err != nil || len(page.Events) != 4 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
}

func TestPagesMeetEndToEnd(t *testing.T) {
	s := open(t, Options{SegmentRows: 300})
	const n = 2000
	appendN(t, s, n, func(i int, d *app.Delivery) {
		if i%7 == 0 {
			d.Kind = provider.KindMeetingEnded
		}
		d.Meeting = fmt.Sprintf("m%d", i%3)
	})
	for range 20 {
		d := delivery(n)
		d.Verdict, d.ProviderID = provider.Rejected, ""
		if _, err := s.Reject(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	walk := func(q app.EventQuery, forward bool) []uint64 {
		var out []uint64
		for {
			page, err := s.Events(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Events {
				e := page.Events[i]
				if forward {
					e = page.Events[len(page.Events)-1-i]
				}
				out = append(out, e.Seq)
			}
			if !page.More {
				return out
			}
			if forward {
				q.After = page.Next
			} else {
				q.Before = page.Next
			}
		}
	}
	down := walk(app.EventQuery{Limit: 37}, false)
	up := walk(app.EventQuery{Limit: 41, After: 1}, true)
	if len(down) != n+20 || len(up) != n+19 {
		t.Fatalf("%d down, %d up", len(down), len(up))
	}
	for i := 1; i < len(down); i++ {
		if down[i] != down[i-1]-1 {
			t.Fatalf("after %d comes %d", down[i-1], down[i])
		}
	}
	for i := 1; i < len(up); i++ {
		if up[i] != up[i-1]+1 {
			t.Fatalf("after %d comes %d", up[i-1], up[i])
		}
	}
	filtered := walk(app.EventQuery{
		Limit: 10, Kinds: []provider.EventKind{provider.KindMeetingEnded}, Meeting: "m0",
	}, false)
	want := 0
	for i := range n {
		if i%21 == 0 {
			want++
		}
	}
	if len(filtered) != want {
		t.Errorf("%d filtered, want %d", len(filtered), want)
	}
	if got := walk(app.EventQuery{Verdict: provider.Rejected}, false); len(got) != 20 {
		t.Errorf("%d rejected", len(got))
	}
	for name, q := range map[string]app.EventQuery{
		"all": {Limit: 500}, "rejected": {Limit: 500, Verdict: provider.Rejected}, "verified": {Limit: 500, Verdict: provider.Verified},
		"filtered": {Limit: 500, Kinds: []provider.EventKind{provider.KindMeetingEnded}, Meeting: "m0"},
	} {
		if err := s.View(t.Context(), func(tx *Tx) error {
			if n, listed := tx.CountEvents(q), len(walk(q, false)); n != listed {
				t.Errorf("%s: %d are counted and %d listed", name, n, listed)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := walk(app.EventQuery{Grep: `"N":1999`}, false); len(got) != 1 {
		t.Errorf("%d found by text", len(got))
	}
	if got := walk(app.EventQuery{Since: app.At(t0.Add((n - 5) * time.Second)), Verdict: provider.Verified}, false); len(got) != 5 {
		t.Errorf("%d since", len(got))
	}
}

func TestAFloodOfForgeriesStaysInItsRing(t *testing.T) {
	s := open(t, Options{RingRows: 50, RingBytes: 1 << 20})
	if _, err := s.Append(t.Context(), Entry{Delivery: delivery(0)}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := range 20 {
				d := delivery(w*100 + i)
				d.Verdict, d.Body = provider.Rejected, app.Body(strings.Repeat("x", 1000))
				if _, err := s.Reject(t.Context(), d); err != nil && !errors.Is(err, ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Deliveries != 51 {
		t.Errorf("%d deliveries are kept, want 51", st.Deliveries)
	}
	if st.Commits > 100 {
		t.Errorf("400 forgeries made %d commits", st.Commits)
	}
	page, err := s.Events(t.Context(), app.EventQuery{Verdict: provider.Verified})
	if err != nil || len(page.Events) != 1 {
		t.Errorf("%d authentic ones, %v", len(page.Events), err)
	}
}

// TestAFloodOfStraysLeavesForgeries: what costs strangers nothing drives out no rejected signature, and both are listed in
// their order.
func TestAFloodOfStraysLeavesForgeries(t *testing.T) {
	s := open(t, Options{RingRows: 2})
	forged, stray := delivery(1), delivery(2)
	forged.Verdict, stray.Verdict = provider.Rejected, provider.Rejected
	var kept []uint64
	reject := func(d app.Delivery, how func(context.Context, app.Delivery) (app.Delivery, error)) {
		t.Helper()
		got, err := how(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, got.Seq)
	}
	reject(forged, s.Reject)
	var wg sync.WaitGroup
	for range strayRows + 1 {
		wg.Go(func() {
			if _, err := s.RejectStray(t.Context(), stray); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	reject(stray, s.RejectStray)
	reject(forged, s.Reject)
	for _, forward := range []bool{false, true} {
		page, err := s.Events(t.Context(), app.EventQuery{Verdict: provider.Rejected, Limit: 1000, Forward: forward})
		if err != nil || len(page.Events) != strayRows+2 {
			t.Fatalf("%d are kept, %v", len(page.Events), err)
		}
		if page.Events[0].Seq != kept[2] || page.Events[1].Seq != kept[1] || page.Events[len(page.Events)-1].Seq != kept[0] {
			t.Errorf("forward %v: the first is %d, the second %d, the last %d, of %v", forward,
				page.Events[0].Seq, page.Events[1].Seq, page.Events[len(page.Events)-1].Seq, kept)
		}
	}
	for _, seq := range kept {
		var d app.Delivery
		if err := s.View(t.Context(), func(tx *Tx) (err error) { d, err = tx.Delivery(seq); return err }); err != nil || d.Seq != seq || len(d.Body) == 0 {
			t.Errorf("%d: %+v, %v", seq, d, err)
		}
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Deliveries != strayRows+2 {
		t.Errorf("%+v, %v", st, err)
	}
	stray.Body = make([]byte, strayBytes/3)
	for range 4 {
		reject(stray, s.RejectStray)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Deliveries != 2+2 {
		t.Errorf("large ones: %d are kept, %v", st.Deliveries, err)
	}
}

func TestDeliveriesAreKeptByteForByte(t *testing.T) {
	s := open(t, Options{})
	d := delivery(1)
	d.Target, d.Headers = "/hooks/daily?q=\xff", http.Header{"X-Latin": {"Zo\xeb"}, "X-Twice": {"a", "b"}}
	kept, err := s.Append(t.Context(), Entry{Delivery: d})
	if err != nil {
		t.Fatal(err)
	}
	ringed, err := s.Reject(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{kept.Seq, ringed.Seq} {
		var got app.Delivery
		if err := s.View(t.Context(), func(tx *Tx) (err error) { got, err = tx.Delivery(seq); return err }); err != nil {
			t.Fatal(err)
		}
		if got.Target != d.Target || got.Headers.Get("X-Latin") != "Zo\xeb" || len(got.Headers["X-Twice"]) != 2 {
			t.Errorf("%d: %q, %q", seq, got.Target, got.Headers)
		}
	}
}

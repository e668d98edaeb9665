package ipc_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
)

// BenchmarkCall compares a call in-process with one over the socket. The difference must stay below 1 ms.
func BenchmarkCall(b *testing.B) {
	p := newPlace(b)
	owner := p.open(b, p.options(apptest.NewMemory(1)))
	attached := p.open(b, p.options(nil))
	for i := range 20 {
		if _, err := owner.CreateRoom(b.Context(), app.RoomSpec{Name: fmt.Sprint("room-", i)}); err != nil {
			b.Fatal(err)
		}
	}
	for _, bm := range []struct {
		name string
		call func(context.Context, app.RoomQuery) ([]app.RoomView, error)
	}{{"in-process", owner.Rooms}, {"socket", attached.Rooms}} {
		b.Run(bm.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if _, err := bm.call(b.Context(), app.RoomQuery{}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkEffect is how long it takes until one attached terminal sees what another one did.
func BenchmarkEffect(b *testing.B) {
	p := newPlace(b)
	p.open(b, p.options(apptest.NewMemory(64)))
	doer, watcher := p.open(b, p.options(nil)), p.open(b, p.options(nil))
	changes, err := watcher.Subscribe(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		if _, err := doer.Ingest(b.Context(), app.Inbound{Account: strconv.Itoa(n)}); err != nil {
			b.Fatal(err)
		}
		if c := <-changes; c.Delivery == nil || c.Delivery.Account != strconv.Itoa(n) {
			b.Fatalf("saw %+v", c)
		}
	}
}

// BenchmarkStream carries 5,000 changes a second, in bursts of 25 every 5 ms, to three readers over the socket, and
// reports how many of them each missed.
func BenchmarkStream(b *testing.B) {
	p := newPlace(b)
	bus := apptest.NewMemory(4096)
	p.open(b, p.options(bus))
	const readers = 3
	ended := make(chan [2]int, readers)
	for range readers {
		ch, err := p.open(b, p.options(nil)).Subscribe(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		go func() {
			var got, missed int
			for c := range ch {
				switch c.Kind {
				case app.Missed:
					missed++
				case app.StatusChange:
					ended <- [2]int{got, missed}
					return
				default:
					got++
				}
			}
		}()
	}
	change := app.Change{Kind: app.DeliveryChange, Delivery: &app.Delivery{
		Account: "daily", Method: "POST", Target: "/hooks/daily", Size: 900, Verdict: "verified", Status: 200,
		Kind: "participant.joined", Type: "participant.joined", Meeting: "01jd", Room: "stand-up", Participant: "Zoë 渡辺",
	}}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	sent := 0
	for b.Loop() {
		if sent%25 == 0 {
			<-tick.C
		}
		bus.Publish(change)
		sent++
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "changes/s")
	bus.Publish(app.Change{Kind: app.StatusChange})
	var missed int
	for range readers {
		r := <-ended
		missed += r[1]
		if r[1] == 0 && r[0] != sent {
			b.Errorf("%d of %d changes came", r[0], sent)
		}
	}
	b.ReportMetric(float64(missed), "missed")
}

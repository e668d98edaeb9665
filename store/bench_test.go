package store

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

// BenchmarkMillion measures a store of a million deliveries (100,000 with -short): opening it, its newest page, a page
// of a filter that matches one in a thousand, one that matches nothing, and the heap while it is open.
func BenchmarkMillion(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	path := filepath.Join(b.TempDir(), FileName)
	fillStore(b, path, n)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := Open(Options{Path: path})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	s := open(b, Options{Path: path})
	page := func(b *testing.B, q app.EventQuery, want int) {
		for b.Loop() {
			p, err := s.Events(context.Background(), q)
			if err != nil || len(p.Events) != want {
				b.Fatalf("%d events, %v", len(p.Events), err)
			}
		}
	}
	b.Run("newest-page", func(b *testing.B) { page(b, app.EventQuery{Limit: 50}, 50) })
	b.Run("filtered-page", func(b *testing.B) {
		page(b, app.EventQuery{Limit: 50, Kinds: []provider.EventKind{provider.KindRecordingReady}}, 50)
	})
	b.Run("meeting-page", func(b *testing.B) { page(b, app.EventQuery{Limit: 50, Meeting: "meeting-7"}, 50) })
	b.Run("nothing-matches", func(b *testing.B) { page(b, app.EventQuery{Limit: 50, Account: "none"}, 0) })
	b.Run("heap", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Events(context.Background(), app.EventQuery{Limit: 1000}); err != nil {
				b.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB")
	})
}

func fillStore(b *testing.B, path string, n int) {
	b.Helper()
	s, err := Open(Options{Path: path, RetainBytes: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	next := make(chan int, 1024)
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := range next {
				d := delivery(i)
				d.Meeting = fmt.Sprintf("meeting-%d", i/500)
				if i%1000 == 0 {
					d.Kind = provider.KindRecordingReady
				}
				d.Body = make(app.Body, 512)
				if _, err := s.Append(context.Background(), Entry{Delivery: d}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAppend measures a delivery with an effect on a meeting of some size, with 64 at a time, and what that costs
// the processors and the heap.
func BenchmarkAppend(b *testing.B) {
	s := open(b, Options{})
	effect := func(tx *Tx, d *app.Delivery) error {
		m, err := tx.Meeting("m")
		if err != nil {
			m = roster.Meeting{Meeting: app.Meeting{ID: "m", RoomID: "r", Account: "daily", PlatformRoom: "r", Status: app.Open}}
		}
		d.Meeting = m.ID
		var st roster.Stay
		st.Joined(provider.Participant{Session: d.ProviderID, Name: "Zoë"}, d.At.Time, app.FromWebhook)
		if err := tx.PutStay(m.ID, st); err != nil {
			return err
		}
		return tx.PutMeeting(m)
	}
	b.ReportAllocs()
	b.SetParallelism(32)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d := delivery(int(n.Add(1)))
			if _, err := s.Append(context.Background(), Entry{Delivery: d, Effect: effect}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(s.commits.Load())/float64(b.N), "commits/op")
}

package store

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
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
	for name, f := range map[string]struct {
		filter string
		want   int
	}{
		"filter/kind":        {"kind:recording.ready", 50},
		"filter/participant": {"participant:person-77", 50},
		"filter/combination": {"account:daily status:200 -kind:test size:<1MB room:*5 or is:duplicate", 50},
		"filter/nothing":     {"account:none room:x", 0},
		"filter/nothing-or":  {"meeting:none or room:none or status:599 or size:>1GB", 0},
		"filter/body-path":   {"body.payload.id:id-985000", 1},
		"filter/text":        {"id-985000", 1},
		"filter/regex":       {"/id-98500[0]/", 1},
	} {
		b.Run(name, func(b *testing.B) { page(b, app.EventQuery{Limit: 50, Filter: f.filter}, f.want) })
	}
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

var filler = strings.Repeat("lorem ipsum ", 32)

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
				d.Room, d.Participant = fmt.Sprintf("room-%d", i%40), fmt.Sprintf("person-%d", i%10_000)
				d.Body = app.Body(fmt.Sprintf(`{"version":"1.0.0","payload":{"id":"id-%d","room":%q,"user_name":%q,"filler":%q}}`, i, d.Room, d.Participant, filler))
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

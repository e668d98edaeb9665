package store

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"greenroom/internal/app"
)

// BenchmarkSearch measures the first hit of texts that only the oldest delivery of a million (100,000 with -short) has, and the answer that
// nothing has a text, with the index of texts and without it. It also reports the size of the index, and what it costs to make it.
func BenchmarkSearch(b *testing.B) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	path := filepath.Join(b.TempDir(), FileName)
	s, err := Open(Options{Path: path, RetainBytes: 1 << 40, unindexed: true})
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	s.db.NoSync = true
	oldest := lifelike(-1)
	oldest.Headers.Set("X-Oldest", "the very first")
	oldest.Body = append(oldest.Body[:len(oldest.Body)-1], `,"note":"Überraschung","amount":77123}`...)
	if _, err := s.Append(b.Context(), Entry{Delivery: oldest}); err != nil {
		b.Fatal(err)
	}
	var batch []Entry
	for i := range n - 1 {
		d := lifelike(i)
		size += len(d.Body)
		if batch = append(batch, Entry{Delivery: d}); len(batch) < 500 && i < n-2 {
			continue
		}
		if _, err := s.AppendBatch(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	before, err := s.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	began, used := time.Now(), processorTime(b)
	indexAll(b, s)
	after, err := s.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	used, n64 := processorTime(b)-used, float64(n)
	b.Logf("%.0f bytes a body, %.0f in the store and %.0f in the index for each event; made in %s, %.1f µs of processor time for each event",
		float64(size)/n64, float64(before.Bytes-before.FreeBytes)/n64, float64(after.Bytes-after.FreeBytes-before.Bytes+before.FreeBytes)/n64,
		time.Since(began).Round(time.Millisecond), float64(used.Microseconds())/n64)
	id := oldest.Session
	for _, f := range []struct {
		name, filter string
		want         int
	}{
		{"word", "uberraschung", 1}, {"id", id, 1}, {"part-of-id", id[:8], 1}, {"long-part", id[:13], 1}, {"body-path", "body.amount:77123", 1}, {"header", "header.x-oldest:*very*", 1},
		{"regex", `/berrasch\w+/`, 1},
		{"no-word", "nowhere", 0}, {"no-five", `"zq jx"`, 0}, {"no-four", `"zq j"`, 0}, {"no-three", `"q j"`, 0}, {"no-two", `"q~"`, 0}, {"word4", "zanz", -1}, {"no-id", "8f14e45f-ceea", 0}, {"no-short-id", "8f14e45f", 0}, {"number", "77124", -1}, {"no-body-path", "body.payload.user_id:nowhere", 0}, {"no-path", "body.nowhere:>5", 0},
		{"no-header", "header.x-none:*", 0}, {"no-regex", "/nowhe[rs]e/", 0},
		{"no-regex5", "/nowh[xe]/", -1}, {"word3", "zqj", -1}, {"two-letters", "zq", -1}, {"other-accounts", "-account:daily", 0},
		{"grep", "überraschung", 1}, {"grep-none", "nowhere", 0},
	} {
		for _, unindexed := range []bool{false, true} {
			name := f.name + "/index"
			if unindexed {
				name = f.name + "/none"
			}
			b.Run(name, func(b *testing.B) {
				s.opt.unindexed = unindexed
				calls, before := 0, processorTime(b)
				for b.Loop() {
					found := 0
					q := app.EventQuery{Limit: 1, Filter: f.filter}
					if strings.HasPrefix(f.name, "grep") {
						q.Grep, q.Filter = f.filter, ""
					}
					for {
						p, err := s.Events(context.Background(), q)
						if err != nil {
							b.Fatal(err)
						}
						calls++
						found += len(p.Events)
						if q.Before = p.Next; !p.More || found > 0 {
							break
						}
					}
					if found != f.want && f.want >= 0 {
						b.Fatalf("%d events", found)
					}
				}
				b.ReportMetric(float64(calls)/float64(b.N), "calls")
				b.ReportMetric((processorTime(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
	s.opt.unindexed = true
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func processorTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

package tui

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/tui/tuitest"
)

// large is a backend whose deliveries have a body of the benchmark's.
type large struct {
	*tuitest.Many
	body app.Body
}

func (l *large) Event(_ context.Context, ref app.EventRef) (app.Delivery, error) {
	return app.Delivery{Seq: ref.Seq, Headers: http.Header{"Content-Type": {"application/json"}}, Body: l.body}, nil
}

// BenchmarkDetail is the time from the key that selects a delivery to the frame with its headers and body. The budget is 16 ms.
func BenchmarkDetail(b *testing.B) {
	item := `{"session_id":"8f14e45f-ceea-467f-a8d2-8d1e8a5c3c11","user_name":"Zoë 渡辺","joined_at":1700000000.25,"owner":false,"tags":["a","b"]}`
	list := func(n int) string { return "[" + strings.Repeat(item+",", n/len(item)) + item + "]" }
	for _, c := range []struct{ name, body string }{
		{"JSON of 1 KiB", list(1 << 10)}, {"JSON of 250 KiB", list(250 << 10)}, {"JSON of 1 MiB", list(1 << 20)},
		{"lines of 1 MiB", strings.Repeat("a line of text\n", 1<<16)}, {"bytes of 1 MiB", strings.Repeat("\xff\x00ab", 1<<18)},
	} {
		b.Run(c.name, func(b *testing.B) {
			backend := &large{Many: tuitest.NewMany(tuitest.New(clockwork.NewRealClock()), 1000), body: app.Body(c.body)}
			d := newDesk(b, backend)
			d.take(letter('4'))
			d.until(b, func() bool { return d.shows("Headers") })
			var worst, total time.Duration
			n := 0
			for b.Loop() {
				key := letter([]rune("jk")[n%2])
				n++
				time.Sleep(150 * time.Millisecond) // a person who reads; faster keys are collected
				begun := time.Now()
				d.take(key)
				want := fmt.Sprintf("#%d", 1000-n%2)
				d.until(b, func() bool { return d.webhooks().Settled() && d.shows(want) && d.shows("Headers") })
				took := time.Since(begun)
				worst, total = max(worst, took), total+took
			}
			b.ReportMetric(float64(total.Microseconds())/1000/float64(n), "ms/key")
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms/worst")
		})
	}
}

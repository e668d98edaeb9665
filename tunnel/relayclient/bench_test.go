package relayclient_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	realstore "greenroom/store"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/relayclient"
	"greenroom/tunnel/tunneltest"
)

// BenchmarkRequests sends bodies of 1 KiB to a relay whose client stores them, durable at both ends, beside the same
// requests straight to a listener that stores them durably. It reports, for senders who wait for each answer, requests a
// second and how long answers take; how many a second have reached the store at the end; and both as a ratio to the direct
// connection of the same run.
func BenchmarkRequests(b *testing.B) {
	for _, policy := range []spool.Policy{spool.PolicyAck, spool.PolicySync} {
		for _, senders := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d", policy, senders), func(b *testing.B) {
				body := tunneltest.Random(1024)
				plain := newDirect(b)
				direct := load(b, plain.url, senders, b.N, body)

				h, d := newHouse(b, nil, policy), benchStore(b)
				h.open(relayclient.Options{}, d.local("device-1")).live()
				load(b, h.url(0), senders, senders, body) // connections
				before := d.stored.Load()
				b.ResetTimer()
				got := load(b, h.url(0), senders, b.N, body)
				d.reached(b, before+int64(b.N))
				whole := b.Elapsed()
				b.StopTimer()
				b.ReportMetric(got.rate, "req/s")
				b.ReportMetric(got.rate/direct.rate, "x-direct")
				b.ReportMetric(float64(b.N)/whole.Seconds(), "stored/s")
				b.ReportMetric(float64(b.N)/whole.Seconds()/direct.rate, "stored-x-direct")
				b.ReportMetric(got.at(0.50), "p50-ms")
				b.ReportMetric(got.at(0.99), "p99-ms")
				b.ReportMetric(direct.at(0.50), "direct-p50-ms")
				b.ReportMetric(direct.at(0.99), "direct-p99-ms")
			})
		}
	}
}

// BenchmarkBacklog measures a machine that wakes: requests of 1 KiB wait at the relay, in one hook or in many.
func BenchmarkBacklog(b *testing.B) {
	for _, hooks := range []int{1, 4} {
		b.Run(fmt.Sprintf("hooks=%d", hooks), func(b *testing.B) {
			body := tunneltest.Random(1024)
			plain := newDirect(b)
			direct := load(b, plain.url, 32, b.N, body)
			h, d := newHouse(b, nil, slices.Repeat([]spool.Policy{spool.PolicyAck}, hooks)...), benchStore(b)
			for hook := range hooks {
				load(b, h.url(hook), 64, b.N/hooks, body)
			}
			b.ResetTimer()
			h.open(relayclient.Options{}, d.local("device-1"))
			d.reached(b, int64(b.N/hooks*hooks))
			b.StopTimer()
			rate := float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "stored/s")
			b.ReportMetric(rate/direct.rate, "x-direct")
		})
	}
}

// BenchmarkLargeBody sends bodies of 64 MiB, and waits for each until the client has stored it.
func BenchmarkLargeBody(b *testing.B) {
	const large = 64 << 20
	body := tunneltest.Random(large)
	plain := newDirect(b)
	direct := load(b, plain.url, 1, b.N, body)

	h, d := newHouse(b, nil, spool.PolicyAck), benchStore(b)
	h.open(relayclient.Options{}, d.local("device-1")).live()
	b.SetBytes(large)
	b.ResetTimer()
	for n := range b.N {
		load(b, h.url(0), 1, 1, body)
		d.reached(b, int64(n+1))
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/direct.rate, "x-direct")
}

// measured is how a load went.
type measured struct {
	rate float64 // requests a second
	took []time.Duration
}

// at is the time in milliseconds within which the share of answers came.
func (m measured) at(share float64) float64 {
	return float64(m.took[int(share*float64(len(m.took)-1))].Microseconds()) / 1000
}

// load sends n requests from the given number of senders, each waiting for its answers.
func load(b *testing.B, url string, senders, n int, body []byte) measured {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	took := make([]time.Duration, n)
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range senders {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				start := time.Now()
				resp, err := client.Post(url+"/bench", "application/octet-stream", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					b.Errorf("answered %d, %v", resp.StatusCode, err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	all.Wait()
	m := measured{rate: float64(n) / time.Since(began).Seconds(), took: took}
	slices.Sort(m.took)
	return m
}

func benchStore(b *testing.B) *durable {
	b.Helper()
	d, err := openDurable(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := d.store.Close(); err != nil {
			b.Error(err)
		}
	})
	return d
}

// reached waits until so many were stored.
func (d *durable) reached(b *testing.B, n int64) {
	b.Helper()
	late := time.Now().Add(3 * patience)
	for d.stored.Load() < n {
		if time.Now().After(late) {
			b.Fatalf("%d of %d were stored", d.stored.Load(), n)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// direct is a listener that stores each request in the same kind of store before it answers.
type direct struct{ url string }

func newDirect(b *testing.B) direct {
	b.Helper()
	d := benchStore(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = d.store.Append(r.Context(), realstore.Entry{Delivery: app.Delivery{
				At: app.At(time.Now()), Account: "direct", Method: r.Method, Target: r.URL.RequestURI(), Headers: r.Header, Body: body,
				Size: int64(len(body)), Verdict: provider.Verified, Status: 200, Kind: provider.KindTest,
			}})
		}
		if err != nil {
			b.Error(err)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	b.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			b.Error(err)
		}
		<-served
	})
	return direct{url: "http://" + l.Addr().String()}
}

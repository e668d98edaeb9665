package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkIngest measures HTTP request → verified → durable → 200 with a number of clients, beside the least that
// durability costs: the same bodies appended to a bare file on the same disk, one fdatasync for all who wait. The two
// take turns within one run; "of-raw" is their ratio. "http/s" is what the same clients reach with a server that reads
// the body and answers without doing anything: all of them share the machine's processors.
func BenchmarkIngest(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			dir := b.TempDir()
			h := openHub(b, dir)
			l, err := Listen(Options{Addr: "127.0.0.1:0", Router: Router{Accounts: []string{"daily"}}, Ingest: h})
			if err != nil {
				b.Fatal(err)
			}
			raw, err := newRawLog(filepath.Join(dir, "raw"))
			if err != nil {
				b.Fatal(err)
			}
			idle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusOK)
			}))
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
			b.Cleanup(func() {
				client.CloseIdleConnections()
				idle.Close()
				if err := l.Close(context.Background()); err != nil {
					b.Error(err)
				}
				if err := h.Close(); err != nil {
					b.Error(err)
				}
				if err := raw.close(); err != nil {
					b.Error(err)
				}
			})
			var n atomic.Int64
			send := func(url string) error {
				i := int(n.Add(1))
				r, err := signed(url, fmt.Sprintf("room-%d", i%20), i)
				if err != nil {
					return err
				}
				resp, err := client.Do(r)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					return err
				}
				if resp.StatusCode != http.StatusOK {
					return fmt.Errorf("answered %d", resp.StatusCode)
				}
				return nil
			}
			body := make([]byte, 512)
			var ours, theirs, bare time.Duration
			total := 0
			const turn = 256
			for b.Loop() {
				theirs += spend(b, clients, turn, func() error { return raw.append(body) })
				bare += spend(b, clients, turn, func() error { return send(idle.URL) })
				ours += spend(b, clients, turn, func() error { return send(l.URL() + "/hooks/daily") })
				total += turn
			}
			b.ReportMetric(float64(total)/ours.Seconds(), "req/s")
			b.ReportMetric(float64(total)/theirs.Seconds(), "raw/s")
			b.ReportMetric(float64(total)/bare.Seconds(), "http/s")
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "of-raw")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// spend calls do the given number of times from a number of workers, and returns how long that took.
func spend(b *testing.B, workers, times int, do func() error) time.Duration {
	begun := time.Now()
	var left atomic.Int64
	left.Store(int64(times))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}

// rawLog is group commit without anything else: append, fdatasync once for all who wait, acknowledge.
type rawLog struct {
	f     *os.File
	queue chan rawWrite
	done  chan struct{}
}

type rawWrite struct {
	body []byte
	done chan error
}

func newRawLog(path string) (*rawLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	r := &rawLog{f: f, queue: make(chan rawWrite, 1024), done: make(chan struct{})}
	go r.run()
	return r, nil
}

func (r *rawLog) append(body []byte) error {
	w := rawWrite{body, make(chan error, 1)}
	r.queue <- w
	return <-w.done
}

func (r *rawLog) run() {
	defer close(r.done)
	for w := range r.queue {
		batch, buf := []rawWrite{w}, append([]byte(nil), w.body...)
	drain:
		for len(batch) < 256 {
			select {
			case w, ok := <-r.queue:
				if !ok {
					break drain
				}
				batch, buf = append(batch, w), append(buf, w.body...)
			default:
				break drain
			}
		}
		_, err := r.f.Write(buf)
		if err == nil {
			err = fdatasync(r.f)
		}
		for _, w := range batch {
			w.done <- err
		}
	}
}

func (r *rawLog) close() error {
	close(r.queue)
	<-r.done
	return r.f.Close()
}

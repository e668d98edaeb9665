package relay_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
	"greenroom/tunnel/wire"
)

// BenchmarkIngest measures a sender's wait: 1 KiB, durable at the relay, without a client.
func BenchmarkIngest(b *testing.B) {
	for _, senders := range []int{1, 32} {
		b.Run(fmt.Sprint("senders=", senders), func(b *testing.B) {
			r := newBench(b, relay.Options{Policy: spool.PolicyAck, Spool: 1 << 40})
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
			defer client.CloseIdleConnections()
			text := strings.Repeat("x", 1<<10)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			done := make(chan error, senders)
			for range senders {
				go func() {
					for left.Add(-1) >= 0 {
						resp, err := client.Post(r.url+"/h/"+r.hook.ID, "text/plain", strings.NewReader(text))
						if err == nil {
							_, err = io.Copy(io.Discard, resp.Body)
							resp.Body.Close()
						}
						if err != nil {
							done <- err
							return
						}
					}
					done <- nil
				}()
			}
			for range senders {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

// BenchmarkIdleHooks measures a relay's memory for each of 1,000 hooks, and for each of their idle clients. The relay is a
// process of its own, so that nothing else is counted.
func BenchmarkIdleHooks(b *testing.B) {
	const hooks = 1000
	for range b.N {
		dir := b.TempDir()
		empty := residentOf(b, startChild(b, dir))
		book, err := relay.OpenBook(dir, patience)
		if err != nil {
			b.Fatal(err)
		}
		var secrets []string
		for i := range hooks {
			made, err := book.CreateToken(context.Background(), fmt.Sprint("t", i), false)
			if err != nil {
				b.Fatal(err)
			}
			secrets = append(secrets, made.Secret)
		}
		if err := book.Close(); err != nil {
			b.Fatal(err)
		}
		c := startChild(b, dir)
		for i, secret := range secrets {
			p := c.dial(b, secret)
			p.hello(helloOf(fmt.Sprint("d", i)))
		}
		b.ReportMetric((residentOf(b, c)-empty)/hooks, "B/hook")
	}
}

// residentOf is how much memory a child takes, which is killed then.
func residentOf(b *testing.B, c *child) float64 {
	b.Helper()
	if runtime.GOOS != "linux" {
		b.Skip("how much memory a process takes is read from /proc")
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	c.kill(b)
	for line := range strings.Lines(string(raw)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "Anonymous: %f kB", &kib); n == 1 {
			return kib * 1024
		}
	}
	b.Fatal("no figure")
	return 0
}

// BenchmarkDeliver is how fast a backlog of 1 KiB requests goes to a client that stores at once.
func BenchmarkDeliver(b *testing.B) {
	r := newBench(b, relay.Options{Policy: spool.PolicyAck, Spool: 1 << 40})
	text := strings.Repeat("x", 1<<10)
	done := make(chan struct{}, 64)
	for i := range 64 {
		go func() {
			for n := i; n < b.N; n += 64 {
				r.post(b, r.hook.ID, "", text)
			}
			done <- struct{}{}
		}()
	}
	for range 64 {
		<-done
	}
	b.SetBytes(1 << 10)
	b.ResetTimer()
	p, _ := r.join(b)
	for i := range b.N {
		q := p.request()
		if i%100 == 99 || i == b.N-1 {
			p.stored(q)
			p.json(wire.Credit, 0, creditOf(100, 200<<10))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

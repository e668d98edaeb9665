package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"greenroom/internal/peers"
	"greenroom/internal/recording/source"
)

const (
	shapedDelay = 40 * time.Millisecond
	shapedRate  = 20_000_000
	shapedSize  = 256 << 20
)

// shaped is a server on the loopback that behaves like one that is far away: a request's first byte comes after shapedDelay,
// that of the first request of a connection after twice as long (its handshake), and no connection gives more than
// shapedRate bytes a second after a burst of 256 KiB. What it isn't: there is no slow start and no loss, and idle connections
// earn their burst again.
func shaped(b *testing.B, data []byte) (*origin, *ledger) { return originOf(b, data, true) }

// originOf serves a file, at once and at any pace unless it is shaped.
func originOf(b *testing.B, data []byte, shaped bool) (*origin, *ledger) {
	o := &origin{data: data, etag: `"one"`}
	sent := newLedger(len(data))
	sent.begin(0)
	o.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if shaped {
			time.Sleep(shapedDelay)
			if r.Context().Value(connKey{}).(*pacedConn).used.CompareAndSwap(false, true) {
				time.Sleep(shapedDelay)
			}
		}
		var off int64
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off)
		o.answer(sent.to(w, off), r)
	}))
	if shaped {
		o.Listener = pacedListener{o.Listener}
	}
	o.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	o.Start()
	b.Cleanup(func() {
		o.CloseClientConnections()
		o.Close()
	})
	return o, sent
}

// rival is a program that fetches url to file.mp4 in dir, and resumes after it was killed.
type rival struct {
	name string
	cmd  func(b *testing.B, url, dir string) *exec.Cmd
}

func rivals(b *testing.B) []rival {
	for _, need := range []string{"curl", "aria2c"} {
		if _, err := exec.LookPath(need); err != nil {
			peers.Missing(b, need)
		}
	}
	return []rival{
		{"greenroom", func(b *testing.B, url, dir string) *exec.Cmd {
			return process(b, order{URL: url, Dir: dir, Name: "file.mp4", Journal: dir + ".journal"})
		}},
		{"aria2c", func(_ *testing.B, url, dir string) *exec.Cmd {
			return exec.Command("aria2c", "-x4", "-c", "--no-conf", "-q", "-d", dir, "-o", "file.mp4", url)
		}},
		{"curl", func(_ *testing.B, url, dir string) *exec.Cmd {
			return exec.Command("curl", "-q", "-s", "-S", "-C", "-", "-o", filepath.Join(dir, "file.mp4"), url)
		}},
	}
}

func folderFor(b *testing.B, name string) string {
	dir := filepath.Join(b.TempDir(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkDownload fetches one file with each program, everything included: starting the process, checksums, syncing. The server
// is far away, or as fast as this machine.
func BenchmarkDownload(b *testing.B) {
	b.Run("shaped", func(b *testing.B) { benchmarkDownload(b, true) })
	b.Run("unlimited", func(b *testing.B) { benchmarkDownload(b, false) })
}

func benchmarkDownload(b *testing.B, isShaped bool) {
	data := content(9, shapedSize)
	all := rivals(b)
	times, memory := map[string]time.Duration{}, map[string]float64{}
	for b.Loop() {
		for _, r := range all {
			o, _ := originOf(b, data, isShaped)
			dir := folderFor(b, r.name)
			c := r.cmd(b, o.URL+"/file.mp4", dir)
			begun := time.Now()
			if err := c.Start(); err != nil {
				b.Fatal(err)
			}
			most, stop := make(chan float64), make(chan struct{})
			go func() { most <- peak(c.Process.Pid, stop) }()
			err := c.Wait()
			times[r.name] += time.Since(begun)
			close(stop)
			if memory[r.name] = max(memory[r.name], <-most); err != nil {
				b.Fatalf("%s: %v", r.name, err)
			}
			holds(b, filepath.Join(dir, "file.mp4"), data)
		}
	}
	for _, r := range all {
		b.ReportMetric(times[r.name].Seconds()/float64(b.N), "s/"+r.name)
		b.ReportMetric(memory[r.name], "MiB/"+r.name)
	}
	b.ReportMetric(times["greenroom"].Seconds()/times["aria2c"].Seconds(), "greenroom/aria2c")
	b.ReportMetric(times["greenroom"].Seconds()/times["curl"].Seconds(), "greenroom/curl")
}

// BenchmarkKilled kills each program when half of the file was sent, and counts the bytes that are sent again on resuming.
func BenchmarkKilled(b *testing.B) {
	data := content(10, shapedSize)
	all := rivals(b)
	again := map[string]int64{}
	for b.Loop() {
		for _, r := range all {
			o, sent := shaped(b, data)
			dir := folderFor(b, r.name)
			reached := sent.begin(shapedSize / 2)
			c := r.cmd(b, o.URL+"/file.mp4", dir)
			if err := c.Start(); err != nil {
				b.Fatal(err)
			}
			<-reached
			if err := c.Process.Kill(); err != nil {
				b.Fatal(err)
			}
			if err := c.Wait(); err == nil {
				b.Fatalf("%s was not killed", r.name)
			}
			sent.begin(0)
			if err := r.cmd(b, o.URL+"/file.mp4", dir).Run(); err != nil {
				b.Fatalf("resume %s: %v", r.name, err)
			}
			holds(b, filepath.Join(dir, "file.mp4"), data)
			again[r.name] = max(again[r.name], sent.sentAgain())
		}
	}
	for _, r := range all {
		b.ReportMetric(float64(again[r.name])/(1<<20), "MiB-again/"+r.name)
	}
}

// peak follows how much memory a process has had resident, in MiB, until stop. The kernel's own figure for children counts
// what the parent had when it forked.
func peak(pid int, stop <-chan struct{}) (most float64) {
	for {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			var kb float64
			if _, err := fmt.Sscanf(rest, "%f", &kb); err == nil {
				most = max(most, kb/1024)
			}
		}
		select {
		case <-stop:
			return most
		case <-time.After(10 * time.Millisecond):
		}
	}
}

type connKey struct{}

// pacedListener gives connections that write at shapedRate.
type pacedListener struct{ net.Listener }

func (l pacedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &pacedConn{Conn: c, limit: rate.NewLimiter(shapedRate, 256<<10)}, nil
}

type pacedConn struct {
	net.Conn
	limit *rate.Limiter
	used  atomic.Bool
}

func (c *pacedConn) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n := min(len(b)-done, 64<<10)
		time.Sleep(c.limit.ReserveN(time.Now(), n).Delay())
		n, err := c.Conn.Write(b[done : done+n])
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// BenchmarkProtocol fetches over TLS without any shaping, by HTTP/1.1 with a connection for each worker, and by HTTP/2 with one
// for all.
func BenchmarkProtocol(b *testing.B) {
	data := content(12, shapedSize)
	o := &origin{data: data, etag: `"one"`}
	s := httptest.NewUnstartedServer(http.HandlerFunc(o.answer))
	s.EnableHTTP2 = true
	s.StartTLS()
	b.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	times := map[bool]time.Duration{}
	for b.Loop() {
		for _, two := range []bool{false, true} {
			transport := &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: roots}, Protocols: new(http.Protocols), DisableCompression: true, MaxIdleConnsPerHost: 16,
			}
			transport.Protocols.SetHTTP1(!two)
			transport.Protocols.SetHTTP2(two)
			task := task(b, source.NewHTTP(source.HTTPOptions{Link: Fixed(s.URL), Transport: transport}))
			begun := time.Now()
			if _, err := New(Options{}).Fetch(b.Context(), task); err != nil {
				b.Fatal(err)
			}
			times[two] += time.Since(begun)
			transport.CloseIdleConnections()
		}
	}
	b.ReportMetric(times[false].Seconds()/float64(b.N), "s/http1")
	b.ReportMetric(times[true].Seconds()/float64(b.N), "s/http2")
	b.ReportMetric(times[false].Seconds()/times[true].Seconds(), "http1/http2")
}

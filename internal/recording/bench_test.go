package recording

import (
	"context"
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
)

const (
	shapedDelay = 40 * time.Millisecond
	shapedRate  = 20_000_000
	shapedSize  = 256 << 20
)

// shaped is a server on the loopback that behaves like one that is far away: a request's first byte comes after shapedDelay,
// that of the first request of a connection after twice as long (its handshake), and no connection gives more than
// shapedRate bytes a second after a burst of 256 KiB. What it isn't: there is no slow start and no loss.
func shaped(b *testing.B, data []byte) (url string, sent *atomic.Int64) {
	o := &origin{data: data, etag: `"one"`}
	fresh := func(c net.Conn) bool { return c.(*pacedConn).fresh.CompareAndSwap(false, true) }
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(shapedDelay)
		if fresh(r.Context().Value(connKey{}).(net.Conn)) {
			time.Sleep(shapedDelay)
		}
		o.answer(w, r)
	}))
	s.Listener = pacedListener{s.Listener}
	s.Config.ConnContext = withConn
	s.Start()
	b.Cleanup(s.Close)
	return s.URL + "/file.mp4", &o.sent
}

func BenchmarkDownload(b *testing.B) {
	data := content(9, shapedSize)
	tool := func(name string, cmd func(url, dir string) *exec.Cmd) (elapsed time.Duration, rss float64) {
		path := filepath.Join(b.TempDir(), name)
		if err := os.Mkdir(path, 0o700); err != nil {
			b.Fatal(err)
		}
		url, _ := shaped(b, data)
		c := cmd(url, path)
		begun := time.Now()
		if err := c.Start(); err != nil {
			b.Fatal(err)
		}
		ended := make(chan float64)
		stop := make(chan struct{})
		go func() { ended <- peak(c.Process.Pid, stop) }()
		err := c.Wait()
		elapsed = time.Since(begun)
		close(stop)
		if rss = <-ended; err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		holds(b, filepath.Join(path, "file.mp4"), data)
		return elapsed, rss
	}
	for _, need := range []string{"curl", "aria2c"} {
		if _, err := exec.LookPath(need); err != nil {
			b.Skip(need + " is not installed")
		}
	}
	var ours, curl, aria time.Duration
	var ourRSS, curlRSS, ariaRSS float64
	for b.Loop() {
		t, m := tool("greenroom", func(url, dir string) *exec.Cmd {
			c := process(b, order{URL: url, Dir: dir, Name: "file.mp4", Journal: filepath.Join(b.TempDir(), "journal")})
			c.Stderr = nil
			return c
		})
		ours, ourRSS = ours+t, max(ourRSS, m)
		t, m = tool("aria2c", func(url, dir string) *exec.Cmd {
			return exec.Command("aria2c", "-x4", "--no-conf", "-q", "-d", dir, "-o", "file.mp4", url)
		})
		aria, ariaRSS = aria+t, max(ariaRSS, m)
		t, m = tool("curl", func(url, dir string) *exec.Cmd {
			return exec.Command("curl", "-q", "-s", "-S", "-o", filepath.Join(dir, "file.mp4"), url)
		})
		curl, curlRSS = curl+t, max(curlRSS, m)
	}
	n := float64(b.N)
	b.ReportMetric(ours.Seconds()/n, "s/greenroom")
	b.ReportMetric(aria.Seconds()/n, "s/aria2c")
	b.ReportMetric(curl.Seconds()/n, "s/curl")
	b.ReportMetric(ours.Seconds()/aria.Seconds(), "greenroom/aria2c")
	b.ReportMetric(ours.Seconds()/curl.Seconds(), "greenroom/curl")
	b.ReportMetric(ourRSS, "MiB/greenroom")
	b.ReportMetric(ariaRSS, "MiB/aria2c")
	b.ReportMetric(curlRSS, "MiB/curl")
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
	fresh atomic.Bool
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

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

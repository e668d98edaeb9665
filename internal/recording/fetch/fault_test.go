package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
)

// hurried is a small downloader whose time passes as fast as the test lets it: drive it.
func hurried(t testing.TB) (*Downloader, *clockwork.FakeClock) {
	clock := clockwork.NewFakeClock()
	group := &crash.Group{}
	t.Cleanup(group.Wait)
	return New(Options{Chunk: 64 << 10, Clock: clock, Crash: group}), clock
}

// drive fetches while a second passes every few milliseconds.
func drive(ctx context.Context, d *Downloader, clock *clockwork.FakeClock, task recording.Task) (r File, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err = d.Fetch(ctx, task)
	}()
	for {
		select {
		case <-done:
			return r, err
		case <-time.After(3 * time.Millisecond):
			clock.Advance(time.Second)
		}
	}
}

// once returns a function that is true for its first n calls.
func once(n int64) func() bool {
	var calls atomic.Int64
	return func() bool { return calls.Add(1) <= n }
}

// wants reports whether a request is for a part beyond the first byte, which asks for the identity.
func wants(r *http.Request) bool {
	h := r.Header.Get("Range")
	return h != "" && h != "bytes=0-0"
}

// cutOff ends the connection after the first n bytes of an answer that promised all.
func cutOff(w http.ResponseWriter, r *http.Request, o *origin, n int) {
	var off, end int
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &off, &end)
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, end, len(o.data)))
	w.Header().Set("Content-Length", fmt.Sprint(end-off+1))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(o.data[off:min(off+n, end)])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestWhatServersDoWrong(t *testing.T) {
	data := content(3, 700<<10)
	type answer = func(w http.ResponseWriter, r *http.Request) bool
	for _, test := range []struct {
		name   string
		before func(o *origin) answer
		// restarted is part of the reason why the file is started over, empty when it isn't.
		restarted string
		// again is how many bytes may be fetched more than once.
		again int64
	}{
		{name: "ignores ranges", before: func(o *origin) answer {
			return func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Length", fmt.Sprint(len(o.data)))
				w.Write(o.data)
				return true
			}
		}},
		{name: "sends no length", before: func(o *origin) answer {
			return func(w http.ResponseWriter, r *http.Request) bool {
				w.(http.Flusher).Flush()
				w.Write(o.data)
				return true
			}
		}},
		{name: "sends no length and breaks off once", before: func(o *origin) answer {
			broken := once(2) // the first is the identity's
			return func(w http.ResponseWriter, r *http.Request) bool {
				w.(http.Flusher).Flush()
				if broken() {
					w.Write(o.data[:100<<10])
					w.(http.Flusher).Flush()
					panic(http.ErrAbortHandler)
				}
				w.Write(o.data)
				return true
			}
		}, again: 100 << 10},
		{name: "sends the whole for a part once", before: func(o *origin) answer {
			whole := once(1)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if wants(r) && whole() {
					r.Header.Del("Range")
				}
				return false
			}
		}},
		{name: "sends the whole for a part from some time on", before: func(o *origin) answer {
			part := once(4)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if !part() {
					r.Header.Del("Range")
				}
				return false
			}
		}, restarted: "does not serve parts", again: 700 << 10},
		{name: "closes early every other time", before: func(o *origin) answer {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) bool {
				if wants(r) && n.Add(1)%2 == 0 {
					cutOff(w, r, o, 20<<10)
				}
				return false
			}
		}},
		{name: "sends the wrong part once", before: func(o *origin) answer {
			wrong := once(2)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if wants(r) && wrong() {
					r.Header.Set("Range", "bytes=5-1000")
				}
				return false
			}
		}},
		{name: "sends the wrong part always", before: func(o *origin) answer {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if wants(r) {
					r.Header.Set("Range", "bytes=5-1000")
				}
				return false
			}
		}, restarted: "does not serve parts"},
		{name: "sends more than the part", before: func(o *origin) answer {
			more := once(2)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if !wants(r) || !more() {
					return false
				}
				var off, end int
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &off, &end)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, end, len(o.data)))
				w.WriteHeader(http.StatusPartialContent)
				w.(http.Flusher).Flush() // in chunks of its own, so that no length is sent
				w.Write(o.data[off : end+1])
				w.Write([]byte("and one more thing"))
				return true
			}
		}, again: 128 << 10},
		{name: "sends less than the part", before: func(o *origin) answer {
			return func(w http.ResponseWriter, r *http.Request) bool {
				var off, end int
				if wants(r) {
					fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &off, &end)
					r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+(end-off)/2))
				}
				return false
			}
		}},
		{name: "lies about the length once", before: func(o *origin) answer {
			lie := once(1)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Range") == "bytes=0-0" && lie() {
					w.Header().Set("ETag", o.etag)
					w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-0/%d", len(o.data)*2))
					w.WriteHeader(http.StatusPartialContent)
					w.Write(o.data[:1])
					return true
				}
				return false
			}
		}, restarted: "changed"},
		{name: "refuses satisfiable ranges", before: func(o *origin) answer {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if wants(r) {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(o.data)))
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				}
				return wants(r)
			}
		}, restarted: "does not serve parts"},
		{name: "compresses once", before: func(o *origin) answer {
			zip := once(2)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if wants(r) && zip() {
					w.Header().Set("Content-Encoding", "gzip")
					w.Write([]byte("\x1f\x8b\x08"))
					return true
				}
				return false
			}
		}},
		{name: "sends a web page once", before: func(o *origin) answer {
			page := once(2)
			return func(w http.ResponseWriter, r *http.Request) bool {
				if page() {
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					io.WriteString(w, "<html>Log in to our fine hotel's network</html>")
					return true
				}
				return false
			}
		}},
		{name: "is overloaded now and then", before: func(o *origin) answer {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) bool {
				statuses := []int{503, 429, 500, 502, 408, 0, 0, 0}
				if s := statuses[n.Add(1)%int64(len(statuses))]; s != 0 {
					w.Header().Set("Retry-After", "2")
					w.WriteHeader(s)
					return true
				}
				return false
			}
		}},
		{name: "admits four connections", before: func(o *origin) answer {
			var now atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) bool {
				defer now.Add(-1)
				if now.Add(1) > 4 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return true
				}
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(o.data)))
				return true
			}
		}},
		{name: "redirects", before: func(o *origin) answer {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/file" {
					http.Redirect(w, r, "/elsewhere?token=geheim", http.StatusFound)
					return true
				}
				return false
			}
		}},
		{name: "changes the file once", before: func(o *origin) answer {
			n := atomic.Int64{}
			return func(w http.ResponseWriter, r *http.Request) bool {
				if n.Add(1) == 6 {
					o.set(func() { o.data, o.etag = content(4, 650<<10), `"two"` })
				}
				return false
			}
		}, restarted: "changed", again: 700 << 10},
		{name: "changes the file without changing its length", before: func(o *origin) answer {
			n := atomic.Int64{}
			return func(w http.ResponseWriter, r *http.Request) bool {
				if n.Add(1) == 6 {
					o.set(func() { o.data, o.etag = content(4, 700<<10), `"two"` })
				}
				r.Header.Del("If-Match") // which it doesn't know
				return false
			}
		}, restarted: "changed", again: 700 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := serve(t, data)
			o.before = test.before(o)
			task := task(t, o.source())
			task.Report = func(s recording.Report) {
				if strings.Contains(s.Reason, "geheim") {
					t.Errorf("a reason holds the link: %s", s.Reason)
				}
			}
			d, clock := hurried(t)
			r, err := drive(t.Context(), d, clock, task)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, r.Path, o.data)
			only(t, task.Dir, "all-hands/one.mp4")
			if got := strings.Join(r.Restarted, "; "); (test.restarted == "") != (got == "") || !strings.Contains(got, test.restarted) {
				t.Errorf("started over because of %q, want %q", got, test.restarted)
			}
			if most := int64(len(o.data)) + test.again; r.FetchedBytes > most {
				t.Errorf("%d bytes were fetched, at most %d were needed", r.FetchedBytes, most)
			}
		})
	}
}

func TestWhatCannotBeMendedFails(t *testing.T) {
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(code)
			io.WriteString(w, body)
			return true
		}
	}
	location := func(to string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return true
		}
	}
	for _, test := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
		want   error
		text   string
	}{
		{"gone", status(404, ""), recording.ErrGone, "404"},
		{"gone for good", status(410, ""), recording.ErrGone, "410"},
		{"denied", status(403, "<Error><Code>AccessDenied</Code></Error>"), recording.ErrDenied, "AccessDenied"},
		{"unauthenticated", status(401, ""), recording.ErrDenied, "401"},
		{"out of service for long", status(503, "<Error><Code>SlowDown</Code></Error>"), nil, "503 Service Unavailable, SlowDown"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			return true
		}, recording.ErrOdd, "web page"},
		{"compressed", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Encoding", "br")
			return true
		}, recording.ErrOdd, "compressed (br)"},
		{"another file each time", func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("ETag", fmt.Sprintf(`"%p"`, r))
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader("four"))
			return true
		}, recording.ErrChanged, "5 times"},
		{"redirects in a circle", location("/file?signature=geheim"), recording.ErrOdd, "5 redirects"},
		{"a redirect to a file", location("file:///etc/passwd"), recording.ErrRefusedAddress, "not https"},
		{"a redirect with a password", location("https://user:geheim@127.0.0.1/"), recording.ErrRefusedAddress, ""},
		{"a redirect without an address", location(""), recording.ErrOdd, "without an address"},
		{"a redirect to http elsewhere", location("http://93.184.216.34/"), recording.ErrRefusedAddress, "not https"},
		{"a redirect to an invalid link", location("http://[geheim"), recording.ErrOdd, "without an address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := serve(t, nil)
			o.before = test.before
			task := task(t, o.source())
			var last recording.Report
			task.Report = func(s recording.Report) { last = s }
			d, clock := hurried(t)
			_, err := drive(t.Context(), d, clock, task)
			if err == nil || (test.want != nil && !errors.Is(err, test.want)) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("%v, want %v with %q", err, test.want, test.text)
			}
			if strings.Contains(err.Error(), "geheim") || strings.Contains(last.Reason, "geheim") {
				t.Errorf("the error holds the link: %v", err)
			}
			if last.State != recording.Failed || last.Reason == "" {
				t.Errorf("the last report was %+v", last)
			}
			for _, name := range files(t, task.Dir) {
				if !strings.HasSuffix(name, ".part") {
					t.Errorf("there is a file %s", name)
				}
			}
		})
	}
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	data := content(6, 200<<10)
	for _, ranged := range []bool{true, false} {
		o := serve(t, data)
		silent := once(1)
		hung, gone := make(chan struct{}), make(chan struct{})
		o.before = func(w http.ResponseWriter, r *http.Request) bool {
			if !ranged {
				r.Header.Del("Range")
			}
			if r.Header.Get("Range") == "bytes=0-0" || (!ranged && r.Header.Get("If-Match") == "") || !silent() {
				return false
			}
			close(hung)
			if ranged {
				defer close(gone)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", 64<<10-1, len(data)))
				w.Header().Set("Content-Length", fmt.Sprint(64<<10))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(data[:1000])
				w.(http.Flusher).Flush()
			} else {
				defer close(gone)
			}
			<-r.Context().Done()
			return true
		}
		task := task(t, o.source())
		d, clock := hurried(t)
		d.opt.Workers = 1
		done := make(chan error, 1)
		var r File
		go func() {
			var err error
			r, err = d.Fetch(t.Context(), task)
			done <- err
		}()
		<-hung
		for given := false; !given; {
			select {
			case <-gone:
				given = true
			case err := <-done:
				t.Fatalf("the fetch ended: %v", err)
			case <-time.After(3 * time.Millisecond):
				clock.Advance(time.Second)
			}
		}
		for ended := false; !ended; {
			select {
			case err := <-done:
				if ended = true; err != nil {
					t.Fatal(err)
				}
			case <-time.After(3 * time.Millisecond):
				clock.Advance(time.Second)
			}
		}
		holds(t, r.Path, data)
	}
}

func TestPatienceEndsWithTheLastError(t *testing.T) {
	o := serve(t, content(1, 300<<10))
	o.before = func(w http.ResponseWriter, r *http.Request) bool {
		if wants(r) {
			w.WriteHeader(http.StatusBadGateway)
		}
		return wants(r)
	}
	task := task(t, o.source())
	var troubled bool
	task.Report = func(s recording.Report) {
		troubled = troubled || s.State == recording.Running && strings.Contains(s.Reason, "502")
	}
	d, clock := hurried(t)
	begun := clock.Now()
	_, err := drive(t.Context(), d, clock, task)
	if err == nil || !strings.Contains(err.Error(), "nothing has arrived for 10m") || !strings.Contains(err.Error(), "502") {
		t.Error(err)
	}
	if spent := clock.Since(begun); spent < DefaultPatience || spent > 2*DefaultPatience {
		t.Errorf("it was tried for %s", spent)
	}
	if !troubled {
		t.Error("the trouble was not reported while it was tried again")
	}
}

func TestTheTimeToWaitIsRespected(t *testing.T) {
	o := serve(t, content(1, 1000))
	clock := clockwork.NewFakeClock()
	d := New(Options{Clock: clock})
	begun := clock.Now()
	refuse := once(1)
	o.before = func(w http.ResponseWriter, r *http.Request) bool {
		if refuse() {
			w.Header().Set("Retry-After", "100")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		if waited := clock.Since(begun); waited < 100*time.Second {
			t.Errorf("it waited %s only", waited)
		}
		return false
	}
	if _, err := drive(t.Context(), d, clock, task(t, o.source())); err != nil {
		t.Error(err)
	}
}

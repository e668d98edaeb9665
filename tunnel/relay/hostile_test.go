package relay_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
)

// say opens a connection, sends text and gives the connection and what it answers.
func (b *bench) say(t *testing.T, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", b.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Log(err) // the relay may have had enough
	}
	return c, bufio.NewReader(c)
}

func status(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

func (b *bench) depth(t *testing.T) int {
	t.Helper()
	hooks, err := b.Hooks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, h := range hooks {
		n += h.Depth
	}
	return n
}

func TestHostileSenders(t *testing.T) {
	b := newBench(t, relay.Options{Body: 1 << 20})
	path := "/h/" + b.hook.ID
	var lines strings.Builder
	for i := range 501 {
		fmt.Fprintf(&lines, "a%d: b\r\n", i)
	}
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"a large body, announced", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", 413},
		{"a huge body, announced", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n", 413},
		{"a large body, in chunks", "POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
			strings.Repeat("40000\r\n"+strings.Repeat("x", 0x40000)+"\r\n", 4) + "1\r\nx\r\n0\r\n\r\n", 413},
		{"a body that breaks off", "POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\nnonsense", 400},
		{"large headers", "POST " + path + " HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", 431},
		{"many header lines", "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + lines.String() + "\r\n", 431},
		{"a long target", "GET " + path + "/" + strings.Repeat("x", 100<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		{"two lengths", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400},
		{"a length and chunks", "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"a long method", strings.Repeat("X", 65) + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n", 501},
		{"no HTTP", "\x16\x03\x01\r\n\r\n", 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, r := b.say(t, test.text)
			if resp := status(t, r); resp.StatusCode != test.want {
				t.Errorf("%d, not %d", resp.StatusCode, test.want)
			}
		})
	}
	if n := b.depth(t); n != 0 {
		t.Errorf("%d of them wait for the client", n)
	}
	b.fill(t, b.hook.ID, long(1<<20))
}

// TestSlowBodiesTakeTheirOwnPlaces: slow senders block only others of the same hook.
func TestSlowBodiesTakeTheirOwnPlaces(t *testing.T) {
	b := newBench(t, relay.Options{BodyTime: patience, PerHook: 2, Concurrent: 3})
	other, err := b.CreateToken(t.Context(), "other", false)
	if err != nil {
		t.Fatal(err)
	}
	var slow []net.Conn
	eventually(t, "the hook has no place left", func() bool {
		c, _ := b.say(t, "POST /h/"+b.hook.ID+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
		slow = append(slow, c)
		status, _, h := b.post(t, b.hook.ID, "", "x")
		return status == 503 && h.Get("Retry-After") == "1"
	})
	b.fill(t, other.Hook.ID, "x")
	for _, c := range slow {
		c.Close()
	}
	eventually(t, "there is a place again", func() bool { status, _, _ := b.post(t, b.hook.ID, "", "x"); return status == 200 })
}

// TestSlowBodies: who sends slowly loses the connection.
func TestSlowBodies(t *testing.T) {
	b := newBench(t, relay.Options{BodyTime: 200 * time.Millisecond})
	for _, length := range []string{"Content-Length: 1000000\r\n\r\nx", "Content-Length: 2\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n1"} {
		_, r := b.say(t, "POST /h/"+b.hook.ID+" HTTP/1.1\r\nHost: x\r\n"+length)
		if resp := status(t, r); resp.StatusCode != 503 || !resp.Close {
			t.Errorf("a slow sender gets %d, and may continue: %t", resp.StatusCode, !resp.Close)
		}
	}
	if n := b.depth(t); n != 0 {
		t.Errorf("%d requests are taken for whole", n)
	}
}

// TestSlowBodiesToNowhere: who isn't listened to doesn't keep a connection either.
func TestSlowBodiesToNowhere(t *testing.T) {
	b := newBench(t, relay.Options{BodyTime: 200 * time.Millisecond, Rate: 0.001})
	b.fill(t, b.hook.ID, "x")
	for _, path := range []string{"/h/unknown", "/h/" + b.hook.ID, "/v1/connect", "/"} {
		_, r := b.say(t, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: the connection stays open: %v", path, err)
		}
	}
}

// TestABodyThatKeepsItsPace takes longer than bodies have to begin, and comes whole.
func TestABodyThatKeepsItsPace(t *testing.T) {
	b := newBench(t, relay.Options{BodyTime: 200 * time.Millisecond})
	r, w := io.Pipe()
	go func() {
		for range 5 {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 64<<10)) // good for two seconds each
			time.Sleep(100 * time.Millisecond)
		}
		w.Close()
	}()
	resp, err := http.Post(b.hook.URL, "text/plain", r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Error(resp.StatusCode)
	}
}

func TestRates(t *testing.T) {
	clock := clockwork.NewFakeClock()
	b := newBench(t, relay.Options{Rate: 2, Clock: clock})
	other, err := b.CreateToken(t.Context(), "other", false)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(t, b.hook.ID, "1", "2", "3", "4")
	if status, _, h := b.post(t, b.hook.ID, "", "5"); status != 429 || h.Get("Retry-After") != "1" {
		t.Errorf("%d, again in %q", status, h.Get("Retry-After"))
	}
	b.fill(t, other.Hook.ID, "1")
	clock.Advance(time.Second)
	b.fill(t, b.hook.ID, "5", "6")
	if status, _, _ := b.post(t, b.hook.ID, "", "7"); status != 429 {
		t.Error(status)
	}
}

func TestAFullSpool(t *testing.T) {
	b := newBench(t, relay.Options{Spool: 1 << 20, Policy: spool.PolicyAck})
	other, err := b.CreateToken(t.Context(), "other", false)
	if err != nil {
		t.Fatal(err)
	}
	b.fill(t, b.hook.ID, long(800<<10))
	if status, _, h := b.post(t, b.hook.ID, "", long(400<<10)); status != 507 || h.Get("Retry-After") == "" {
		t.Error(status)
	}
	b.fill(t, other.Hook.ID, long(400<<10))
	b.fill(t, b.hook.ID, "small")
	p, w := b.join(t)
	if h := w.Hooks[0]; h.Depth != 2 || h.Bytes < 800<<10 || w.Limits.Spool != 1<<20 {
		t.Errorf("the owner sees %+v", w)
	}
	small, large := p.request(), p.request()
	if small.Length > large.Length {
		small, large = large, small
	}
	p.stored(large)
	eventually(t, "there is room", func() bool { status, _, _ := b.post(t, b.hook.ID, "", long(400<<10)); return status == 200 })
}

func TestWhatIsSentArrivesAsItIs(t *testing.T) {
	b := newBench(t, relay.Options{})
	for _, line := range []string{
		"POST /h/%s HTTP/1.1", "GET /h/%s/ HTTP/1.1", "DELETE /h/%s?x=1&y=%%2f HTTP/1.1",
		"PUT /h/%s/a//b/../c/%%2e%%2e?? HTTP/1.1", "OPTIONS http://relay.example/h/%s/x?y HTTP/1.1", "WEIRD /h/%s/%%ff%%00 HTTP/1.1",
	} {
		_, r := b.say(t, fmt.Sprintf(line, b.hook.ID)+"\r\nHost: Some.Host:8080\r\nX-A: 1\r\nx-a:  2 \r\nX-B: \xff\xfe\r\nContent-Length: 3\r\n\r\n\x00\x01\xff")
		if resp := status(t, r); resp.StatusCode != 200 {
			t.Fatalf("%s: %d", line, resp.StatusCode)
		}
	}
	p, _ := b.join(t)
	const host = "Some.Host:8080"
	for _, want := range []struct{ method, target, host string }{
		{"POST", "/", host}, {"GET", "/", host}, {"DELETE", "/?x=1&y=%2f", host}, {"PUT", "/a//b/../c/%2e%2e??", host},
		{"OPTIONS", "/x?y", "relay.example"}, {"WEIRD", "/%ff%00", host},
	} {
		r := p.request()
		if r.Method != want.method || r.Target != want.target || string(r.body) != "\x00\x01\xff" {
			t.Errorf("%s %s %q", r.Method, r.Target, r.body)
		}
		h := r.Header
		if fmt.Sprint(h["X-A"]) != "[1 2]" || h.Get("X-B") != "\xff\xfe" || fmt.Sprint(h["Host"]) != "["+want.host+"]" {
			t.Errorf("%q", h)
		}
		if !strings.HasPrefix(r.Remote, "127.0.0.1:") {
			t.Errorf("from %s", r.Remote)
		}
	}
}

func TestProxiesAreBelieved(t *testing.T) {
	for _, test := range []struct {
		name, trust string
		header      http.Header
		want        string
	}{
		{"no proxy", "", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "127.0.0.1"},
		{"another", "10.0.0.0/8", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "127.0.0.1"},
		{"the proxy", "127.0.0.0/8", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, "203.0.113.9"},
		{"what the sender made up", "127.0.0.0/8", http.Header{"X-Forwarded-For": {"1.1.1.1, 2.2.2.2, 203.0.113.9"}}, "203.0.113.9"},
		{"two lines", "127.0.0.0/8", http.Header{"X-Forwarded-For": {"1.1.1.1", "203.0.113.9"}}, "203.0.113.9"},
		{"two proxies", "127.0.0.0/8", http.Header{"X-Forwarded-For": {"1.1.1.1, 203.0.113.9, 127.0.0.7"}}, "203.0.113.9"},
		{"from a proxy itself", "127.0.0.0/8", http.Header{"X-Forwarded-For": {"127.0.0.7"}}, "127.0.0.7"},
		{"RFC 7239", "127.0.0.1/32", http.Header{"Forwarded": {`for=1.1.1.1, For="[2001:db8::9]:4711";proto=https`}}, "[2001:db8::9]:4711"},
		{"nonsense", "127.0.0.1/32", http.Header{"X-Forwarded-For": {"1.1.1.1, nonsense"}}, "127.0.0.1"},
		{"a port that is none", "127.0.0.1/32", http.Header{"X-Forwarded-For": {"203.0.113.9:" + strings.Repeat("1", 1000)}}, "203.0.113.9"},
		{"nothing", "127.0.0.1/32", nil, "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := relay.Options{}
			if test.trust != "" {
				o.Proxies = []netip.Prefix{netip.MustParsePrefix(test.trust)}
			}
			b := newBench(t, o)
			req, err := http.NewRequest("POST", b.hook.URL, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			for name, values := range test.header {
				req.Header[name] = values
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			p, _ := b.join(t)
			if got := p.request().Remote; got != test.want && !strings.HasPrefix(got, test.want+":") {
				t.Errorf("from %q, not %q", got, test.want)
			}
		})
	}
}

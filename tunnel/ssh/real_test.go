package ssh

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/peers"
	"greenroom/tunnel"
)

// webhooks is a listener that keeps what it gets.
type webhooks struct {
	addr net.Addr
	mu   sync.Mutex
	got  map[string]received
}

type received struct {
	host, target string
	header       http.Header
	sum          [32]byte
	size         int
}

func listenForWebhooks(t *testing.T) *webhooks {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &webhooks{addr: l.Addr(), got: map[string]received{}}
	server := &http.Server{Handler: w}
	var group sync.WaitGroup
	group.Add(1)
	go func() { defer group.Done(); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); group.Wait() })
	return w
}

func (w *webhooks) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		out.WriteHeader(http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got[r.Header.Get("Id")] = received{host: r.Host, target: r.RequestURI, header: r.Header, sum: sha256.Sum256(body), size: len(body)}
	fmt.Fprintf(out, "%d", len(body))
}

// wire is a proxy between the client and the server, where the connection can be cut.
type wire struct {
	addr  string
	to    string
	mu    sync.Mutex
	pairs map[net.Conn]net.Conn
	// held are the server's ends of connections whose other ends are cut.
	held map[net.Conn]bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String(), to: to, pairs: map[net.Conn]net.Conn{}, held: map[net.Conn]bool{}}
	var group sync.WaitGroup
	copies := func(dst, src net.Conn) {
		defer group.Done()
		b := make([]byte, 32<<10)
		for {
			n, err := src.Read(b)
			if n > 0 {
				if _, err := dst.Write(b[:n]); err != nil {
					return
				}
			}
			if err != nil {
				w.ended(src, dst)
				return
			}
		}
	}
	group.Add(1)
	go func() {
		defer group.Done()
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			w.mu.Lock()
			w.pairs[near] = far
			w.mu.Unlock()
			group.Add(2)
			go copies(far, near)
			go copies(near, far)
		}
	}()
	t.Cleanup(func() { l.Close(); w.cut(); group.Wait() })
	return w
}

// ended passes an end on, unless the pair is a held one.
func (w *wire) ended(a, b net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held[a] || w.held[b] {
		return
	}
	_ = a.Close()
	_ = b.Close()
}

// cut ends all connections at both ends.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for near, far := range w.pairs {
		near.Close()
		far.Close()
	}
	clear(w.pairs)
}

// half cuts all connections at the client's end alone. The server sees nothing of it until mend is called.
func (w *wire) half() (mend func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for near, far := range w.pairs {
		w.held[far] = true
		near.Close()
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for far := range w.held {
			far.Close()
		}
	}
}

func realOptions(t *testing.T, s *peers.SSHServer) Options {
	return Options{
		Addr: s.Addr, User: s.User, KeyFiles: []string{s.KeyFile}, RemoteBind: "127.0.0.1:0", URL: "http://127.0.0.1:{port}",
		KnownHostsFile: filepath.Join(t.TempDir(), "known_hosts"),
	}
}

func liveAnywhere(o *opened) string {
	return o.Until("live", func(s tunnel.Status) bool { return s.State == tunnel.Live }).URL
}

// OpenSSH carries webhooks byte for byte.
func TestOpenSSHCarriesWebhooks(t *testing.T) {
	s := peers.SSHD(t, "")
	hooks := listenForWebhooks(t)
	o := open(t, realOptions(t, s), hooks.addr)
	defer func() {
		if t.Failed() {
			t.Log(s.Log())
		}
	}()
	url := liveAnywhere(o)

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	sizes := []int{0, 1, 1 << 10, 65_535, 1 << 20, 25 << 20}
	for i := range 24 {
		sizes = append(sizes, 1<<10+i)
	}
	bodies := make([][]byte, len(sizes))
	source := rand.NewChaCha8([32]byte{1})
	for i, n := range sizes {
		bodies[i] = make([]byte, n)
		_, _ = source.Read(bodies[i])
	}
	var group sync.WaitGroup
	for i, body := range bodies {
		group.Add(1)
		go func() {
			defer group.Done()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.URL.Opaque = "//" + req.URL.Host + fmt.Sprintf("/hooks/daily/%%2F;a=%d?x=%%20&x=1&", i)
			req.Header = http.Header{"Id": {fmt.Sprint(i)}, "X-Webhook-Signature": {"b", "a"}}
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if said, err := io.ReadAll(resp.Body); err != nil || string(said) != fmt.Sprint(len(body)) {
				t.Errorf("%d bytes were answered with %q, %v", len(body), said, err)
			}
		}()
	}
	group.Wait()
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	for i, body := range bodies {
		got := hooks.got[fmt.Sprint(i)]
		if got.size != len(body) || got.sum != sha256.Sum256(body) {
			t.Errorf("request %d arrived with %d bytes of %d, or others", i, got.size, len(body))
		}
		if want := fmt.Sprintf("/hooks/daily/%%2F;a=%d?x=%%20&x=1&", i); !strings.HasSuffix(got.target, want) {
			t.Errorf("request %d arrived for %s", i, got.target)
		}
		if v := got.header["X-Webhook-Signature"]; len(v) != 2 || v[0] != "b" || "http://"+got.host != url {
			t.Errorf("request %d arrived with %v for %s", i, v, got.host)
		}
	}
}

func post(t *testing.T, url string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	return nil
}

// The server still holds a fixed port for a connection that it doesn't know to be dead.
func TestOpenSSHReleasesThePortInTheEnd(t *testing.T) {
	s := peers.SSHD(t, "")
	hooks := listenForWebhooks(t)
	w := newWire(t, s.Addr)
	o := realOptions(t, s)
	first := open(t, o, hooks.addr)
	url := liveAnywhere(first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	o.Addr, o.RemoteBind = w.addr, strings.TrimPrefix(url, "http://") // a port that was free a moment ago
	again := open(t, o, hooks.addr)
	again.live(url)
	if err := post(t, url); err != nil {
		t.Fatal(err)
	}
	mend := w.half()
	if r := again.degraded("refuses to listen at"); !strings.Contains(r, "earlier connection") {
		t.Errorf("%q", r)
	}
	mend()
	again.live(url)
	if err := post(t, url); err != nil {
		t.Error(err)
	}
	w.cut()
	again.Until("a new connection", func(s tunnel.Status) bool { return s.State == tunnel.Live && post(t, url) == nil })
}

// A reinstalled server has another key: nothing is sent to it until the user confirms.
func TestOpenSSHWithAnotherKey(t *testing.T) {
	s := peers.SSHD(t, "")
	hooks := listenForWebhooks(t)
	w := newWire(t, s.Addr)
	o := realOptions(t, s)
	o.Addr = w.addr
	opened := open(t, o, hooks.addr)
	liveAnywhere(opened)
	s.Stop()
	reinstalled := peers.SSHD(t, s.Addr)
	w.cut()
	opened.degraded("has changed")
	if strings.Contains(reinstalled.Log(), "publickey") {
		t.Errorf("a login was tried: %s", reinstalled.Log())
	}
	key, err := os.ReadFile(reinstalled.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(o.KnownHostsFile); err != nil {
		t.Fatal(err)
	}
	o.KeyFiles = []string{file}
	liveAnywhere(open(t, o, hooks.addr))
}

func TestOpenSSHRefusesAStranger(t *testing.T) {
	s := peers.SSHD(t, "")
	_, file := newKey(t)
	o := realOptions(t, s)
	o.KeyFiles = []string{file}
	open(t, o, echo(t)).degraded("it accepts none of the keys")
}

// However a session is cut short within a body, the sender gets no success.
func TestOpenSSHCutInTheMiddle(t *testing.T) {
	s := peers.SSHD(t, "")
	hooks := listenForWebhooks(t)
	w := newWire(t, s.Addr)
	o := realOptions(t, s)
	o.Addr = w.addr
	url := liveAnywhere(open(t, o, hooks.addr))
	body, end := io.Pipe()
	result := make(chan error, 1)
	go func() {
		resp, err := http.Post(url, "application/octet-stream", body)
		if err == nil {
			resp.Body.Close()
			err = fmt.Errorf("answered %s", resp.Status)
		}
		result <- err
	}()
	if _, err := end.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	w.cut()
	go func() {
		for {
			if _, err := end.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}()
	select {
	case err := <-result:
		if strings.Contains(err.Error(), "answered 200") {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("the sender never gets an answer")
	}
	body.CloseWithError(io.ErrClosedPipe)
	http.DefaultClient.CloseIdleConnections()
}

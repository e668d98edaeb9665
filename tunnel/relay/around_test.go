package relay_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/tunnel"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/relay/spool"
)

func TestTheOwnersSocket(t *testing.T) {
	dir := t.TempDir()
	if len(dir) > 80 {
		t.Skip("the temporary folder's path is too long for a socket")
	}
	if _, err := relay.Dial(t.Context(), dir); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("no relay: %v", err)
	}
	// What a relay that was killed has left.
	if err := os.WriteFile(filepath.Join(dir, relay.SocketName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, relay.Options{Dir: dir})
	if err := b.ServeControl(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, relay.SocketName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	r, err := relay.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	made, err := r.CreateToken(t.Context(), "desk", false)
	if err != nil || !strings.HasPrefix(made.Secret, "grt_") || !strings.HasPrefix(made.Hook.URL, b.url+"/h/") {
		t.Fatal(made, err)
	}
	b.fill(t, made.Hook.ID, "x")
	if _, err := r.CreateToken(t.Context(), "desk", false); !errors.Is(err, relay.ErrExists) {
		t.Error(err)
	}
	if _, err := r.CreateToken(t.Context(), "De sk", false); !errors.Is(err, relay.ErrInvalid) {
		t.Error(err)
	}
	h, err := r.CreateHook(t.Context(), "billing", "desk", spool.PolicyAck)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = r.SetPolicy(t.Context(), h.ID, spool.PolicySync); err != nil || h.Policy != spool.PolicySync {
		t.Error(h, err)
	}
	hooks, err := r.Hooks(t.Context())
	if err != nil || len(hooks) != 3 || hooks[0].Token != "desk" || hooks[0].Depth != 1 || hooks[1].ID != h.ID {
		t.Errorf("%+v, %v", hooks, err)
	}
	if _, err := r.DeleteHook(t.Context(), h.ID); err != nil {
		t.Error(err)
	}
	if _, err := r.DeleteHook(t.Context(), h.ID); !errors.Is(err, relay.ErrNotFound) {
		t.Error(err)
	}
	if revoked, err := r.RevokeToken(t.Context(), "desk"); err != nil || revoked.RevokedAt.IsZero() {
		t.Error(revoked, err)
	}
	if tokens, err := r.Tokens(t.Context()); err != nil || len(tokens) != 2 {
		t.Error(tokens, err)
	}
	// No other user can open the file beside it.
	if _, err := relay.OpenBook(dir, time.Millisecond); !errors.Is(err, relay.ErrInUse) {
		t.Error(err)
	}
	b.stop(t)
	if _, err := os.Stat(filepath.Join(dir, relay.SocketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	book, err := relay.OpenBook(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if hooks, err = book.Hooks(t.Context()); err != nil || len(hooks) != 2 || hooks[0].URL != made.Hook.URL {
		t.Errorf("%+v, %v", hooks, err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func TestMetricsAndHealth(t *testing.T) {
	b := newBench(t, relay.Options{Policy: spool.PolicyAck})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.ServeAdmin(l) }()
	base := "http://" + l.Addr().String()
	b.fill(t, b.hook.ID, "1", "2")
	b.post(t, "unknown", "", "x")
	p, _ := b.join(t)
	p.request()
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if status, text := get(t, base+path); status != 200 || text != want {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	_, text := get(t, base+"/metrics")
	if strings.Contains(text, "greenroom_relay_spool_file_bytes 0\n") {
		t.Error("the spool's file has no size")
	}
	for _, line := range []string{
		`greenroom_relay_requests_total{outcome="spooled"} 2`, `greenroom_relay_requests_total{outcome="unknown"} 1`,
		"greenroom_relay_spool_requests 2", "greenroom_relay_clients 1", "greenroom_relay_commit_failures_total 0",
		"greenroom_relay_commit_seconds_count", "go_goroutines",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	for _, secret := range []string{b.hook.ID, b.secret, "laptop"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics tell %q", secret)
		}
	}
	if status, _ := get(t, base+"/h/"+b.hook.ID); status != 404 {
		t.Error("the admin's address takes requests")
	}
	b.stop(t)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// lines is a log that several goroutines write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestTheLogHasNoSecrets(t *testing.T) {
	var log lines
	b := newBench(t, relay.Options{BodyTime: 100 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	p, _ := b.join(t)
	answer := b.send(t, b.hook.ID, "what was sent")
	p.request()
	p.ws.Close()
	answered(t, answer, "200 ok")
	p = b.dial(t, b.secret)
	p.send(frameOf(200, 1))
	p.ends()
	b.say(t, "POST /h/"+b.hook.ID+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx")
	if _, err := b.RevokeToken(t.Context(), "laptop"); err != nil {
		t.Fatal(err)
	}
	b.stop(t)
	text := log.String()
	if !strings.Contains(text, "laptop") {
		t.Errorf("the log says nothing: %s", text)
	}
	for _, secret := range []string{b.hook.ID, b.secret, "what was sent"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// certificate writes a certificate of a name and gives it.
func certificate(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		"key.pem": {Type: "PRIVATE KEY", Bytes: secret}, "cert.pem": {Type: "CERTIFICATE", Bytes: raw},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLSFromFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := relay.FileTLS(cert, key); err == nil {
		t.Error("files that aren't there are taken")
	}
	first := certificate(t, dir, "relay.example")
	c, err := relay.FileTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := relay.Open(relay.Options{Dir: t.TempDir(), URL: "https://relay.example"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.ServeTLS(l, c) }()
	made, err := s.CreateToken(t.Context(), "laptop", false)
	if err != nil || !strings.HasPrefix(made.Hook.URL, "https://relay.example/h/") {
		t.Fatal(made, err)
	}
	post := func(trusted *x509.Certificate) error {
		pool := x509.NewCertPool()
		pool.AddCert(trusted)
		client := &http.Client{Transport: &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
			},
		}}
		defer client.CloseIdleConnections()
		resp, err := client.Post(made.Hook.URL, "text/plain", strings.NewReader("x"))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 || resp.ProtoMajor != 1 {
			t.Errorf("%d over %s", resp.StatusCode, resp.Proto)
		}
		return nil
	}
	if err := post(first); err != nil {
		t.Fatal(err)
	}
	// A new certificate is taken without a restart, and half of a change does no harm.
	later := time.Now().Add(time.Minute)
	if err := errors.Join(os.WriteFile(cert, []byte("nonsense"), 0o600), os.Chtimes(cert, later, later)); err != nil {
		t.Fatal(err)
	}
	if err := post(first); err != nil {
		t.Error(err)
	}
	second := certificate(t, dir, "relay.example")
	if err := post(second); err != nil {
		t.Error(err)
	}
	if err := post(first); err == nil {
		t.Error("the old certificate is still used")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAutomaticTLSNeedsAName(t *testing.T) {
	for url, ok := range map[string]bool{"https://relay.example": true, "https://relay.example/x": true, "http://relay.example": false, "": false, "https://": false} {
		if _, err := relay.AutoTLS(url, t.TempDir()); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
	c, err := relay.AutoTLS("https://relay.example", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetCertificate(&tls.ClientHelloInfo{ServerName: "another.example"}); err == nil {
		t.Error("a certificate for another's name is asked for")
	}
}

// queue is a sink that keeps what it gets.
type queue struct {
	got  []tunnel.Envelope
	fail error
}

func (q *queue) Put(_ context.Context, e tunnel.Envelope) error {
	if q.fail == nil {
		q.got = append(q.got, e)
	}
	return q.fail
}

func TestASinkInsteadOfASpool(t *testing.T) {
	q := &queue{}
	id := strings.Repeat("abcdefghijklm", 2)
	s, err := relay.Open(relay.Options{Sink: q, Hooks: map[string]string{"billing": id}, Body: 1000})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: s}
	b.serve(t)
	if status, text, _ := b.post(t, id, "/x?y", "hello"); status != 200 || text != "ok" {
		t.Fatal(status, text)
	}
	e := q.got[0]
	if e.Hook != "billing" || e.Target != "/x?y" || string(e.Body) != "hello" || e.Method != "POST" || e.ID == "" ||
		e.Header.Get("Host") == "" || time.Since(e.ReceivedAt) > patience {
		t.Errorf("%+v", e)
	}
	for _, test := range []struct {
		fail error
		body string
		want int
	}{
		{errors.New("unreachable"), "x", 503}, {tunnel.ErrTooLarge, "x", 413}, {nil, strings.Repeat("x", 1001), 413}, {nil, "x", 200},
	} {
		q.fail = test.fail
		if status, _, h := b.post(t, id, "", test.body); status != test.want || status == 503 && h.Get("Retry-After") == "" {
			t.Errorf("%v: %d, want %d", test.fail, status, test.want)
		}
	}
	if len(q.got) != 2 {
		t.Errorf("%d are in the queue", len(q.got))
	}
	if status, _, _ := b.post(t, "billing", "", "x"); status != 404 {
		t.Errorf("a name is an address: %d", status)
	}
	if _, err := b.CreateToken(t.Context(), "laptop", false); err == nil {
		t.Error("there are tokens")
	}
	if _, resp, err := b.tryDial(t, "x"); err == nil || resp.StatusCode != 404 {
		t.Error("there are clients")
	}
	for _, o := range []relay.Options{
		{Sink: q}, {Sink: q, Hooks: map[string]string{"a": "short"}}, {Sink: q, Hooks: map[string]string{"A b": id}},
		{Sink: q, Hooks: map[string]string{"a": id, "b": id}}, {Dir: t.TempDir(), URL: "relay.example"}, {Dir: t.TempDir(), Policy: "x"},
	} {
		if s, err := relay.Open(o); err == nil {
			t.Errorf("%+v is taken", o)
			_ = s.Close(t.Context())
		}
	}
}

func TestAnAddressBelowAPath(t *testing.T) {
	s, err := relay.Open(relay.Options{Dir: t.TempDir(), URL: "https://host.example/relay/"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Server: s}
	b.serve(t)
	made, err := s.CreateToken(t.Context(), "laptop", false)
	if err != nil || !strings.HasPrefix(made.Hook.URL, "https://host.example/relay/h/") {
		t.Fatal(made, err)
	}
	// Proxies pass the path on, or take it away.
	for _, prefix := range []string{"/relay", ""} {
		resp, err := http.Post(b.url+prefix+"/h/"+made.Hook.ID+"/x", "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%q: %d", prefix, resp.StatusCode)
		}
	}
	b.url += "/relay"
	b.secret = made.Secret
	p, _ := b.join(t)
	for range 2 {
		if r := p.request(); r.Target != "/x" {
			t.Errorf("%q", r.Target)
		}
	}
}

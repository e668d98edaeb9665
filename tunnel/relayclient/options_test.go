package relayclient_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/tunnel"
	"greenroom/tunnel/relayclient"
)

func TestOptionsThatCannotWork(t *testing.T) {
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	const fine = "https://relay.example"
	for _, test := range []struct {
		o    relayclient.Options
		want string
	}{
		{relayclient.Options{Token: "x"}, "must begin with https://"},
		{relayclient.Options{URL: "relay.example", Token: "x"}, "must begin with https://"},
		{relayclient.Options{URL: "ftp://relay.example", Token: "x"}, "must begin with https://"},
		{relayclient.Options{URL: "https://", Token: "x"}, "has no host"},
		{relayclient.Options{URL: "https://u:geheim@relay.example", Token: "x"}, "a plain base"},
		{relayclient.Options{URL: "https://u:geheim@relay.example:x", Token: "x"}, "is invalid"},
		{relayclient.Options{URL: fine + "?token=geheim", Token: "x"}, "a plain base"},
		{relayclient.Options{URL: "http://relay.example", Token: "x"}, "unencrypted"},
		{relayclient.Options{URL: "ws://192.0.2.1:80", Token: "x"}, "unencrypted"},
		{relayclient.Options{URL: fine}, "there is no token"},
		{relayclient.Options{URL: fine, Token: "geheim\r\nX: y"}, "invalid characters"},
		{relayclient.Options{URL: fine, Token: "x", CAFile: noPEM}, "contains no PEM certificate"},
		{relayclient.Options{URL: fine, Token: "x", CAFile: noPEM + ".missing"}, "read the certificate authorities"},
	} {
		_, err := relayclient.New(test.o).Open(t.Context(), newStore().local())
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want %q", test.o.URL, err, test.want)
		}
	}
	if _, err := relayclient.New(relayclient.Options{URL: fine, Token: "x"}).Open(t.Context(), tunnel.Local{}); err == nil {
		t.Error("it opens without a device")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := relayclient.New(relayclient.Options{URL: fine, Token: "x"}).Open(ctx, newStore().local()); err == nil {
		t.Error("it opens although it need not")
	}
}

func TestTheURLMayHaveAPath(t *testing.T) {
	p := newPeer(t)
	o := open(t, relayclient.Options{URL: strings.Replace(p.server.URL, "http", "ws", 1) + "/behind/a/proxy/"}, newStore().local())
	p.live()
	o.live()
}

func TestCertificates(t *testing.T) {
	p := unstartedPeer(t)
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.StartTLS()
	file := filepath.Join(t.TempDir(), "ca.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(p.server.Listener.Addr().String())
	o := open(t, relayclient.Options{URL: p.server.URL}, newStore().local())
	o.degraded("from a CA that isn't trusted here")
	o = open(t, relayclient.Options{URL: "https://localhost:" + port, CAFile: file}, newStore().local())
	o.degraded("the relay's certificate is not valid")
	o = open(t, relayclient.Options{URL: "https://127.0.0.1:" + port, CAFile: file}, newStore().local())
	p.live()
	o.live()
}

// The proxy of the environment is asked, which is given as a function here since the environment is read once.
func TestProxy(t *testing.T) {
	p := newPeer(t)
	asked := make(chan string, 100)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Authorization")
		up, err := net.Dial("tcp", p.server.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer up.Close()
		down, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer down.Close()
		if _, err := io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			t.Error(err)
		}
		go io.Copy(up, down)
		io.Copy(down, up)
	}))
	t.Cleanup(proxy.Close)
	o := open(t, relayclient.Options{URL: "http://relay.example", AllowPlain: true, Proxy: func(r *http.Request) (*url.URL, error) {
		if r.URL.Host != "relay.example" {
			t.Errorf("a proxy for %s", r.URL)
		}
		return url.Parse(proxy.URL)
	}}, newStore().local())
	p.live()
	o.live()
	if got := <-asked; got != "CONNECT relay.example:80 " {
		t.Errorf("the proxy is asked %q", got)
	}
	o.close()
}

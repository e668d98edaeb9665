package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"greenroom/internal/recording"
	"greenroom/provider"
)

func TestAddressesOfThePublicInternet(t *testing.T) {
	for _, a := range []string{
		"93.184.216.34", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "168.63.129.15",
		"2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2a00:1450:4001:81b::200e",
	} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is refused", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
		"::", "::1", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2002:a00:1::",
		"2001::1", "100::1",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is admitted", a)
		}
	}
}

// encrypted is an origin with TLS, and a transport for which 127.0.0.1 is the public internet.
func encrypted(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Transport) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	transport := newTransport(false, func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.1") })
	t.Cleanup(transport.CloseIdleConnections)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	transport.safe.TLSClientConfig = &tls.Config{RootCAs: roots}
	return s, transport
}

func identify(t *testing.T, transport *Transport, link string) (recording.Identity, error) {
	t.Helper()
	id, err := NewHTTP(HTTPOptions{Link: func(context.Context, string) (provider.FileLink, error) { return provider.FileLink{URL: link}, nil }, Transport: transport}).Identify(t.Context())
	if err != nil && strings.Contains(err.Error(), "geheim") {
		t.Errorf("the error holds the link: %v", err)
	}
	return id, err
}

func TestPrivateAddressesAreNotDialled(t *testing.T) {
	var dialled atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			c.Close()
		}
	}()
	defer func() {
		listener.Close()
		<-ended
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{
		"https://127.0.0.1:" + port, "https://localhost:" + port, "https://[::ffff:127.0.0.1]:" + port, "https://0.0.0.0:" + port,
		"http://127.0.0.1:" + port, "http://example.com", "ftp://example.com", "https:opaque", "https://", "//127.0.0.1:" + port,
		"https://user:geheim@example.com/",
	} {
		if _, err := identify(t, NewTransport(false), link+"/?geheim"); !errors.Is(err, recording.ErrRefusedAddress) {
			t.Errorf("%s: %v", link, err)
		}
	}
	if n := dialled.Load(); n > 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestRedirectsLeadNowhereInside(t *testing.T) {
	var to atomic.Value
	s, transport := encrypted(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/file" {
			http.Redirect(w, r, to.Load().(string), http.StatusFound)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Range", "bytes 0-0/5")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "h")
	})
	to.Store("/file")
	if id, err := identify(t, transport, s.URL+"/?geheim"); err != nil || id.Size != 5 || id.ETag != `"one"` {
		t.Errorf("%+v, %v", id, err)
	}
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, inside := range []string{
		"https://127.0.0.2:" + port + "/file", "https://[::1]:" + port + "/file", "http://127.0.0.1:" + port + "/file",
		"https://169.254.169.254/latest/meta-data/", "http://169.254.169.254/latest/meta-data/", "gopher://127.0.0.1/",
	} {
		to.Store(inside)
		if _, err := identify(t, transport, s.URL+"/?geheim"); !errors.Is(err, recording.ErrRefusedAddress) {
			t.Errorf("%s: %v", inside, err)
		}
	}
}

// A proxy usually has a private address. It decides what it reaches, except for addresses that are spelt out.
func TestAProxyIsUsed(t *testing.T) {
	s, transport := encrypted(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-0/5")
		w.WriteHeader(http.StatusPartialContent)
		io.WriteString(w, "h")
	})
	transport.public = func(netip.Addr) bool { return false }
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "example.com:443" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		there, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		w.WriteHeader(http.StatusOK)
		here, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			io.Copy(there, buf)
			there.Close()
		}()
		io.Copy(here, there)
		here.Close()
	}))
	defer proxy.Close()
	transport.safe.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	if id, err := identify(t, transport, "https://example.com/?geheim"); err != nil || id.Size != 5 {
		t.Errorf("%+v, %v", id, err)
	}
	if _, err := identify(t, transport, "https://10.0.0.1/?geheim"); !errors.Is(err, recording.ErrRefusedAddress) {
		t.Error(err)
	}
}

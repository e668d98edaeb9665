package unreached_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"greenroom/internal/unreached"
)

func TestCauses(t *testing.T) {
	for err, want := range map[error]unreached.Cause{
		&net.DNSError{Name: "a.example", IsNotFound: true}:    {Kind: unreached.NoHost, Text: "the host name doesn't exist"},
		&net.DNSError{Name: "a.example", IsTimeout: true}:     {Kind: unreached.NoAnswer, Text: "the name server doesn't respond"},
		&net.DNSError{Name: "a.example"}:                      {Kind: unreached.NoAnswer, Text: "the name server reports an error"},
		context.DeadlineExceeded:                              {Kind: unreached.Slow, Text: "there was no response in time"},
		&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}: {Kind: unreached.Slow, Text: "there was no response in time"},
		fmt.Errorf("read: %w", io.ErrUnexpectedEOF):           {Kind: unreached.Other, Text: "the server closed the connection"},
		tls.AlertError(40):                                    {Kind: unreached.Handshake, Text: "the server ended the TLS handshake: handshake failure"},
		errors.New("remote error: tls: bad record MAC"):       {Kind: unreached.Handshake, Text: "the TLS handshake failed: bad record MAC"},
		&url.Error{Op: "Get", URL: "http://u:hush@a.example", Err: &net.OpError{Op: "dial", Err: errors.New("cable\x1b[2J cut")}}: {Kind: unreached.Other, Text: "cable␛[2J cut"},
		&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}: {
			Kind: unreached.Other, Text: "the proxy can't be reached: the connection was refused",
		},
		&net.OpError{Op: "proxyconnect", Err: &net.DNSError{Name: "proxy", IsNotFound: true}}: {
			Kind: unreached.Other, Text: "the proxy can't be reached: the host name doesn't exist",
		},
		errors.New(`parse "socks5://ada:hu/sh@a.example": no`): {Kind: unreached.Other, Text: `parse "socks5://a.example": no`},
	} {
		if got := unreached.Of(err); got != want {
			t.Errorf("%v: %+v, not %+v", err, got, want)
		}
	}
}

// get returns the error of a request.
func get(t *testing.T, client *http.Client, to string) error {
	t.Helper()
	resp, err := client.Get(to)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("%s answers %d", to, resp.StatusCode)
	}
	return err
}

func TestRealFailures(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	other := secure.Client().Transport.(*http.Transport).Clone()
	other.TLSClientConfig.ServerName = "other.invalid"
	for name, test := range map[string]struct {
		err  error
		kind unreached.Kind
		why  string
	}{
		"closed":    {get(t, http.DefaultClient, closed), unreached.Refused, "the connection was refused"},
		"not TLS":   {get(t, http.DefaultClient, strings.Replace(open.URL, "http:", "https:", 1)), unreached.NotTLS, "the server doesn't use TLS on this port"},
		"authority": {get(t, http.DefaultClient, "https://127.0.0.1:"+port), unreached.Untrusted, "the certificate is not valid: it is from an authority that isn't trusted here"},
		"name":      {get(t, &http.Client{Transport: other}, secure.URL), unreached.Certificate, "the certificate is not valid: it is for example.com, *.example.com"},
	} {
		if got := unreached.Of(test.err); got.Kind != test.kind || unreached.Why(test.err) != test.why {
			t.Errorf("%s (%v): %+v, %q", name, test.err, got, unreached.Why(test.err))
		}
	}
}

func TestATextIsShortAndHasNoSecrets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = http.ReadRequest(bufio.NewReader(c)) // to close with something unread resets the connection
			_, _ = io.WriteString(c, strings.Repeat("é", 1<<19)+"\r\n\r\n")
			_ = c.Close()
		}
	}()
	if text := unreached.Why(get(t, http.DefaultClient, "http://"+l.Addr().String())); len(text) > 310 || !strings.Contains(text, "malformed") {
		t.Errorf("%d bytes: %.400s", len(text), text)
	}
	// A proxy whose address has a typo: net/http quotes the whole variable.
	invalid := get(t, &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		return nil, errors.New(`invalid proxy address "http://ada:hu sh@proxy:80a": parse "http://ada:hu sh@proxy:80a": invalid port`)
	}}}, "http://a.invalid")
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", unreached.Log(invalid), unreached.Log(nil))
	for _, text := range []string{unreached.Why(invalid), logged.String()} {
		if strings.Contains(text, "ada") || strings.Contains(text, "sh@") || !strings.Contains(text, "invalid proxy address, check HTTP_PROXY") {
			t.Error(text)
		}
	}
	if strings.Contains(logged.String(), "nil") || strings.Count(logged.String(), "cause") != 1 {
		t.Error(logged.String())
	}
}

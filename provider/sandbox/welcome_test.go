package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"greenroom/internal/bounds"
)

// TestAWebPageReadsNothing: neither one that resolved its own name to this machine, nor one of another origin.
func TestAWebPageReadsNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	w := New(Options{NoRateLimits: true, BaseURL: "http://sandbox.example"})
	served := make(chan error, 1)
	go func() { served <- w.Serve(l) }()
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(w.Close(), <-served); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"", "", 200},
		{"localhost:" + port, "", 200},
		{"LOCALHOST", "", 200},
		{"[::1]:" + port, "", 200},
		{"sandbox.example", "", 200},
		{"rebound.example:" + port, "", 421},
		{"rebound.example", "http://rebound.example", 421},
		{"127.0.0.1.rebound.example", "", 421},
		{"", "http://evil.example", 403},
		{"", "null", 403},
	} {
		for _, path := range []string{"/sandbox/info", "/daily/v1/rooms"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			r.Header.Set("Authorization", "Bearer "+DailyKey)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			said, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != c.want || c.want != 200 && strings.Contains(string(said), DailyKey) {
				t.Errorf("%s as %q from %q: %d %s, %v", path, c.host, c.origin, resp.StatusCode, said, err)
			}
		}
	}
	t.Run("a body that is not read", func(t *testing.T) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST /sandbox/clock HTTP/1.1\r\nHost: rebound.example\r\nContent-Length: 1000\r\n\r\nx")
		if err := c.SetReadDeadline(time.Now().Add(bounds.RequestTime / 2)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 421 {
			t.Errorf("%+v, %v", resp, err)
		}
		if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is still there")
		}
	})
}

func TestASandboxAtAnOutsideAddressHasAnyName(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	w := New(Options{})
	served := make(chan error, 1)
	go func() { served <- w.Serve(l) }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/sandbox/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "sandbox.internal"
	if resp, err := http.DefaultClient.Do(r); err != nil || resp.StatusCode != 200 {
		t.Errorf("%+v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := errors.Join(w.Close(), <-served); err != nil {
		t.Error(err)
	}
}

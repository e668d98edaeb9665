package tunnel_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"greenroom/tunnel"
)

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), 2)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var got []string
		l := &tunnel.Lines{To: func(s string) { got = append(got, s) }}
		cut = max(0, min(cut, len(b)))
		for _, part := range [][]byte{b[:cut], b[cut:]} {
			if n, err := l.Write(part); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		l.End()
		var want []string
		for line := range strings.SplitSeq(string(b), "\n") {
			if line = strings.TrimRight(line[:min(len(line), 4096)], "\r"); line != "" {
				want = append(want, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q cut at %d: %q, want %q", b, cut, got, want)
		}
	})
}

func TestALongLineIsCut(t *testing.T) {
	var got []string
	l := &tunnel.Lines{To: func(s string) { got = append(got, s) }}
	for range 1000 {
		_, _ = l.Write(bytes.Repeat([]byte("x"), 1000))
	}
	_, _ = l.Write([]byte("\nnext\n"))
	if len(got) != 2 || len(got[0]) != 4096 || got[1] != "next" {
		t.Errorf("%d lines", len(got))
	}
}

func TestPrintedIsSafeAndBounded(t *testing.T) {
	var b bytes.Buffer
	p := tunnel.Printed{Log: slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	now := time.Unix(0, 0)
	for range 1000 {
		p.Line(now, "\x1b]0;title\a")
	}
	if n := strings.Count(b.String(), "msg=printed"); n != 200 || strings.ContainsAny(b.String(), "\x1b\a") {
		t.Errorf("%d lines are logged", n)
	}
	p.Line(now.Add(time.Second), "on")
	if !strings.Contains(b.String(), "lines=800") {
		t.Error("nothing says that lines are left out")
	}
}

func TestTarget(t *testing.T) {
	for _, test := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7070}, "127.0.0.1:7070"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 7070}, "[::1]:7070"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 7070}, "127.0.0.1:7070"},
		{&net.TCPAddr{IP: net.IPv4zero, Port: 7070}, "127.0.0.1:7070"},
		{&net.UnixAddr{Name: "/run/x"}, ""},
		{nil, ""},
	} {
		if got, err := (tunnel.Local{Addr: test.addr}).Target(); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%v: %q, %v", test.addr, got, err)
		}
	}
}

package ssh

import (
	"crypto/rand"
	"crypto/rsa"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"greenroom/tunnel"
)

func newRSA(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSettings(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	local := tunnel.Local{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7070}}
	for _, test := range []struct {
		o                      Options
		addr, user, host, says string
		port                   uint16
	}{
		{o: Options{Addr: "vps.example", User: "ada"}, addr: "vps.example:22", user: "ada", host: "localhost", port: 7070},
		{o: Options{Addr: "ada@vps.example:2222", RemoteBind: "8080"}, addr: "vps.example:2222", user: "ada", host: "localhost", port: 8080},
		{o: Options{Addr: "[2001:db8::1]:22", User: "ada", RemoteBind: "[::]:0"}, addr: "[2001:db8::1]:22", user: "ada", host: "::"},
		{o: Options{Addr: "2001:db8::1", User: "ada", RemoteBind: "*:80"}, addr: "[2001:db8::1]:22", user: "ada", port: 80},
		{o: Options{Addr: "localhost.run"}, addr: "localhost.run:22", user: "nokey", host: "localhost", port: 80},
		{o: Options{Addr: "serveo.net", User: "ada"}, addr: "serveo.net:22", user: "ada", host: "localhost", port: 80},
		{o: Options{Addr: "free.Pinggy.io", User: "token"}, addr: "free.Pinggy.io:443", user: "token", host: "localhost"},
		{o: Options{}, says: "is not a server"},
		{o: Options{Addr: "vps.example:ssh"}, says: "invalid port"},
		{o: Options{Addr: "vps.example:0"}, says: "invalid port"},
		{o: Options{Addr: "vps.example/x"}, says: "is not a server"},
		{o: Options{Addr: "vps.example", RemoteBind: "a:b"}, says: "can't listen at"},
		{o: Options{Addr: "vps.example", URL: "{host}"}, says: "https://"},
		{o: Options{Addr: "vps.example", Pattern: "("}, says: "pattern"},
	} {
		test.o.KnownHostsFile = "known_hosts"
		s, err := New(test.o).settings(local)
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%+v: %v", test.o, err)
			}
			continue
		}
		if err != nil || s.addr != test.addr || s.user != test.user || s.bindHost != test.host || s.bindPort != test.port {
			t.Errorf("%+v: %s as %s, %q %d: %v", test.o, s.addr, s.user, s.bindHost, s.bindPort, err)
		}
	}
	if _, err := New(Options{Addr: "vps.example"}).settings(local); err == nil {
		t.Error("opens without a place for the server's key")
	}
	if _, err := New(Options{Addr: "vps.example", KnownHostsFile: "x"}).settings(tunnel.Local{}); err == nil {
		t.Error("opens without a listener")
	}
}

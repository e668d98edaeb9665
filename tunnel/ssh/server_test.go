package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newKey makes a key and writes its private half to a file.
func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, writeKey(t, block)
}

// newEncryptedKey makes a key whose file can't be read without a passphrase.
func newEncryptedKey(t *testing.T) (ed25519.PrivateKey, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("a passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	return private, writeKey(t, block)
}

func writeKey(t *testing.T, block *pem.Block) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// server is an SSH server for the faults that a real one doesn't have.
type server struct {
	t      *testing.T
	listen net.Listener
	addr   string
	group  sync.WaitGroup

	mu sync.Mutex
	// hosts are its keys.
	hosts []ssh.Signer
	// key is the only accepted key; nil accepts all.
	key ssh.PublicKey
	// banner is shown before the login, text in each session.
	banner, text string
	// hung stops answering requests of the connection, deny refuses forwards.
	hung, deny bool
	// named is the reported destination of forwarded connections, instead of the requested one.
	named string
	// mute never completes a login.
	mute bool
	// binds are the addresses that were asked for.
	binds []string
	conns map[net.Conn]*serverConn
	// logins receives each connection that forwards.
	logins chan *serverConn
}

type serverConn struct {
	*ssh.ServerConn
	ears net.Listener
	// named is the name of the forward.
	named string
}

func serve(t *testing.T) *server {
	t.Helper()
	host, _ := newKey(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, listen: l, addr: l.Addr().String(), hosts: []ssh.Signer{host}, conns: map[net.Conn]*serverConn{}, logins: make(chan *serverConn, 100)}
	s.group.Add(1)
	go s.run()
	t.Cleanup(func() {
		l.Close()
		s.cut()
		s.group.Wait()
	})
	return s
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// cut ends all connections.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

func (s *server) run() {
	defer s.group.Done()
	for {
		c, err := s.listen.Accept()
		if err != nil {
			return
		}
		s.set(func() { s.conns[c] = nil })
		s.group.Add(1)
		go func() {
			defer s.group.Done()
			s.serve(c)
			c.Close()
			s.set(func() { delete(s.conns, c) })
		}()
	}
}

func (s *server) config() *ssh.ServerConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	banner, key := s.banner, s.key
	c := &ssh.ServerConfig{
		NoClientAuth:   key == nil,
		BannerCallback: func(ssh.ConnMetadata) string { return banner },
		PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			if key != nil && string(k.Marshal()) != string(key.Marshal()) {
				return nil, errors.New("not this one")
			}
			return nil, nil
		},
	}
	for _, h := range s.hosts {
		c.AddHostKey(h)
	}
	return c
}

func (s *server) serve(c net.Conn) {
	s.mu.Lock()
	mute := s.mute
	s.mu.Unlock()
	if mute {
		_, _ = c.Read(make([]byte, 1<<20))
		_, _ = c.Read(make([]byte, 1<<20))
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(c, s.config())
	if err != nil {
		return
	}
	sc := &serverConn{ServerConn: conn}
	defer func() {
		if sc.ears != nil {
			sc.ears.Close()
		}
	}()
	s.group.Add(1)
	go func() {
		defer s.group.Done()
		for n := range channels {
			s.session(n)
		}
	}()
	for r := range requests {
		s.request(sc, r)
	}
}

func (s *server) request(c *serverConn, r *ssh.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung {
		return
	}
	if r.Type != "tcpip-forward" {
		_ = r.Reply(false, nil)
		return
	}
	var m struct {
		Host string
		Port uint32
	}
	if err := ssh.Unmarshal(r.Payload, &m); err != nil {
		s.t.Error(err)
	}
	s.binds = append(s.binds, net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port))))
	if s.deny {
		_ = r.Reply(false, nil)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Error(err)
		return
	}
	c.ears, c.named = l, m.Host
	if s.named != "" {
		c.named = s.named
	}
	port := uint32(l.Addr().(*net.TCPAddr).Port)
	_ = r.Reply(true, ssh.Marshal(&struct{ Port uint32 }{port}))
	s.logins <- c
}

// open opens a forwarded connection to the client.
func (c *serverConn) open() (ssh.Channel, error) {
	ch, requests, err := c.OpenChannel("forwarded-tcpip", ssh.Marshal(&struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}{c.named, 1, "192.0.2.1", 2}))
	if err == nil {
		go ssh.DiscardRequests(requests)
	}
	return ch, err
}

func (s *server) session(n ssh.NewChannel) {
	if n.ChannelType() != "session" {
		_ = n.Reject(ssh.UnknownChannelType, "")
		return
	}
	ch, requests, err := n.Accept()
	if err != nil {
		return
	}
	s.group.Add(1)
	go func() {
		defer s.group.Done()
		for r := range requests {
			_ = r.Reply(r.Type == "shell", nil)
			if r.Type == "shell" {
				s.mu.Lock()
				text := s.text
				s.mu.Unlock()
				fmt.Fprint(ch, text)
			}
		}
	}()
}

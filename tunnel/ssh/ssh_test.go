package ssh

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"greenroom/tunnel"
	"greenroom/tunnel/tunneltest"
)

const patience = 2 * time.Minute

// echo is a listener that answers with what it is sent, once that has ended.
func echo(t *testing.T) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Add(1)
			go func() {
				defer group.Done()
				defer c.Close()
				b, err := io.ReadAll(c)
				if err == nil {
					_, _ = c.Write(b)
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); group.Wait() })
	return l.Addr()
}

type opened struct {
	*tunneltest.Opened
	t *testing.T
}

func open(t *testing.T, o Options, local net.Addr) *opened {
	t.Helper()
	if o.KnownHostsFile == "" {
		o.KnownHostsFile = filepath.Join(t.TempDir(), "known", "hosts")
	}
	if o.AgentSocket == "" {
		o.AgentSocket = "none"
	}
	if o.User == "" {
		o.User = "ada"
	}
	t.Setenv("HOME", t.TempDir())
	return &opened{tunneltest.Open(t, New(o), tunnel.Local{Addr: local}), t}
}

func (o *opened) live(url string) tunnel.Status {
	o.t.Helper()
	return o.Until("live at "+url, func(s tunnel.Status) bool { return s.State == tunnel.Live && s.URL == url })
}

func (o *opened) degraded(words string) string {
	o.t.Helper()
	return o.Until("degraded: "+words, func(s tunnel.Status) bool { return s.State == tunnel.Degraded && strings.Contains(s.Reason, words) }).Reason
}

func (s *server) login() *serverConn {
	s.t.Helper()
	select {
	case c := <-s.logins:
		return c
	case <-time.After(patience):
		s.t.Fatal("no client logs in")
		return nil
	}
}

// exchange sends through the tunnel and returns what comes back.
func exchange(t *testing.T, c *serverConn, b []byte) []byte {
	t.Helper()
	ch, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if _, err := ch.Write(b); err != nil {
			t.Error(err)
		}
		if err := ch.CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(ch)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestConnectionsAreCarriedWithTheirHalves(t *testing.T) {
	s := serve(t)
	// Services call the forward by names of their own.
	s.set(func() { s.named = "tunnel-7.service.example" })
	o := open(t, Options{Addr: s.addr, RemoteBind: "0", URL: "https://{host}.nip.example/{port}/"}, echo(t))
	c := s.login()
	_, port, _ := net.SplitHostPort(c.ears.Addr().String())
	if st := o.live("https://127.0.0.1.nip.example/" + port); st.StoreAndForward {
		t.Error("it claims to store")
	}
	if s.binds[0] != "localhost:0" {
		t.Errorf("asked to listen at %v", s.binds)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
	for _, b := range [][]byte{nil, []byte("x"), big} {
		if got := exchange(t, c, b); !bytes.Equal(got, b) {
			t.Errorf("%d bytes came back of %d", len(got), len(b))
		}
	}
	o.Until("a round trip", func(s tunnel.Status) bool { return s.RTT > 0 })
}

func TestTooManyConnectionsAreRefused(t *testing.T) {
	s := serve(t)
	open(t, Options{Addr: s.addr, URL: "https://a.example"}, echo(t))
	c := s.login()
	var held []ssh.Channel
	for range concurrent {
		ch, err := c.open()
		if err != nil {
			t.Fatalf("after %d: %v", len(held), err)
		}
		held = append(held, ch)
	}
	_, err := c.open()
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) || refused.Reason != ssh.ResourceShortage {
		t.Errorf("one more: %v", err)
	}
	for _, ch := range held {
		_ = ch.Close()
	}
	// Their places become free.
	deadline := time.Now().Add(patience)
	for {
		ch, err := c.open()
		if err == nil {
			_ = ch.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no place becomes free")
		}
	}
}

func TestAListenerThatIsGone(t *testing.T) {
	s := serve(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	open(t, Options{Addr: s.addr, URL: "https://a.example"}, l.Addr())
	_, err = s.login().open()
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) || refused.Reason != ssh.ConnectionFailed {
		t.Errorf("%v", err)
	}
}

func TestALostConnectionIsReplaced(t *testing.T) {
	s := serve(t)
	clock := clockwork.NewFakeClock()
	o := open(t, Options{Addr: s.addr, URL: "https://a.example", Clock: clock}, echo(t))
	for range 3 {
		o.Each = func() { clock.Advance(100 * time.Millisecond) }
		o.live("https://a.example")
		if got := exchange(t, s.login(), []byte("hello")); string(got) != "hello" {
			t.Errorf("%q", got)
		}
		o.Each = nil
		s.cut()
		o.degraded("connection")
	}
}

func TestAHungServerIsNoticed(t *testing.T) {
	s := serve(t)
	clock := clockwork.NewFakeClock()
	o := open(t, Options{Addr: s.addr, URL: "https://a.example", Clock: clock}, echo(t))
	o.live("https://a.example")
	s.set(func() { s.hung = true })
	o.Each = func() { clock.Advance(500 * time.Millisecond) }
	o.degraded("has not answered for 10s")
	s.set(func() { s.hung = false })
	o.live("https://a.example")
}

func TestAServerThatNeverCompletesALogin(t *testing.T) {
	s := serve(t)
	s.set(func() { s.mute = true })
	o := open(t, Options{Addr: s.addr, URL: "https://a.example", Timeout: 50 * time.Millisecond}, echo(t))
	o.degraded("did not complete the login within 50ms")
	s.set(func() { s.mute = false })
	s.cut()
}

func TestAServerThatRefusesToListen(t *testing.T) {
	s := serve(t)
	s.set(func() { s.deny = true })
	o := open(t, Options{Addr: s.addr, RemoteBind: "0.0.0.0:8080", URL: "https://a.example"}, echo(t))
	if r := o.degraded("refuses to listen at 0.0.0.0:8080"); !strings.Contains(r, "GatewayPorts") {
		t.Errorf("%q says not what to do", r)
	}
	s.set(func() { s.deny = false })
	o.live("https://a.example")
}

func TestTheKeyIsPinnedWhenItIsFirstSeen(t *testing.T) {
	s := serve(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	// What the user has there already stays, also without a line feed at its end.
	other, _ := newKey(t)
	if err := os.WriteFile(file, bytes.TrimSpace([]byte("other.example "+string(ssh.MarshalAuthorizedKey(other.PublicKey())))), 0o600); err != nil {
		t.Fatal(err)
	}
	o := open(t, Options{Addr: s.addr, URL: "https://a.example", KnownHostsFile: file}, echo(t))
	o.live("https://a.example")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.hosts[0].PublicKey())))
	if lines := strings.Split(strings.TrimSpace(string(b)), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], "other.example ") || !strings.HasSuffix(lines[1], want) {
		t.Fatalf("the file holds %q", b)
	}

	changed, _ := newKey(t)
	s.set(func() { s.hosts = []ssh.Signer{changed} })
	s.cut()
	r := o.degraded("has changed")
	for _, say := range []string{ssh.FingerprintSHA256(changed.PublicKey()), "remove line 2 of " + file} {
		if !strings.Contains(r, say) {
			t.Errorf("%q doesn't say %q", r, say)
		}
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, b) {
		t.Errorf("the file was changed: %v", err)
	}
	// The user does as it says.
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.live("https://a.example")
}

// A server that gets a key of another kind beside the pinned one has not changed.
// TestRefusalsThatOnlyPeopleMend: the pauses grow, and the log has the reason once.
func TestRefusalsThatOnlyPeopleMend(t *testing.T) {
	for _, test := range []struct {
		name, want string
		refuse     func(s *server, file string)
	}{
		{"the login", "refuses the login of", func(s *server, _ string) {
			other, _ := newKey(t)
			s.set(func() { s.key = other.PublicKey() })
		}},
		{"another host key", "has changed", func(s *server, file string) {
			other, _ := newKey(t)
			line := knownhosts.Line([]string{knownhosts.Normalize(s.addr)}, other.PublicKey()) + "\n"
			if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, clock, file := serve(t), clockwork.NewFakeClock(), filepath.Join(t.TempDir(), "known_hosts")
			test.refuse(s, file)
			began := clock.Now()
			o := open(t, Options{Addr: s.addr, URL: "https://a.example", KnownHostsFile: file, Clock: clock}, echo(t))
			var again time.Time
			o.Each = func() {
				if left := again.Sub(clock.Now()); left > 0 {
					clock.Advance(min(left, 500*time.Millisecond)) // more at once looks like sleep
				}
			}
			for range 11 {
				again = o.Until("refused", func(s tunnel.Status) bool {
					return s.State == tunnel.Degraded && s.RetryAt.After(again) && strings.Contains(s.Reason, test.want)
				}).RetryAt
			}
			// Ten pauses of full jitter, of up to a second, 2, 4 and so on, are never as short.
			if took := clock.Since(began); took < 10*time.Second {
				t.Errorf("tried eleven times within %s", took)
			}
			if err := o.Close(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(o.Log.String(), "there is no connection"); n != 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

func TestTheKindOfKeyThatIsPinnedIsAskedFor(t *testing.T) {
	s := serve(t)
	pinned := s.hosts[0]
	rsa := newRSA(t)
	s.set(func() { s.hosts = []ssh.Signer{rsa} })
	file := filepath.Join(t.TempDir(), "known_hosts")
	o := open(t, Options{Addr: s.addr, URL: "https://a.example", KnownHostsFile: file}, echo(t))
	o.live("https://a.example")
	s.login()
	s.set(func() { s.hosts = []ssh.Signer{pinned, rsa} })
	s.cut()
	s.login()
	s.set(func() { s.hosts = []ssh.Signer{pinned} })
	s.cut()
	o.degraded("has no host key of the pinned type")
}

func TestKeysToLogInWith(t *testing.T) {
	s := serve(t)
	good, goodFile := newKey(t)
	_, wrongFile := newKey(t)
	encrypted, encryptedFile := newEncryptedKey(t)
	s.set(func() { s.key = good.PublicKey() })

	t.Run("none", func(t *testing.T) {
		open(t, Options{Addr: s.addr, URL: "https://a.example"}, echo(t)).degraded("there is no key to log in with")
	})
	t.Run("wrong", func(t *testing.T) {
		r := open(t, Options{Addr: s.addr, URL: "https://a.example", KeyFiles: []string{wrongFile, encryptedFile}}, echo(t)).
			degraded("refuses the login of ada: it accepts none of the keys (" + wrongFile + ")")
		if !strings.Contains(r, encryptedFile+" is encrypted: add it to an agent with ssh-add") {
			t.Errorf("%q", r)
		}
	})
	t.Run("second", func(t *testing.T) {
		open(t, Options{Addr: s.addr, URL: "https://a.example", KeyFiles: []string{wrongFile, goodFile}}, echo(t)).live("https://a.example")
	})
	t.Run("missing", func(t *testing.T) {
		_, err := New(Options{Addr: s.addr, KeyFiles: []string{"/no/such/key"}, KnownHostsFile: "x"}).Open(t.Context(), tunnel.Local{Addr: echo(t)})
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
	t.Run("agent", func(t *testing.T) {
		public, err := ssh.NewPublicKey(encrypted.Public())
		if err != nil {
			t.Fatal(err)
		}
		s.set(func() { s.key = public })
		socket := serveAgent(t, encrypted)
		o := open(t, Options{Addr: s.addr, URL: "https://a.example", KeyFiles: []string{encryptedFile}, AgentSocket: socket}, echo(t))
		o.live("https://a.example")
		for len(s.logins) > 0 {
			s.login() // of the tests before
		}
		s.cut()
		s.login()
	})
	t.Run("no agent", func(t *testing.T) {
		open(t, Options{Addr: s.addr, URL: "https://a.example", AgentSocket: filepath.Join(t.TempDir(), "gone")}, echo(t)).
			degraded("the agent doesn't respond")
	})
}

func serveAgent(t *testing.T, key any) string {
	t.Helper()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "a")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Add(1)
			go func() {
				defer group.Done()
				defer c.Close()
				_ = agent.ServeAgent(ring, c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); group.Wait() })
	return socket
}

func TestTheURLIsReadFromTheServersOutput(t *testing.T) {
	for _, test := range []struct {
		name         string
		o            Options
		banner, text string
		want         string
	}{
		{name: "session", text: "Welcome! See https://docs.svc.example\r\n\r\nabc.lhr.life tunneled with tls termination, https://abc.lhr.life\r\n", want: "https://abc.lhr.life"},
		{name: "banner", banner: "Forwarding HTTP traffic from https://xyz.serveo.example\n", want: "https://xyz.serveo.example"},
		{name: "pattern", o: Options{Pattern: `at (\S+) now`}, text: "https://no.example\nyou are at http://a.example:81/ now\n", want: "http://a.example:81"},
		{name: "outside address", o: Options{RemoteBind: "*:8080"}, text: "Last login: yesterday\n", want: "http://127.0.0.1:8080"},
		{name: "outside address, printed", o: Options{RemoteBind: ":8080"}, text: "https://printed.example\n", want: "https://printed.example"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t)
			s.set(func() { s.banner, s.text = test.banner, test.text })
			test.o.Addr = s.addr
			open(t, test.o, echo(t)).live(test.want)
		})
	}
}

func TestAServerThatPrintsNoURL(t *testing.T) {
	s := serve(t)
	s.set(func() { s.text = "\x1b[1mWelcome\x1b[0m, see https://help.ubuntu.com\n" })
	clock := clockwork.NewFakeClock()
	o := open(t, Options{Addr: s.addr, RemoteBind: "127.0.0.1:8080", Clock: clock}, echo(t))
	o.Each = func() { clock.Advance(500 * time.Millisecond) }
	o.degraded("is listening at 127.0.0.1:8080, but printed no public URL")
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	open(t, Options{Addr: l.Addr().String(), URL: "https://a.example"}, echo(t)).degraded("127.0.0.1 can't be reached: the connection was refused")
}

func TestCloseWhileConnectionsAreOpen(t *testing.T) {
	s := serve(t)
	o := open(t, Options{Addr: s.addr, URL: "https://a.example"}, echo(t))
	c := s.login()
	ch, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives on")
	}
	o.Until("the end", func(s tunnel.Status) bool { return s.State == tunnel.Closed })
}

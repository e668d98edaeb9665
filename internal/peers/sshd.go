package peers

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHServer is a running OpenSSH server.
type SSHServer struct {
	// Addr is where it listens; User may log in with the key in KeyFile, and with no other.
	Addr, User, KeyFile string
	// HostKey is the server's.
	HostKey ssh.PublicKey

	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
	// log is a file, which the connections' processes may hold on to after the server's end.
	log string
}

// Log returns the server's log so far.
func (s *SSHServer) Log() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Stop ends the server. Connections that it holds are other processes of its, which end with the client's half.
func (s *SSHServer) Stop() {
	_ = s.stdin.Close()
	select {
	case <-s.done:
	case <-time.After(startTime):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// untilEOF runs a program that ends with its standard input, also when this process is killed.
const untilEOF = `exec 3<&0; { cat >/dev/null; kill $$; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-`

// SSHD starts an OpenSSH server with a key of its own that lets the present user forward ports. It listens at addr, or on
// a free port of 127.0.0.1 when that is empty.
func SSHD(t testing.TB, addr string) *SSHServer {
	t.Helper()
	// sshd starts itself again for each connection, and insists on an absolute path.
	program := Find(t, "sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := user.Lookup("sshd"); err != nil {
			Missing(t, "the user sshd, which comes with openssh-server")
		}
	}
	dir := t.TempDir()
	hostFile, host := newKey(t, dir, "host")
	keyFile, key := newKey(t, dir, "client")
	write(t, filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(key))
	for try := 1; ; try++ {
		at := addr
		if at == "" {
			at = free(t)
		}
		name, port, err := net.SplitHostPort(at)
		if err != nil {
			t.Fatal(err)
		}
		conf := filepath.Join(dir, "conf")
		write(t, conf, fmt.Appendf(nil, `ListenAddress %s
Port %s
HostKey %s
AuthorizedKeysFile %s
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding yes
GatewayPorts clientspecified
PidFile none
PrintMotd no
LogLevel VERBOSE
`, name, port, hostFile, filepath.Join(dir, "authorized")))
		s := &SSHServer{
			Addr: at, User: me.Username, KeyFile: keyFile, HostKey: host,
			cmd:  exec.Command("/bin/sh", "-c", untilEOF, "sh", program, "-D", "-e", "-f", conf),
			done: make(chan struct{}), log: filepath.Join(dir, "log"),
		}
		log, err := os.Create(s.log)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		s.cmd.Stderr = log
		if s.stdin, err = s.cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = s.cmd.Wait(); close(s.done) }()
		t.Cleanup(s.Stop)
		if s.ready() {
			return s
		}
		s.Stop()
		// Another program may have taken the port meanwhile.
		if addr != "" || try == 5 || !strings.Contains(s.Log(), "Address already in use") {
			t.Fatalf("sshd did not start: %s", s.Log())
		}
	}
}

// ready waits until the server says that it listens, or has ended.
func (s *SSHServer) ready() bool {
	late := time.NewTimer(startTime)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(s.Log(), "Server listening on") {
		select {
		case <-s.done:
			return false
		case <-late.C:
			return false
		case <-tick.C:
		}
	}
	return true
}

// free returns an unused address of 127.0.0.1.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// newKey makes a key pair and writes the private half to a file.
func newKey(t testing.TB, dir, name string) (string, ssh.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, name)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	write(t, file, pem.EncodeToMemory(block))
	return file, key
}

func write(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

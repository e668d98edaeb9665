package peers

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// SSHServer is a running OpenSSH server.
type SSHServer struct {
	// Addr is its address. User may log in with the key in KeyFile, and no other.
	Addr, User, KeyFile string
	HostKey             ssh.PublicKey
	// Stop ends the server, but not its connections: each is a separate process, which ends with the client.
	*Process

	// log is a file, which the connections' processes may keep open after the server has ended.
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

// SSHD starts an OpenSSH server with a new key that lets the current user forward ports. It listens at addr, or at a free address if
// that is empty.
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
			at = Free(t)
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
			Addr: at, User: me.Username, KeyFile: keyFile, HostKey: host, log: filepath.Join(dir, "log"),
		}
		log, err := os.Create(s.log)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		cmd := UntilEOF(program, "-D", "-e", "-f", conf)
		cmd.Stderr = log
		s.Process = Begin(t, cmd)
		if s.Until(func() bool { return strings.Contains(s.Log(), "Server listening on") }) {
			return s
		}
		s.Stop()
		// Another program may have taken the port meanwhile.
		if addr != "" || try == 5 || !strings.Contains(s.Log(), "Address already in use") {
			t.Fatalf("sshd did not start: %s", s.Log())
		}
	}
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

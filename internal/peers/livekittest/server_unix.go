//go:build unix

// Package livekittest starts, for tests, a real LiveKit server with redis, LiveKit's own mock of it, real participants, and a stand-in
// for LiveKit's egress service.
//
// They are built by internal/peers/testdata/livekit/build, and searched in PATH and in Go's folder of programs. Everything binds
// 127.0.0.1 and ends with the test, even if the test is killed.
package livekittest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/internal/peers"
)

// Key and Secret are the servers' only key.
const (
	Key    = "devkey"
	Secret = "secret-of-the-peer-with-more-than-32-characters"
)

// patience limits every wait.
const patience = 2 * time.Minute

// Server is a LiveKit server, real or mock.
type Server struct {
	// URL is its address for calls, Host is URL without the scheme.
	URL, Host string
	program   string
	args      []string
	run       *process
}

// Options configure a real server.
type Options struct {
	// Webhook is the URL for its events; empty means that it sends none.
	Webhook string
	// Redis is the address of a redis, which egress needs.
	Redis string
	// Unmute allows hosts to unmute participants.
	Unmute bool
}

// Start starts a real server.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	program := peers.FindGo(t, "livekit-server")
	host := peers.Free(t)
	_, port, _ := net.SplitHostPort(host)
	_, media, _ := net.SplitHostPort(peers.Free(t))
	var b strings.Builder
	fmt.Fprintf(&b, "port: %s\nbind_addresses: [127.0.0.1]\n", port)
	fmt.Fprintf(&b, "rtc:\n  tcp_port: 0\n  udp_port: %s\n  interfaces: {includes: [lo]}\n  ips: {includes: [127.0.0.0/8]}\n", media)
	b.WriteString("  enable_loopback_candidate: true\n  node_ip: 127.0.0.1\n  stun_servers: [\"127.0.0.1:3478\"]\n")
	fmt.Fprintf(&b, "keys: {%s: %s}\nlogging: {level: warn}\n", Key, Secret)
	fmt.Fprintf(&b, "room: {enable_remote_unmute: %v, empty_timeout: 300}\n", o.Unmute)
	if o.Webhook != "" {
		fmt.Fprintf(&b, "webhook: {api_key: %s, urls: [%q]}\n", Key, o.Webhook)
	}
	if o.Redis != "" {
		fmt.Fprintf(&b, "redis: {address: %q}\n", o.Redis)
	}
	config := filepath.Join(t.TempDir(), "livekit.yaml")
	if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "http://" + host, Host: host, program: program, args: []string{"--config", config, "--node-ip", "127.0.0.1"}}
	s.Restart(t)
	return s
}

// StartMock starts LiveKit's own mock, which checks tokens and grants with the real server's code and makes up its answers.
func StartMock(t testing.TB) *Server {
	t.Helper()
	host := peers.Free(t)
	_, port, _ := net.SplitHostPort(host)
	s := &Server{
		URL: "http://" + host, Host: host, program: peers.FindGo(t, "livekit-test-server"),
		args: []string{"--bind", "127.0.0.1", "--ports", port, "--api-secret", Secret},
	}
	s.Restart(t)
	return s
}

// Restart starts the server again at the same address, after [Server.Kill].
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.run = begin(t, peers.UntilEOF(s.program, s.args...))
	Wait(t, "the LiveKit server", func() bool {
		s.run.alive(t, "the LiveKit server")
		resp, err := http.Get(s.URL + "/")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

// Kill ends the server with SIGKILL.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.run.kill(t)
}

// Socket is the address for clients.
func (s *Server) Socket() string { return "ws://" + s.Host }

// Grants are the permissions in a token.
type Grants map[string]any

// Token returns a token with which to call the server, or to join as an identity.
func Token(t testing.TB, grants Grants, identity, name string, attributes map[string]string) string {
	t.Helper()
	now := time.Now()
	c := jwt.MapClaims{"iss": Key, "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(), "video": grants}
	if identity != "" {
		c["sub"], c["name"] = identity, name
	}
	if len(attributes) > 0 {
		c["attributes"] = attributes
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(Secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Call makes a call of the server's API, and returns the status and the answer.
func (s *Server) Call(t testing.TB, method string, in any, grants Grants) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, s.URL+"/twirp/livekit."+method, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+Token(t, grants, "", "", nil))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	var out map[string]any
	_ = json.Unmarshal(raw, &out) // a refusal of a token is text
	return resp.StatusCode, out
}

// People returns the names of the participants in a room by session: the server's truth. It fails if the server doesn't answer.
func (s *Server) People(t testing.TB, room string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, p := range s.participants(t, room) {
		if sid, _ := p["sid"].(string); p["state"] == "ACTIVE" {
			out[sid], _ = p["name"].(string)
		}
	}
	return out
}

// participants lists a room's participants.
func (s *Server) participants(t testing.TB, room string) (out []map[string]any) {
	t.Helper()
	status, answer := s.Call(t, "RoomService/ListParticipants", map[string]any{"room": room}, Grants{"roomAdmin": true, "room": room})
	if status != http.StatusOK {
		t.Fatalf("the LiveKit server answers %d", status)
	}
	list, _ := answer["participants"].([]any)
	for _, one := range list {
		p, _ := one.(map[string]any)
		out = append(out, p)
	}
	return out
}

// Tracks returns the number of tracks that a session sends.
func (s *Server) Tracks(t testing.TB, room, session string) (all, muted int) {
	t.Helper()
	for _, p := range s.participants(t, room) {
		if p["sid"] != session {
			continue
		}
		tracks, _ := p["tracks"].([]any)
		for _, track := range tracks {
			all++
			if m, _ := track.(map[string]any); m["muted"] == true {
				muted++
			}
		}
	}
	return all, muted
}

// Wait waits until is returns true.
func Wait(t testing.TB, what string, is func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-late.C:
			t.Fatalf("%s: still not after %s", what, patience)
		case <-tick.C:
		}
	}
}

// process is a program with the programs that it starts.
type process struct{ *peers.Process }

// begin starts a program.
func begin(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{peers.Begin(t, cmd)}
	p.Kill = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return p
}

// kill ends the program, and the programs that it started, with SIGKILL.
func (p *process) kill(t testing.TB) {
	t.Helper()
	_ = p.Kill()
	<-p.Ended
}

// alive fails the test if the program has ended.
func (p *process) alive(t testing.TB, what string) {
	t.Helper()
	select {
	case <-p.Ended:
		t.Fatalf("%s ended: %s", what, p.Output())
	default:
	}
}

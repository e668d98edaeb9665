//go:build unix

package livekittest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/peers"
)

// Person describes a participant to join.
type Person struct {
	Room, Identity, Name string
	Host, Publish        bool
	// Token replaces the token that is made from the other fields.
	Token string
}

// Joined is a real participant, which is a separate program.
type Joined struct {
	// Session is its sid.
	Session string
	run     *process
	mu      sync.Mutex
	said    []string
}

// Join makes a participant join a room, and waits until it is connected.
func (s *Server) Join(t testing.TB, p Person) *Joined {
	t.Helper()
	token := p.Token
	if token == "" {
		var attributes map[string]string
		if p.Host {
			attributes = map[string]string{"greenroom.host": "true"}
		}
		token = Token(t, Grants{"roomJoin": true, "room": p.Room, "roomAdmin": p.Host}, p.Identity, p.Name, attributes)
	}
	args := []string{"-url", s.Socket(), "-token", token}
	if p.Publish {
		args = append(args, "-publish")
	}
	j := &Joined{}
	joined := make(chan string, 1)
	j.run = begin(t, func(line string) {
		j.mu.Lock()
		j.said = append(j.said, line)
		j.mu.Unlock()
		if sid, ok := strings.CutPrefix(line, "joined "); ok {
			joined <- sid
		}
	}, peers.FindGo(t, "livekit-participant"), args...)
	select {
	case j.Session = <-joined:
	case <-j.run.Ended:
		t.Fatalf("the participant ended: %s", j.run.Output())
	case <-time.After(patience):
		t.Fatalf("the participant did not join: %s", j.run.Output())
	}
	return j
}

// Leave leaves the room normally, and waits until the participant has ended.
func (j *Joined) Leave(t testing.TB) {
	t.Helper()
	_ = j.run.Stdin.Close()
	<-j.run.Ended
}

// Kill ends the participant with SIGKILL: the server notices that the connection is lost.
func (j *Joined) Kill(t testing.TB) {
	t.Helper()
	j.run.kill(t)
}

// Gone reports whether the participant has ended.
func (j *Joined) Gone() bool {
	select {
	case <-j.run.Ended:
		return true
	default:
		return false
	}
}

// Said reports whether the participant has printed a line with this beginning.
func (j *Joined) Said(begin string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.ContainsFunc(j.said, func(line string) bool { return strings.HasPrefix(line, begin) })
}

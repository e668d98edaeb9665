//go:build unix

package livekittest

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// Person describes a participant to join.
type Person struct {
	Room, Identity, Name string
	Host, Publish        bool
	// Token joins in place of one that is made from the other fields.
	Token string
}

// Joined is a real participant, a program of its own.
type Joined struct {
	// Session is its sid.
	Session string
	run     *process
	mu      sync.Mutex
	said    []string
}

// Join lets a participant into a room, and waits until it is connected.
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
	}, find(t, "livekit-participant"), args...)
	select {
	case j.Session = <-joined:
	case <-j.run.ended:
		t.Fatalf("the participant ended: %s", j.run.said())
	case <-time.After(patience):
		t.Fatalf("the participant did not join: %s", j.run.said())
	}
	return j
}

// Leave leaves as a person does, and waits until the participant has ended.
func (j *Joined) Leave(t testing.TB) {
	t.Helper()
	_ = j.run.stdin.Close()
	<-j.run.ended
}

// Kill ends the participant with SIGKILL: the server notices that the connection is lost.
func (j *Joined) Kill(t testing.TB) {
	t.Helper()
	j.run.kill(t)
}

// Gone reports whether the participant has ended.
func (j *Joined) Gone() bool {
	select {
	case <-j.run.ended:
		return true
	default:
		return false
	}
}

// Said reports whether the participant has printed a line that begins with some words.
func (j *Joined) Said(begin string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.said {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

//go:build unix

package livekittest

import (
	"os/exec"
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
}

// Join makes a participant join a room, and waits until it is connected and, if it publishes, the server has its two tracks. LiveKit's
// client rarely loses one of them while it negotiates: then it joins again.
func (s *Server) Join(t testing.TB, p Person) *Joined {
	t.Helper()
	j := s.join(t, p)
	for again := 0; p.Publish && !s.hasTracks(t, p.Room, j.Session); again++ {
		if again == 3 {
			t.Fatalf("the server lacks tracks of %s", p.Identity)
		}
		j.Leave(t)
		j = s.join(t, p)
	}
	return j
}

// hasTracks waits until the server has two tracks of a participant, at most for 20 seconds.
func (s *Server) hasTracks(t testing.TB, room, session string) bool {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); time.Sleep(50 * time.Millisecond) {
		if n, _ := s.Tracks(t, room, session); n == 2 {
			return true
		}
	}
	return false
}

func (s *Server) join(t testing.TB, p Person) *Joined {
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
	j := &Joined{run: begin(t, exec.Command(peers.FindGo(t, "livekit-participant"), args...))}
	Wait(t, "the participant joins", func() bool {
		j.run.alive(t, "the participant")
		return j.Said("joined ")
	})
	j.Session = j.run.Lines("joined ")[0]
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
func (j *Joined) Said(begin string) bool { return len(j.run.Lines(begin)) > 0 }

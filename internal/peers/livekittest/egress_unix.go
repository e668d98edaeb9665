//go:build unix

package livekittest

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/peers"
)

// StartRedis starts a redis without persistence, and returns its address.
func StartRedis(t testing.TB) string {
	t.Helper()
	program, address := peers.Find(t, "redis-server"), peers.Free(t)
	_, port, _ := net.SplitHostPort(address)
	run := begin(t, peers.UntilEOF(program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir()))
	Wait(t, "redis", func() bool {
		run.alive(t, "redis")
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return address
}

// Egress stands in for LiveKit's egress service: a program that gets the server's requests through redis, reports states to the server
// and uploads real files to S3. Its commands are in its source, internal/peers/testdata/livekit/egress/worker.go.
type Egress struct {
	// Video and Audio are the files that it uploads.
	Video, Audio string

	run *process
}

// StartEgress starts it beside a server that was started with [Options].Redis. Its files are made by ffmpeg.
func StartEgress(t testing.TB, s *Server, redis string) *Egress {
	t.Helper()
	e := &Egress{}
	e.Video, e.Audio = media(t)
	e.run = begin(t, exec.Command(peers.FindGo(t, "livekit-egress"), "-redis", redis, "-server", s.URL, "-key", Key, "-secret", Secret,
		"-video", e.Video, "-audio", e.Audio))
	e.until(t, "the egress service", "ready", 1)
	return e
}

// media makes the files of recordings.
func media(t testing.TB) (video, audio string) {
	t.Helper()
	program, dir := peers.Find(t, "ffmpeg"), t.TempDir()
	video, audio = filepath.Join(dir, "a.mp4"), filepath.Join(dir, "a.ogg")
	out, err := exec.Command(program, "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=15:duration=2",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2",
		"-map", "0", "-map", "1", "-c:v", "mpeg4", "-c:a", "aac", video, "-map", "1", "-c:a", "libopus", audio).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return video, audio
}

// Do sends a command.
func (e *Egress) Do(t testing.TB, words ...string) {
	t.Helper()
	if _, err := fmt.Fprintln(e.run.Stdin, strings.Join(words, " ")); err != nil {
		t.Fatal(err)
	}
	if words[0] == "hold" || words[0] == "full" {
		e.until(t, "the egress service", strings.Join(words, " "), 1)
	}
}

// Until waits until n recordings have been in a state since the service started, and returns their ids in order.
func (e *Egress) Until(t testing.TB, state string, n int) []string {
	t.Helper()
	return e.until(t, fmt.Sprintf("%d recordings that are %s", n, state), state, n)
}

func (e *Egress) until(t testing.TB, what, begin string, n int) (ids []string) {
	t.Helper()
	Wait(t, what, func() bool {
		e.run.alive(t, "the egress service")
		if failed := e.run.Lines("error "); len(failed) > 0 {
			t.Fatalf("the egress service: %s", failed[0])
		}
		ids = e.run.Lines(begin)
		return len(ids) >= n
	})
	for i := range ids {
		ids[i] = strings.TrimSpace(ids[i])
	}
	return ids
}

// Kill ends the service with SIGKILL.
func (e *Egress) Kill(t testing.TB) {
	t.Helper()
	e.run.kill(t)
}

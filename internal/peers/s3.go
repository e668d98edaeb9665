package peers

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// S3Server is a running server that speaks S3 and keeps its buckets as folders.
type S3Server struct {
	// Endpoint is its URL. Buckets stand in the path.
	Endpoint, Region, AccessKey, SecretKey string
	// Dir holds a folder for each bucket. A file that is put there is an object.
	Dir string
}

// S3 starts a server that speaks S3, with no buckets. Where events isn't empty, it is a URL at which the server posts an event
// for every object that is made or removed, in the form of S3's.
//
// It is versitygw, installed by `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`.
func S3(t testing.TB, events string) *S3Server {
	t.Helper()
	places := []string{"/usr/local/bin/versitygw"}
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, filepath.Join(home, "go", "bin", "versitygw"))
	}
	program := Find(t, "versitygw", places...)
	for try := 1; ; try++ {
		s := &S3Server{Endpoint: "http://" + free(t), Region: "us-west-2", AccessKey: "peer", SecretKey: "of-the-peer", Dir: t.TempDir()}
		said, ok := s.start(t, program, events)
		if ok {
			return s
		}
		// Another program may have taken the port meanwhile.
		if try == 5 || !strings.Contains(said, "address already in use") {
			t.Fatalf("the S3 server did not start: %s", said)
		}
	}
}

// start starts the server, and says whether it answers. It returns what the server said where it doesn't.
func (s *S3Server) start(t testing.TB, program, events string) (said string, ok bool) {
	t.Helper()
	const health = "/health-of-the-peer"
	args := []string{"-c", untilEOF, "sh", program, "--port", strings.TrimPrefix(s.Endpoint, "http://"), "--region", s.Region, "--quiet", "--health", health}
	if events != "" {
		args = append(args, "--event-webhook-url", events)
	}
	cmd := exec.Command("/bin/sh", append(args, "posix", s.Dir)...)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = stdin.Close()
		select {
		case <-ended:
		case <-time.After(startTime):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	late := time.NewTimer(startTime)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if resp, err := http.Get(s.Endpoint + health); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "", true
			}
		}
		select {
		case <-ended:
			return out.String(), false
		case <-late.C:
			return out.String(), false
		case <-tick.C:
		}
	}
}

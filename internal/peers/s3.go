package peers

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// S3Server is a running server that speaks S3 and keeps its buckets as folders.
type S3Server struct {
	// Endpoint is its URL. Buckets are in the path.
	Endpoint, Region, AccessKey, SecretKey string
	// Dir has a folder for each bucket, whose files are its objects.
	Dir string
}

// S3 starts a server that speaks S3, without buckets. It posts S3's events about created and removed objects to the URL events, unless
// that is empty.
//
// It is versitygw, installed by `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`.
func S3(t testing.TB, events string) *S3Server {
	t.Helper()
	program := FindGo(t, "versitygw")
	for try := 1; ; try++ {
		s := &S3Server{Endpoint: "http://" + Free(t), Region: "us-west-2", AccessKey: "peer", SecretKey: "of-the-peer", Dir: t.TempDir()}
		printed, ok := s.start(t, program, events)
		if ok {
			return s
		}
		// Another program may have taken the port meanwhile.
		if try == 5 || !strings.Contains(printed, "address already in use") {
			t.Fatalf("the S3 server did not start: %s", printed)
		}
	}
}

// start starts the server, and reports whether it answers, or else what it printed.
func (s *S3Server) start(t testing.TB, program, events string) (printed string, ok bool) {
	t.Helper()
	const health = "/health-of-the-peer"
	args := []string{"--port", strings.TrimPrefix(s.Endpoint, "http://"), "--region", s.Region, "--quiet", "--health", health}
	if events != "" {
		args = append(args, "--event-webhook-url", events)
	}
	cmd := UntilEOF(program, append(args, "posix", s.Dir)...)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.AccessKey, "ROOT_SECRET_KEY="+s.SecretKey)
	run := Begin(t, cmd)
	ok = run.Until(func() bool {
		resp, err := http.Get(s.Endpoint + health)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return run.Output(), ok
}

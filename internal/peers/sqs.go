package peers

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// SQS starts a server that speaks SQS, with no queues, and returns its URL. It accepts all credentials and regions. Each
// call starts another one, in about a second.
//
// It is fauxqs, from npm, installed by `npm ci` in internal/peers/testdata/sqs. Its FIFO queues return one message per
// group and receive.
func SQS(t testing.TB) (endpoint string) {
	t.Helper()
	node := Find(t, "node")
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "testdata", "sqs")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "fauxqs")); err != nil {
		Missing(t, "fauxqs: run `npm ci` in internal/peers/testdata/sqs")
	}
	cmd := exec.Command(node, "start.mjs")
	cmd.Dir = dir
	var said output
	cmd.Stderr = &said
	// The server ends with its input, also when this process is killed.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(startTime, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the SQS server did not start: %v: %s", err, &said)
	}
	late.Stop()
	return strings.TrimSpace(line)
}

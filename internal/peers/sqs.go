package peers

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// SQS starts a server that speaks SQS, without queues, and returns its URL. It accepts all credentials and regions. It takes about a
// second.
//
// It is fauxqs, from npm, installed by `npm ci` in internal/peers/testdata/sqs. Its FIFO queues return one message per
// group and receive.
func SQS(t testing.TB) (endpoint string) {
	t.Helper()
	node := Find(t, "node")
	modules := NodeModules(t, "internal/peers/testdata/sqs", "fauxqs")
	cmd := exec.Command(node, "start.mjs") // it ends with its standard input
	cmd.Dir = filepath.Dir(modules)
	run := Begin(t, cmd)
	if !run.Until(func() bool { return len(run.Lines("")) > 0 }) {
		t.Fatalf("the SQS server did not start: %s", run.Output())
	}
	return strings.TrimSpace(run.Lines("")[0])
}

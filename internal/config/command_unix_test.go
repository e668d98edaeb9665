//go:build unix

package config

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that doesn't end is killed together with its children, and so is one that prints without end: what the child
// inherited, the write end of a FIFO, is closed.
func TestCommandIsKilledWithItsChildren(t *testing.T) {
	for command, want := range map[string]string{
		"exec 3>%s; sleep 600 & echo busy >&2; wait": "did not finish within 500ms: busy",
		"exec 3>%s; sleep 600 & yes":                 "printed more than 65536 bytes",
		"exec 3>%s; sleep 600 & yes >&2":             "printed more than 1048576 bytes to standard error",
	} {
		timeout := time.Hour
		if strings.Contains(want, "500ms") {
			timeout = 500 * time.Millisecond
		}
		fifo := filepath.Join(t.TempDir(), "fifo")
		if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ended := make(chan error, 1)
		go func() {
			f, err := os.Open(fifo) // opens with the command, ends with the last process that holds it
			if err == nil {
				_, err = io.Copy(io.Discard, f)
				f.Close()
			}
			ended <- err
		}()
		_, err := Resolver{Timeout: timeout}.Resolve(context.Background(), "cmd:"+fmt.Sprintf(command, fifo))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", command, err, want)
		}
		// A command that was killed before it opened the FIFO leaves its reader waiting for a first writer.
		if f, err := os.OpenFile(fifo, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("%s: a child lives on", command)
		}
	}
}

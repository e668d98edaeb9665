package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"greenroom/internal/plain"
	"greenroom/internal/program/group"
)

// printed runs a command and returns its standard output. Errors quote the first line of its standard error, without secrets. Its time
// and output are bounded, and its children end with it: it runs in its own process group, and therefore can't ask on the terminal.
func printed(ctx context.Context, command string, timeout time.Duration) (string, error) {
	inTime, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	shell := []string{"/bin/sh", "-c", command}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C", command}
	}
	cmd := exec.CommandContext(inTime, shell[0], shell[1:]...)
	out, noise := &capped{most: maxSecret, full: cancel}, &capped{most: maxNoise, full: cancel}
	cmd.Stdout, cmd.Stderr = out, noise
	cmd.WaitDelay = time.Second // a child that left the group may keep the pipe open
	group.Own(cmd)
	cmd.Cancel = func() error { return group.Kill(cmd) }
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case out.over:
		return "", fmt.Errorf("its command printed more than %d bytes", maxSecret)
	case noise.over:
		return "", fmt.Errorf("its command printed more than %d bytes to standard error", maxNoise)
	case inTime.Err() != nil:
		return "", fmt.Errorf("its command did not finish within %s%s", timeout, noise.firstLine(out))
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, and left a child behind that holds its output open
		_ = group.Kill(cmd)
	case errors.As(err, &exit):
		return "", fmt.Errorf("its command failed (%s)%s", ending(exit), noise.firstLine(out))
	case err != nil:
		return "", errors.New("its command could not be run")
	case len(bytes.TrimSpace(out.buf.Bytes())) == 0:
		return "", fmt.Errorf("its command printed nothing%s", noise.firstLine(out))
	}
	return out.buf.String(), nil
}

// ending describes how a command ended.
func ending(e *exec.ExitError) string {
	if e.ExitCode() < 0 {
		return e.String() // a signal
	}
	return fmt.Sprintf("exit status %d", e.ExitCode())
}

// capped keeps the first bytes of a command's output and calls full when there are more.
type capped struct {
	buf  bytes.Buffer // not embedded: its ReadFrom would bypass Write
	most int
	full func()
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	if room := c.most - c.buf.Len(); len(p) > room {
		if !c.over {
			c.over = true
			c.full()
		}
		c.buf.Write(p[:room])
		return len(p), nil
	}
	return c.buf.Write(p)
}

// maxReason is how much of a command's message an error quotes, in bytes.
const maxReason = 200

// firstLine returns ": " and the first line that isn't empty, safe to show, or "" if there is none. A line with a word of the command's
// output is left out, because the output is the secret.
func (c *capped) firstLine(secret *capped) string {
	for line := range strings.Lines(c.buf.String()) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		for _, word := range strings.Fields(secret.buf.String()) {
			if strings.Contains(line, word) {
				return ""
			}
		}
		if len(line) > maxReason {
			line = strings.ToValidUTF8(line[:maxReason], "") + "…"
		}
		return ": " + plain.Text(line)
	}
	return ""
}

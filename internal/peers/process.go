package peers

import (
	"bytes"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// startTime limits how long a peer may take to start or to end.
const startTime = 2 * time.Minute

// Process is a program that ends with its standard input: with the test, and with this process even if that is killed.
type Process struct {
	Stdin io.WriteCloser
	// Ended is closed when the program has ended.
	Ended <-chan struct{}
	// Kill ends the program.
	Kill func() error

	out, errs output
}

// UntilEOF returns the command of a program that doesn't read its standard input. A shell ends it when that is closed.
func UntilEOF(program string, args ...string) *exec.Cmd {
	const script = `exec 3<&0; { cat >/dev/null; kill $$; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-`
	return exec.Command("/bin/sh", append([]string{"-c", script, "sh", program}, args...)...)
}

// Begin starts a program.
func Begin(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	ended := make(chan struct{})
	p := &Process{Ended: ended, Kill: func() error { return cmd.Process.Kill() }}
	cmd.Stdout = &p.out
	if cmd.Stderr == nil {
		cmd.Stderr = &p.errs
	}
	var err error
	if p.Stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(p.Stop)
	return p
}

// Stop ends the program, and waits for its end.
func (p *Process) Stop() {
	_ = p.Stdin.Close()
	select {
	case <-p.Ended:
	case <-time.After(startTime):
		_ = p.Kill()
		<-p.Ended
	}
}

// Until waits until is returns true, and returns false if the program ends before, or doesn't get there in time.
func (p *Process) Until(is func() bool) bool {
	late := time.NewTimer(startTime)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-p.Ended:
			return false
		case <-late.C:
			return false
		case <-tick.C:
		}
	}
	return true
}

// Output returns what the program has printed so far.
func (p *Process) Output() string { return p.out.String() + p.errs.String() }

// Lines returns the complete lines of standard output so far that begin with a text, without that text.
func (p *Process) Lines(begin string) (out []string) {
	for line := range strings.Lines(p.out.String()) {
		line, whole := strings.CutSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, begin); ok && whole {
			out = append(out, rest)
		}
	}
	return out
}

// output collects the output of a program.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Free returns an unused address of 127.0.0.1. Another program may take it before it is used.
func Free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

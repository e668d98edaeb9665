//go:build unix

package tunneltest

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a test waits for an event.
const Patience = 2 * time.Minute

// Process is a program that can be killed and restarted. Its methods are for one goroutine at a time.
type Process struct {
	t    testing.TB
	make func() *exec.Cmd
	cmd  *exec.Cmd

	mu    sync.Mutex
	lines []string
	more  chan struct{}
	ended chan struct{}
}

// NewProcess returns a process that isn't started; command returns the command of each start. It is killed when the test ends.
func NewProcess(t testing.TB, command func() *exec.Cmd) *Process {
	p := &Process{t: t, make: command}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.Kill()
		}
	})
	return p
}

// Start starts it, with additional environment.
func (p *Process) Start(env ...string) {
	p.t.Helper()
	p.cmd = p.make()
	p.cmd.Env = append(p.cmd.Env, env...)
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = os.Stderr
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.lines, p.more, p.ended = nil, make(chan struct{}, 1), make(chan struct{})
	p.mu.Unlock()
	cmd, more, ended := p.cmd, p.more, p.ended
	go func() {
		defer close(ended)
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			p.mu.Lock()
			p.lines = append(p.lines, line[:len(line)-1])
			p.mu.Unlock()
			select {
			case more <- struct{}{}:
			default:
			}
		}
		_ = cmd.Wait() // Wait reports how it ended
	}()
}

// Until waits for a line on its standard output since the last start.
func (p *Process) Until(what string, is func(line string) bool) {
	p.t.Helper()
	late := time.After(Patience)
	for seen := 0; ; {
		p.mu.Lock()
		lines := p.lines[seen:]
		p.mu.Unlock()
		for _, l := range lines {
			if is(l) {
				return
			}
		}
		seen += len(lines)
		select {
		case <-p.more:
		case <-p.ended:
			p.t.Fatalf("it ended instead of being %s; the last that it printed is %q", what, lines)
		case <-late:
			p.t.Fatalf("it is never %s; the last that it printed is %q", what, lines)
		}
	}
}

// Signal sends a signal. It is no error if the process has ended.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// Freeze and Thaw are SIGSTOP and SIGCONT.
func (p *Process) Freeze() { p.Signal(syscall.SIGSTOP) }
func (p *Process) Thaw()   { p.Signal(syscall.SIGCONT) }

// Kill is kill -9.
func (p *Process) Kill() {
	p.t.Helper()
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// Wait waits until it ends without being asked, and reports whether a signal ended it.
func (p *Process) Wait() (signaled bool) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(Patience):
		p.t.Fatal("it doesn't end")
	}
	s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && s.Signaled()
}

// Stop ends it with SIGTERM, after its first output: before that it may not handle the signal.
func (p *Process) Stop() {
	p.t.Helper()
	p.Thaw()
	p.Until("running", func(string) bool { return true })
	p.Signal(syscall.SIGTERM)
	if p.Wait() || p.cmd.ProcessState.ExitCode() != 0 {
		p.t.Errorf("%v ends with %v", p.cmd.Args, p.cmd.ProcessState)
	}
}

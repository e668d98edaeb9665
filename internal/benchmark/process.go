package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startTime bounds how long a process may take to be ready, endTime to end.
const (
	startTime = 20 * time.Second
	endTime   = 10 * time.Second
)

// process is a running program with separate folders.
type process struct {
	*exec.Cmd
	home string
	out  *os.File
	done chan error
}

// start starts a program whose output goes into a file.
func start(ctx context.Context, home, name string, env []string, args ...string) (*process, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	out, err := os.CreateTemp(home, "output-")
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.CommandContext(ctx, name, args...), home: home, out: out, done: make(chan error, 1)}
	p.Stdout, p.Stderr, p.Env = out, out, append(homeEnv(home), env...)
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGTERM) }
	p.WaitDelay = endTime
	if err := p.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	go func() { p.done <- p.Wait() }()
	return p, nil
}

// homeEnv returns an environment without the user's settings, except PATH.
func homeEnv(home string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TERM=xterm-256color", "LANG=C.UTF-8"}
	for _, dir := range []string{"CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR", "CACHE_HOME"} {
		env = append(env, "XDG_"+dir+"="+filepath.Join(home, strings.ToLower(dir[:1]))) // the paths of sockets are short
	}
	return env
}

// dailyEnv configures a Daily account. Its API can't be reached, so that nothing but webhooks arrives.
func dailyEnv(secret string) []string {
	return []string{"DAILY_API_KEY=key", "DAILY_API_URL=http://127.0.0.1:1/v1", "DAILY_WEBHOOK_SECRET=" + secret}
}

// waitFor waits for a word after a text in the output, and returns it.
func (p *process) waitFor(text string) (string, error) {
	late := time.Now().Add(startTime)
	for {
		f, err := os.Open(p.out.Name())
		if err != nil {
			return "", err
		}
		in := bufio.NewScanner(f)
		for in.Scan() {
			if _, after, ok := strings.Cut(in.Text(), text); ok {
				word, _, _ := strings.Cut(strings.TrimSpace(after), " ")
				return strings.TrimRight(word, ".\","), f.Close()
			}
		}
		if err := f.Close(); err != nil {
			return "", err
		}
		select {
		case err := <-p.done:
			p.done <- err
			return "", fmt.Errorf("%s ended: %v: %s", p.Path, err, p.said())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(late) {
			return "", fmt.Errorf("%s didn't print %q within %s: %s", p.Path, text, startTime, p.said())
		}
	}
}

// said is the beginning of the output.
func (p *process) said() string {
	f, err := os.Open(p.out.Name())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 2000)) // for an error only
	return string(b)
}

// stop ends the process cleanly.
func (p *process) stop() error {
	if err := p.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(endTime):
		return errors.Join(fmt.Errorf("%s didn't end within %s", p.Path, endTime), p.Process.Kill())
	}
	return p.out.Close()
}

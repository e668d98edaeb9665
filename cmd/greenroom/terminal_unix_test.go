//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"greenroom/provider/sandbox"
)

// seat is a real program on a real terminal. What it writes is read all the time, and a terminal's questions are answered.
type seat struct {
	t           testing.TB
	cmd         *exec.Cmd
	master, tty *os.File
	done        chan error

	mu   sync.Mutex
	seen bytes.Buffer  // every byte
	term *vt.Emulator  // what they come to
	more chan struct{} // closed and replaced whenever something was read
}

// patienceOnTTY bounds every wait; ends bounds the end after a signal: the promised 3 s, and as much for a busy machine.
const (
	patienceOnTTY = 2 * time.Minute
	ends          = 6 * time.Second
)

// seated starts a program as the leader of a session on a terminal of its own.
func seated(t testing.TB, env []string, args ...string) *seat {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &seat{t: t, master: master, tty: tty, done: make(chan error, 1), more: make(chan struct{}), term: vt.NewEmulator(120, 40)}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 40, Cols: 120}); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Env, s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = env, tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		master.Close()
		tty.Close()
	})
	return s
}

// watched reads what the program writes.
func (s *seat) watched() *seat {
	go func() { _, _ = io.Copy(s.master, s.term) }() // answers
	// Closing the terminal itself would race with what is still read and written.
	s.t.Cleanup(func() { _ = s.term.InputPipe().(io.Closer).Close() })
	go func() {
		b := make([]byte, 32<<10)
		for {
			n, err := s.master.Read(b)
			s.mu.Lock()
			s.seen.Write(b[:n])
			_, _ = s.term.Write(b[:n])
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

// until waits until the screen, or all that was written, satisfies a condition.
func (s *seat) until(what string, is func(screen, all string) bool) *seat {
	s.t.Helper()
	limit := time.After(patienceOnTTY)
	for {
		s.mu.Lock()
		text, all, more := s.term.String(), s.seen.String(), s.more
		s.mu.Unlock()
		if is(text, all) {
			return s
		}
		select {
		case <-more:
		case <-limit:
			s.t.Fatalf("the terminal never showed %s; it shows:\n%s", what, text)
		}
	}
}

func (s *seat) sees(text string) *seat {
	s.t.Helper()
	return s.until(strconv.Quote(text), func(screen, _ string) bool { return strings.Contains(screen, text) })
}

func (s *seat) misses(text string) *seat {
	s.t.Helper()
	return s.until("no "+strconv.Quote(text), func(screen, _ string) bool { return !strings.Contains(screen, text) })
}

func (s *seat) types(text string) *seat {
	s.t.Helper()
	if _, err := io.WriteString(s.master, text); err != nil {
		s.t.Fatal(err)
	}
	return s
}

func (s *seat) signal(sig os.Signal) *seat {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) { // it may end of its own accord
		s.t.Fatal(err)
	}
	return s
}

// leaves checks that the program ends in time.
func (s *seat) leaves(when string) *seat {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(ends):
		s.t.Fatalf("%s: the program still runs after %s; the terminal: %s", when, ends, s.state())
	}
	return s
}

// state describes what is wrong with the terminal; empty when it is as before.
func (s *seat) state() string {
	var wrong []string
	if t, err := unix.IoctlGetTermios(int(s.tty.Fd()), termiosGet); err != nil {
		wrong = append(wrong, err.Error())
	} else if t.Lflag&unix.ICANON == 0 || t.Lflag&unix.ECHO == 0 {
		wrong = append(wrong, "raw")
	}
	s.mu.Lock()
	all := s.seen.String()
	s.mu.Unlock()
	for _, mode := range []string{"1049", "1002", "2004"} {
		if strings.LastIndex(all, "\x1b[?"+mode+"h") > strings.LastIndex(all, "\x1b[?"+mode+"l") {
			wrong = append(wrong, "mode "+mode+" is on")
		}
	}
	return strings.Join(wrong, ", ")
}

// whole checks the terminal, as soon as everything that was written has been read.
func (s *seat) whole(when string) {
	s.t.Helper()
	limit := time.After(patienceOnTTY)
	for {
		s.mu.Lock()
		more := s.more
		s.mu.Unlock()
		wrong := s.state()
		if wrong == "" {
			return
		}
		select {
		case <-more:
		case <-limit:
			s.t.Fatalf("%s: the terminal is left %s", when, wrong)
		}
	}
}

// ttyEnv is an environment with folders of its own and a sandbox for the platforms.
func ttyEnv(t testing.TB, base string) []string {
	t.Helper()
	home := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home,
		"XDG_RUNTIME_DIR=" + shortDir(t), "TERM=xterm-256color", "LANG=C.UTF-8", "GORACE=atexit_sleep_ms=0"}
	for _, kv := range sandboxEnvironment(base) {
		env = append(env, kv[0]+"="+kv[1])
	}
	return env
}

const altScreen = "\x1b[?1049h"

// A signal ends the screen within three seconds, whatever it is doing, and leaves the terminal as it was: while it starts,
// behind a dialog, while something downloads, while it quits, and when the terminal is gone or accepts no output.
func TestASignalEndsTheScreenAndRestoresTheTerminal(t *testing.T) {
	base := serve(t, sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1}))
	env := ttyEnv(t, base)
	random := rand.New(rand.NewPCG(1, 2))
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}
	type try struct {
		name string
		args []string
		keys string
		then string // what is awaited before the signal
	}
	var tries []try
	for i := range 15 { // anywhere in the first bytes that are written
		tries = append(tries, try{name: fmt.Sprintf("starting %d", i)})
	}
	for range 4 {
		tries = append(tries,
			try{name: "help", keys: "?", then: "Keys on"},
			try{name: "form", keys: "n", then: "New room"},
			try{name: "palette", keys: ":", then: "Commands"},
			try{name: "status", keys: "5", then: "Accounts"},
			try{name: "quitting", keys: "q"},
		)
	}
	tries = append(tries, try{name: "demo", args: []string{"demo"}, keys: "s\r", then: "OPEN"})
	for i, c := range tries {
		sig := signals[i%len(signals)]
		when := fmt.Sprintf("%s, %s", c.name, sig)
		s := seated(t, env, append([]string{"greenroom"}, c.args...)...).watched()
		if strings.HasPrefix(c.name, "starting") {
			n := random.IntN(6000)
			s.until("its first bytes", func(_, all string) bool { return len(all) >= min(n, 3000) })
		} else {
			s.sees("q quit")
			s.types(c.keys)
			if c.then != "" {
				s.sees(c.then)
			}
		}
		s.signal(sig).leaves(when).whole(when)
	}
	for _, how := range []string{"closed", "blocked", "twice"} {
		s := seated(t, env, "greenroom")
		switch how {
		case "closed": // as when the terminal's window is closed
			s.readsOnlyTo("Rooms")
			s.tty.Close()
			s.master.Close()
			s.leaves(how)
		case "blocked": // as after ctrl+s: nothing is read, so that the pipe is full
			s.readsOnlyTo(altScreen)
			for range 200 {
				_ = pty.Setsize(s.master, &pty.Winsize{Rows: 40, Cols: uint16(100 + random.IntN(60))})
				_ = s.cmd.Process.Signal(syscall.SIGWINCH)
			}
			s.signal(syscall.SIGTERM).leaves(how)
			s.watched().whole(how)
		case "twice":
			s.watched().sees("q quit")
			s.signal(syscall.SIGTERM).signal(syscall.SIGINT).leaves(how).whole(how)
		}
	}
}

// A quit signal, by which one asks a Go program for its stacks, ends the screen like a crash: the terminal is as it was, and the
// stacks are in the log and not on the terminal.
func TestAQuitSignalRestoresTheTerminalAndLogsTheStacks(t *testing.T) {
	base := serve(t, sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1}))
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
		env := ttyEnv(t, base)
		s := seated(t, env, "greenroom").watched()
		s.sees("q quit").signal(sig).leaves(sig.String()).whole(sig.String())
		s.until("the reason", func(_, all string) bool { return strings.Contains(all, "greenroom: ended by a signal") })
		if code := s.cmd.ProcessState.ExitCode(); code != exitUsage {
			t.Errorf("%s: status %d", sig, code)
		}
		s.mu.Lock()
		all := s.seen.String()
		s.mu.Unlock()
		if strings.Contains(all, "goroutine 1 [") {
			t.Errorf("%s: the stacks are on the terminal", sig)
		}
		logs, err := filepath.Glob(filepath.Join(home(env), "greenroom", "*.log"))
		if err != nil || len(logs) != 1 {
			t.Fatal(logs, err)
		}
		if b, err := os.ReadFile(logs[0]); err != nil || !bytes.Contains(b, []byte("goroutine 1 [")) {
			t.Errorf("%s: no stacks in the log (%v)", sig, err)
		}
	}
}

// home is the home folder of an environment.
func home(env []string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "HOME="); ok {
			return v
		}
	}
	return ""
}

// readsOnlyTo reads just until a text is seen.
func (s *seat) readsOnlyTo(text string) {
	s.t.Helper()
	b := make([]byte, 4096)
	for !strings.Contains(s.seen.String(), text) {
		n, err := s.master.Read(b)
		if err != nil {
			s.t.Fatal(err)
		}
		s.seen.Write(b[:n])
	}
}

// ctrl+z and a stop signal give the terminal to the shell, which gets what is typed then; fg brings the screen back.
func TestTheScreenSuspendsAndResumes(t *testing.T) {
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash, whose job control this needs")
	}
	base := serve(t, sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1}))
	env := ttyEnv(t, base)
	rc := filepath.Join(t.TempDir(), "rc")
	if err := os.WriteFile(rc, []byte("PS1='ready> '\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := seated(t, env, shell, "--noprofile", "--rcfile", rc, "-i").watched()
	s.sees("ready>").types("sh -c 'echo pid=$$; exec greenroom'\r").sees("q quit")
	s.mu.Lock()
	pid := regexp.MustCompile(`pid=(\d+)`).FindStringSubmatch(s.seen.String())
	s.mu.Unlock()
	if pid == nil {
		t.Fatal("the shell printed no pid")
	}
	n, err := strconv.Atoi(pid[1])
	if err != nil {
		t.Fatal(err)
	}
	for i, stop := range []func(){
		func() { s.types("\x1a") },
		func() { _ = syscall.Kill(n, syscall.SIGTSTP) },
		func() { s.types("n\x1a") }, // behind a form
		func() { _ = syscall.Kill(n, syscall.SIGSTOP) },
	} {
		stop()
		s.sees("Stopped")
		if i < 3 { // SIGSTOP can't be caught
			s.misses("q quit")
		}
		s.types(fmt.Sprintf("echo back-$((%d+40))\r", i)).sees(fmt.Sprintf("back-%d", i+40))
		// Stopped by ctrl+z or SIGTSTP it has left the alternate screen; after SIGSTOP it leaves it before it enters it again.
		// What is typed before may be lost.
		s.types("clear; fg\r").misses("ready>").until("the alternate screen again", func(_, all string) bool {
			return strings.Count(all, "\x1b[?1049h") == i+2
		}).sees("q quit")
	}
	s.sees("New room").types("\x1b").misses("New room") // opened before the third stop, and nothing was typed into it
	s.types("?").sees("Keys on").types("?").misses("Keys on").types("q").misses("q quit").sees("ready>")
	s.types("exit\r").leaves("exit")
}

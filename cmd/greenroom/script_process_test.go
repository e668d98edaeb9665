package main

import (
	"bufio"
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait of a script; nothing takes as long unless it is broken.
const patience = 2 * time.Minute

// process is a program that a script started and reads line by line.
type process struct {
	cmd   *exec.Cmd
	lines chan string
	done  chan error
	errs  *bytes.Buffer
}

type processKey struct{}

var listening = regexp.MustCompile(`^\{"listening":"([^"]+)"[,}]`)

// start NAME PROGRAM ARGS… starts a program in the background. line waits for what it prints, end ends it.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME PROGRAM ARGS…")
	}
	path, err := exec.LookPath(args[1])
	if found := lookIn(ts.Getenv("PATH"), args[1]); found != "" {
		path, err = found, nil
	}
	ts.Check(err)
	p := &process{cmd: exec.Command(path, args[2:]...), lines: make(chan string, 1000), done: make(chan error, 1), errs: &bytes.Buffer{}}
	p.cmd.Dir, p.cmd.Stderr = ts.MkAbs("."), p.errs
	for _, name := range scriptVariables {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			p.lines <- scan.Text()
		}
		close(p.lines)
		p.done <- p.cmd.Wait()
	}()
	processes(ts)[args[0]] = p
	ts.Defer(func() { _ = p.cmd.Process.Kill() })
}

// line NAME REGEXP waits for the next line of a started program that matches wholly. The URL in a listening line is kept in
// LISTEN, and its HOST:PORT in LISTEN_ADDR.
func cmdLine(ts *testscript.TestScript, neg bool, args []string) {
	p := started(ts, args[0])
	want := regexp.MustCompile("^(?:" + args[1] + ")$")
	timeout := time.After(patience)
	var seen []string
	for {
		select {
		case <-timeout:
			ts.Fatalf("no such line from %s within %s: %q; errors: %s", args[0], patience, seen, p.errs)
		case l, ok := <-p.lines:
			if !ok {
				ts.Fatalf("%s ended without such a line: %q; errors: %s", args[0], seen, p.errs)
			}
			if m := listening.FindStringSubmatch(l); m != nil {
				ts.Setenv("LISTEN", m[1])
				ts.Setenv("LISTEN_ADDR", strings.TrimPrefix(m[1], "http://"))
			}
			if want.MatchString(l) {
				return
			}
			seen = append(seen, l)
		}
	}
}

// end NAME [STATUS] interrupts a started program, which must end soon and with that status, else 0.
func cmdEnd(ts *testscript.TestScript, neg bool, args []string) {
	p := started(ts, args[0])
	ts.Check(p.cmd.Process.Signal(os.Interrupt))
	select {
	case err := <-p.done:
		if want := strings.Join(args[1:], ""); strconv.Itoa(p.cmd.ProcessState.ExitCode()) != cmp.Or(want, "0") {
			ts.Fatalf("%s: %v: %s", args[0], err, p.errs)
		}
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
}

// ends NAME STATUS waits until a started program has ended with that status.
func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	p := started(ts, args[0])
	select {
	case err := <-p.done:
		if got := strconv.Itoa(p.cmd.ProcessState.ExitCode()); got != args[1] {
			ts.Fatalf("%s: status %s, %v: %s", args[0], got, err, p.errs)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+".errors"), p.errs.Bytes(), 0o600))
	case <-time.After(patience):
		ts.Fatalf("%s does not end: %s", args[0], p.errs)
	}
}

// crash NAME kills a started program and waits for its end.
func cmdCrash(ts *testscript.TestScript, neg bool, args []string) {
	p := started(ts, args[0])
	ts.Check(p.cmd.Process.Kill())
	<-p.done
}

func started(ts *testscript.TestScript, name string) *process {
	p := processes(ts)[name]
	if p == nil {
		ts.Fatalf("%s was not started", name)
	}
	return p
}

func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processKey{}).(map[string]*process)
}

func lookIn(path, name string) string {
	for _, dir := range strings.Split(path, string(os.PathListSeparator)) {
		if p, err := exec.LookPath(dir + string(os.PathSeparator) + name); err == nil {
			return p
		}
	}
	return ""
}

// scriptVariables are the variables of the script's environment that a started program gets.
var scriptVariables = []string{
	"PATH", "HOME", "TMPDIR", "TZ", "GORACE", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "GREENROOM_CONFIG", "GREENROOM_DATA_DIR",
	"DAILY_API_KEY", "DAILY_API_URL", "DAILY_WEBHOOK_SECRET", "DAILY_WEBHOOK_SIGNATURE",
	"WHEREBY_API_KEY", "WHEREBY_API_URL", "WHEREBY_WEBHOOK_SECRET", "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_JOIN_URL",
	"GREENROOM_RELAY_URL", "GREENROOM_RELAY_TOKEN", "TESTSCRIPT_COVERAGE",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL_SQS",
}

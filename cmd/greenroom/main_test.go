package main

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain runs this binary as the programs of the scripts when it is started under their names. Scripts wait for programs more than
// they compute, so that more of them run at once than there are processors.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"greenroom": func() { os.Exit(profiled(realMain)) },
		"posthook":  func() { os.Exit(postHook(os.Args[1:])) },

		"queuecrash": func() { os.Exit(crashAtDeletion(os.Args[1:])) },
	})
}

// profiled runs the program, with a profile of its processor time in the file that GREENROOM_PROFILE names, for the benchmarks.
func profiled(run func() int) int {
	path := os.Getenv("GREENROOM_PROFILE")
	if path == "" {
		return run()
	}
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		panic(err)
	}
	defer pprof.StopCPUProfile()
	return run()
}

// The scripts run the real program against a sandbox of their own, from an environment that holds nothing else.
func TestScripts(t *testing.T) { testscript.Run(t, scripts("testdata", setUp)) }

func scripts(dir string, setUp func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": cmdStatus, "json": cmdJSON, "plain": cmdPlain,
			"start": cmdStart, "line": cmdLine, "end": cmdEnd, "ends": cmdEnds, "crash": cmdCrash,
			"join": cmdJoin, "leave": cmdLeave, "elsewhere": cmdElsewhere, "webhooks": cmdWebhooks, "post": cmdPost, "fault": cmdFault,
			"recorded": cmdRecorded,
			"archive":  cmdArchive,
		},
	}
}

// stop is a word of testscript's own, which ends a script as if it had passed.
func TestScriptsAreReadToTheirEnd(t *testing.T) {
	found := 0
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		found++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for n, line := range strings.Split(string(b), "\n") {
			if first, _, _ := strings.Cut(line, " "); first == "stop" {
				t.Errorf("%s:%d: %q ends the script here; to end a program say end", path, n+1, line)
			}
		}
		return nil
	})
	if err != nil || found < 10 {
		t.Errorf("%d scripts, %v", found, err)
	}
}

func setUp(env *testscript.Env) error {
	w, base := newWorld(env)
	env.Values[worldKey{}] = w
	for _, dir := range []string{"config", "data", "run"} {
		if err := os.Mkdir(filepath.Join(env.WorkDir, dir), 0o700); err != nil {
			return err
		}
	}
	run, err := os.MkdirTemp("", "gr") // a socket's path must be short
	if err != nil {
		return err
	}
	env.Defer(func() { os.RemoveAll(run) })
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
	env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "data"))
	env.Setenv("XDG_RUNTIME_DIR", run)
	env.Setenv("TZ", "UTC")
	// A program that was built with the race detector sleeps for a second before it ends, unless this is set.
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Setenv("SANDBOX", base)
	for _, kv := range sandboxEnvironment(base) {
		env.Setenv("SANDBOX_"+kv[0], kv[1])
	}
	return nil
}

// status N PROGRAM ARGS… runs a program that must end with the given exit status.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s ended with status %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

// plain FILE says that a file holds nothing that a terminal obeys.
func cmdPlain(ts *testscript.TestScript, neg bool, args []string) {
	for i, r := range ts.ReadFile(args[0]) {
		if r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			ts.Fatalf("%s holds %U at byte %d", args[0], r, i)
		}
	}
}

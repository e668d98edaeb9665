package after

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"greenroom/internal/app"
)

// TestMain runs this binary as the program of the tests.
func TestMain(m *testing.M) {
	switch os.Getenv("AFTER_TEST") {
	case "":
		os.Exit(m.Run())
	case "tell":
		fmt.Println(strings.Join(os.Args[1:], "|"))
		for _, name := range []string{"GREENROOM_PATH", "GREENROOM_ROOM", "GREENROOM_ID", "GREENROOM_FILES", "GREENROOM_FAILED", "GREENROOM_REASON", "DAILY_API_KEY", "HOME_OF_TEST"} {
			fmt.Println(name + "=" + os.Getenv(name))
		}
		dir, _ := os.Getwd()
		fmt.Println("in " + dir)
	case "fail":
		fmt.Fprintln(os.Stderr, "no \x1b[31mmodel")
		os.Exit(3)
	case "flood":
		for range 5000 {
			fmt.Println(strings.Repeat("x", 2000))
		}
		fmt.Print("10 %\r100 %")
	case "children":
		// A child of its own, which asks for nothing and knows no signal, holds the output.
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "AFTER_TEST=deaf")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(9)
		}
		_ = child.Wait()
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		fmt.Printf("pid %d\nasleep\n", os.Getpid())
		time.Sleep(time.Minute)
	case "sleep":
		fmt.Println("asleep")
		time.Sleep(time.Minute)
	}
}

type lines struct {
	mu sync.Mutex
	bytes.Buffer
	seen chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen != nil && bytes.Contains(b, []byte("asleep")) {
		close(l.seen)
		l.seen = nil
	}
	return l.Buffer.Write(b)
}

func run(t *testing.T, ctx context.Context, mode string, log *lines) (app.Recording, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a b.mp4")
	r := app.Recording{
		ID: "r1", Room: "--evil\x00\n", Download: &app.Download{Path: path, Files: []app.DownloadedFile{{Path: path}}},
	}
	c := Command{
		Args:    []string{os.Args[0], "{path}", "--to={path}.txt", "$HOME;{room}"},
		Name:    "on_download",
		Environ: append(os.Environ(), "AFTER_TEST="+mode, "DAILY_API_KEY=hush", "HOME_OF_TEST=here"), Secrets: []string{"DAILY_API_KEY"},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	return r, c.Run(ctx, r)
}

func TestTheProgramGetsArgumentsAndFactsAndNoSecrets(t *testing.T) {
	var log lines
	r, err := run(t, t.Context(), "tell", &log)
	if err != nil {
		t.Fatal(err)
	}
	path, said := r.Download.Path, log.String()
	for _, want := range []string{
		path + "|--to=" + path + ".txt|$HOME;{room}", "GREENROOM_PATH=" + path, "GREENROOM_ROOM=--evil", "GREENROOM_ID=r1", `GREENROOM_FILES=[\"` + path,
		"DAILY_API_KEY=\"", "HOME_OF_TEST=here", "in " + filepath.Dir(path),
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
	if strings.Contains(said, "hush") {
		t.Error("the program sees the API key")
	}
}

func TestAFailureShowsTheStatusAndTheLastLine(t *testing.T) {
	var log lines
	_, err := run(t, t.Context(), "fail", &log)
	if err == nil || !strings.Contains(err.Error(), "exit status 3: no ") || strings.Contains(err.Error()+log.String(), "\x1b") {
		t.Errorf("%v; %s", err, log.String())
	}
	c := Command{Args: []string{filepath.Join(t.TempDir(), "nothing")}, Log: slog.New(slog.DiscardHandler)}
	if err := c.Run(t.Context(), app.Recording{Download: &app.Download{Path: "/x"}}); err == nil {
		t.Error("a program that isn't there runs")
	}
}

func TestAFloodIsBounded(t *testing.T) {
	var log lines
	if _, err := run(t, t.Context(), "flood", &log); err != nil {
		t.Fatal(err)
	}
	if n := log.Len(); n > 200*1000 || !strings.Contains(log.String(), "lines not logged") {
		t.Errorf("%d bytes are logged", n)
	}
}

func TestTheProgramEndsWithTheContext(t *testing.T) {
	log := lines{seen: make(chan struct{})}
	seen := log.seen
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-seen; cancel() }()
	begin := time.Now()
	if _, err := run(t, ctx, "sleep", &log); !errors.Is(err, context.Canceled) || time.Since(begin) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

func TestTheProgramsChildrenEndWithIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no process groups")
	}
	log := lines{seen: make(chan struct{})}
	seen := log.seen
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("it ran too long")
	go func() { <-seen; cancel(late) }()
	if _, err := run(t, ctx, "children", &log); !errors.Is(err, late) {
		t.Errorf("%v", err)
	}
	said := log.String()
	found := regexp.MustCompile(`pid (\d+)`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("the child did not say its id: %s", said)
	}
	pid, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	// It was killed; who inherits it may need a moment to bury it.
	for begin := time.Now(); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("the child %d lives on", pid)
		}
	}
}

func TestAFailureIsDescribedToTheProgram(t *testing.T) {
	var log lines
	c := Command{
		Name: "on_failure", Args: []string{os.Args[0], "[{path}]"}, Facts: []string{"FAILED", "download", "REASON", "no \x00bytes"},
		Environ: append(os.Environ(), "AFTER_TEST=tell"), Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	if err := c.Run(t.Context(), app.Recording{ID: "r1"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"line=[]", "GREENROOM_ID=r1", "GREENROOM_FILES=[]", "GREENROOM_FAILED=download", `GREENROOM_REASON=no bytes`, "on_failure has ended"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in %s", want, log.String())
		}
	}
}

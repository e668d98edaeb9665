package after

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
		for _, name := range []string{"GREENROOM_PATH", "GREENROOM_ROOM", "GREENROOM_ID", "GREENROOM_FILES", "DAILY_API_KEY", "HOME_OF_TEST"} {
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

func TestAFailureTellsTheStatusAndTheLastLine(t *testing.T) {
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

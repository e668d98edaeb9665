package lock

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/private"
)

const helperDir = "GREENROOM_LOCK_TEST_DIR"

// TestMain makes the test binary a process that holds the lock until it is killed, when it is asked to be one.
func TestMain(m *testing.M) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	l, err := Try(dir)
	if err == nil {
		err = l.Record(Holder{PID: os.Getpid(), Version: "helper", Since: time.Unix(1, 0).UTC()})
	}
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	select {}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestOneHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	first := must[*Lock](t)(Try(dir))
	h := Holder{PID: 42, Version: "1.2.3", Since: time.Unix(1_700_000_000, 0).UTC(), Socket: "/run/x.sock"}
	if err := first.Record(h); err != nil {
		t.Fatal(err)
	}
	_, err := Try(dir)
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "process 42, version 1.2.3") {
		t.Errorf("second try: %v", err)
	}
	if held, who, err := Held(dir); err != nil || !held || who != h {
		t.Errorf("held: %v %+v %v", held, who, err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if held, _, err := Held(dir); err != nil || held {
		t.Errorf("after release: held %v, %v", held, err)
	}
	if got := must[Holder](t)(Read(dir)); got != (Holder{}) {
		t.Errorf("record after release: %+v", got)
	}
	if err := must[*Lock](t)(Try(dir)).Release(); err != nil {
		t.Error(err)
	}
}

func TestTheFileStays(t *testing.T) {
	dir := t.TempDir()
	l := must[*Lock](t)(Try(dir))
	before := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, FileName)))
	if err := errors.Join(l.Record(Holder{PID: 1}), l.Release()); err != nil {
		t.Fatal(err)
	}
	after := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, FileName)))
	if !os.SameFile(before, after) {
		t.Error("the lock file was replaced")
	}
}

func TestAcquireWaits(t *testing.T) {
	dir := t.TempDir()
	first := must[*Lock](t)(Try(dir))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Acquire(ctx, dir); !errors.Is(err, ErrHeld) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled wait: %v", err)
	}

	got := make(chan error, 1)
	go func() {
		l, err := Acquire(t.Context(), dir)
		if err == nil {
			err = l.Release()
		}
		got <- err
	}()
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	var inside, rounds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				l, err := Acquire(t.Context(), dir)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two holders at once")
				}
				rounds.Add(1)
				inside.Add(-1)
				if err := l.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if rounds.Load() != 40 {
		t.Errorf("%d of 40 got the lock", rounds.Load())
	}
}

func TestAKilledHolderLetsGo(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	cmd.Stderr = os.Stderr
	out := must[io.ReadCloser](t)(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("helper: %q %v", line, err)
	}
	if _, err := Try(dir); !errors.Is(err, ErrHeld) {
		t.Errorf("beside the helper: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // It was killed: the error says so.
	if got := must[Holder](t)(Read(dir)); got.PID != cmd.Process.Pid {
		t.Errorf("the killed one's record: %+v", got)
	}
	if err := must[*Lock](t)(Try(dir)).Release(); err != nil {
		t.Error(err)
	}
}

func TestReadUnwritten(t *testing.T) {
	dir := t.TempDir()
	if h, err := Read(dir); err != nil || h != (Holder{}) {
		t.Errorf("no file: %+v %v", h, err)
	}
	l := must[*Lock](t)(Try(dir))
	if h, err := Read(dir); err != nil || h != (Holder{}) {
		t.Errorf("empty file: %+v %v", h, err)
	}
	long := Holder{PID: 1, Version: strings.Repeat("v", 2*recordSize)}
	if err := l.Record(long); err == nil {
		t.Error("a record that doesn't fit was written")
	}
	short, err := json.Marshal(Holder{PID: 1})
	if err != nil {
		t.Fatal(err)
	}
	full := Holder{PID: 1, Version: strings.Repeat("v", recordSize-2-len(short))}
	if err := l.Record(full); err != nil {
		t.Errorf("a record that just fits: %v", err)
	}
	if h := must[Holder](t)(Read(dir)); h != full {
		t.Errorf("a record that just fits is read as %+v", h)
	}
	if full.Version += "v"; l.Record(full) == nil {
		t.Error("a record of one byte too many was written")
	}
	if err := l.Record(Holder{PID: 123456, Version: "a long version first"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(Holder{PID: 7, Version: "s"}); err != nil {
		t.Fatal(err)
	}
	if h := must[Holder](t)(Read(dir)); h.PID != 7 || h.Version != "s" {
		t.Errorf("shorter over longer: %+v", h)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

// FuzzParse: reading never fails, whatever the file contains, and a recorded owner is read back.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"pid":1,"since":"2026-11-22T10:00:00Z","version":"x"}   `))
	f.Add([]byte("  \n"))
	f.Add([]byte(`{"pid":1e99}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h := parse(b)
		if h.PID == 0 && h.String() != "an unknown process" {
			t.Errorf("%q reads as %s", b, h)
		}
	})
}

// If the file can't be written, Record reports it and Release doesn't repeat it.
func TestWhatCouldNotBeRecordedIsNotCleared(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a locked file can't be removed there")
	}
	dir := filepath.Join(t.TempDir(), "data")
	l := must[*Lock](t)(Try(dir))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(Holder{PID: 1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("record: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Errorf("release: %v", err)
	}
	l = must[*Lock](t)(Try(dir))
	if err := l.Record(Holder{PID: 1}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a record that couldn't be cleared is reported: %v", err)
	}
}

// TestWhatIsNoLock: a link or a pipe in place of the file decides nothing, and keeps no one waiting.
func TestWhatIsNoLock(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link": func(path string) error {
			return errors.Join(os.WriteFile(path+"x", nil, 0o600), os.Symlink(path+"x", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := put(filepath.Join(dir, FileName)); err != nil {
				t.Skip(err)
			}
			var e *private.Error
			if _, err := Try(dir); !errors.As(err, &e) {
				t.Errorf("taken: %v", err)
			}
			if h, err := Read(dir); !errors.As(err, &e) || h != (Holder{}) {
				t.Errorf("read: %+v, %v", h, err)
			}
			if _, _, err := Held(dir); !errors.As(err, &e) {
				t.Errorf("asked: %v", err)
			}
		})
	}
}

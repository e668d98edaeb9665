package ipc_test

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
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/crash"
	"greenroom/internal/ipc"
	"greenroom/internal/ipc/lock"
)

// The variables that turn the test binary into a program beside the test.
const (
	roleVar    = "GREENROOM_IPC_TEST_ROLE"
	dataVar    = "GREENROOM_IPC_TEST_DATA"
	runtimeVar = "GREENROOM_IPC_TEST_RUNTIME"
	nameVar    = "GREENROOM_IPC_TEST_NAME"
	hubVar     = "GREENROOM_IPC_TEST_HUB"
)

// disk is Memory whose rooms outlive the process: a store just real enough to lose something. Like bbolt it admits one
// process at a time.
type disk struct {
	*apptest.Memory
	guard *lock.Lock
	mu    sync.Mutex
	file  *os.File
}

func openDisk(dir string) (*disk, error) {
	guard, err := lock.Try(filepath.Join(dir, "inner"))
	if err != nil {
		return nil, fmt.Errorf("two owners: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "rooms"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err, guard.Release())
	}
	d := &disk{Memory: apptest.NewMemory(4096), guard: guard, file: f}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// A name without its end was never acknowledged, and the scanner can't tell: names end in a full stop.
		if name, whole := strings.CutSuffix(lines.Text(), "."); whole {
			_, _ = d.Memory.CreateRoom(context.Background(), app.RoomSpec{Name: name})
		}
	}
	return d, nil
}

// CreateRoom acknowledges a room once it is on disk.
func (d *disk) CreateRoom(ctx context.Context, s app.RoomSpec) (app.Room, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := fmt.Fprintf(d.file, "\n%s.\n", s.Name); err != nil {
		return app.Room{}, err
	}
	if err := d.file.Sync(); err != nil {
		return app.Room{}, err
	}
	return d.Memory.CreateRoom(ctx, s)
}

func (d *disk) close() error { return errors.Join(d.file.Close(), d.guard.Release()) }

// own opens the store of a data folder: the real one, or a disk.
func own(dir string, real bool) func(context.Context) (ipc.Owned, error) {
	return func(context.Context) (ipc.Owned, error) {
		if real {
			return openHub(dir)
		}
		d, err := openDisk(dir)
		if err != nil {
			return ipc.Owned{}, err
		}
		return ipc.Owned{Backend: d, Close: d.close}, nil
	}
}

// play is the program: "stay" prints each change of its state and lasts until its input ends; "command" makes a room and
// ends; "work" makes room after room, and prints each that was acknowledged, until it is killed.
func play(role string) error {
	dir := os.Getenv(dataVar)
	o := ipc.Options{
		DataDir: dir, RuntimeDir: os.Getenv(runtimeVar), Version: "1.0", Fingerprint: "f", Stay: role != "command",
		Own: own(dir, os.Getenv(hubVar) != ""), Crash: new(crash.Group),
	}
	ctx := context.Background()
	s, err := ipc.Open(ctx, o)
	if err != nil {
		return err
	}
	name := os.Getenv(nameVar)
	switch role {
	case "command":
		_, err = s.CreateRoom(ctx, app.RoomSpec{Name: name})
	case "stay":
		sctx, cancel := context.WithCancel(ctx)
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel() }()
		for state := range s.States(sctx) {
			fmt.Printf("owner=%v stale=%v\n", state.Owner, state.Stale)
		}
		cancel()
	case "work":
		for i := 0; ; i++ {
			room := fmt.Sprintf("%s-%d", name, i)
			if _, err := s.CreateRoom(ctx, app.RoomSpec{Name: room}); err == nil {
				fmt.Println(room)
			}
		}
	}
	return errors.Join(err, s.Close())
}

// program is another process.
type program struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	once sync.Once
}

func (p place) start(t testing.TB, role, name string) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+role, dataVar+"="+p.data, runtimeVar+"="+p.runtime, nameVar+"="+name,
		"GORACE=atexit_sleep_ms=0")
	if p.real {
		cmd.Env = append(cmd.Env, hubVar+"=1")
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pr := &program{cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(pr.kill)
	return pr
}

func (p *program) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_, _ = io.Copy(io.Discard, p.out)
		_ = p.cmd.Wait()
	})
}

// expect reads lines until one is want.
func (p *program) expect(t testing.TB, want string) {
	t.Helper()
	late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			t.Fatalf("the program ended before it said %q: %v", want, err)
		}
		if strings.TrimSpace(line) == want {
			return
		}
	}
}

// quit ends the program as its user would.
func (p *program) quit(t testing.TB) {
	t.Helper()
	_ = p.in.Close()
	_, _ = io.Copy(io.Discard, p.out)
	p.once.Do(func() {
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("program: %v", err)
		}
	})
}

// patience bounds waiting for what must come; a test that reaches it has failed.
const patience = 2 * time.Minute

// until waits for a state that fits.
func until(t testing.TB, s *ipc.Session, what string, fits func(ipc.State) bool) ipc.State {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for state := range s.States(ctx) {
		if fits(state) {
			cancel()
			return state
		}
	}
	t.Fatalf("the session never was %s: %+v", what, s.State())
	return ipc.State{}
}

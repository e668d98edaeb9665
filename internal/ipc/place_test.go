package ipc_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc"
	"greenroom/internal/ipc/lock"
)

func TestRuntimeDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no user ids")
	}
	t.Setenv("TMPDIR", "/some/tmp")
	mine := "/some/tmp/greenroom-" + strconv.Itoa(os.Getuid())
	for xdg, want := range map[string]string{"/run/user/7": "/run/user/7/greenroom", "": mine, "relative": mine} {
		t.Setenv("XDG_RUNTIME_DIR", xdg)
		if got := ipc.RuntimeDir(); got != want {
			t.Errorf("XDG_RUNTIME_DIR=%q: %s, want %s", xdg, got, want)
		}
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	p := newPlace(t)
	p.open(t, p.options(apptest.NewMemory(1)))
	h, err := lock.Read(p.data)
	if err != nil || h.Socket == "" || h.PID != os.Getpid() || h.Version != "1.0" {
		t.Fatalf("record %+v, %v", h, err)
	}

	// A folder of another name has another socket; leave a dead one there before its owner comes.
	q := place{data: t.TempDir(), runtime: p.runtime}
	first := q.open(t, q.options(apptest.NewMemory(1)))
	h, err = lock.Read(q.data)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	dead, err := net.Listen("unix", h.Socket)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(h.Socket); err != nil {
		t.Fatal(err)
	}

	owner := q.open(t, q.options(apptest.NewMemory(1)))
	if attached := q.open(t, q.options(nil)); !owner.Owner() || attached.Owner() {
		t.Error("the stale socket was in the way")
	}
}

func TestTheSocketIsOursAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	p := newPlace(t)
	s := p.open(t, p.options(apptest.NewMemory(1)))
	h, err := lock.Read(p.data)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{h.Socket: 0o600, filepath.Dir(h.Socket): 0o700} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(h.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// TestAnUnsafeRuntimeFolder: a folder of another user is not used, and the store can be used without others.
func TestAnUnsafeRuntimeFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	tests := []struct {
		name    string
		make    func(dir string) error
		warning string
	}{
		{"open to others", func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o755)) }, "open to other users"},
		{"a link", func(dir string) error { return os.Symlink(os.TempDir(), dir) }, "is not a folder"},
		{"a file", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "is not a folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t)
			temp := filepath.Dir(shortDir(t))
			t.Setenv("TMPDIR", temp)
			for _, dir := range []string{p.runtime, filepath.Join(temp, "greenroom-"+strconv.Itoa(os.Getuid()))} {
				if err := tt.make(dir); err != nil {
					t.Fatal(err)
				}
			}
			s := p.open(t, p.options(apptest.NewMemory(1)))
			if st := s.State(); !st.Owner || !strings.Contains(st.Warning, tt.warning) {
				t.Errorf("state %+v", st)
			}
			if _, err := s.Rooms(t.Context(), app.RoomQuery{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLongPaths(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("data-folder/", 20))
	tests := map[string]place{
		"data folder":    {data: long, runtime: shortDir(t)},
		"runtime folder": {data: t.TempDir(), runtime: filepath.Join(shortDir(t), strings.Repeat("r", 120))},
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", filepath.Dir(shortDir(t)))
			p.open(t, p.options(apptest.NewMemory(1)))
			if p.open(t, p.options(nil)).Owner() {
				t.Error("two owners")
			}
		})
	}
}

// TestOneFolderOfManyNames: a link to the data folder is the same store.
func TestOneFolderOfManyNames(t *testing.T) {
	p := newPlace(t)
	p.open(t, p.options(apptest.NewMemory(1)))
	linked := place{data: filepath.Join(t.TempDir(), "link"), runtime: p.runtime}
	if err := os.Symlink(p.data, linked.data); err != nil {
		t.Skip(err)
	}
	if linked.open(t, linked.options(nil)).Owner() {
		t.Error("two owners")
	}
}

// TestDifferentRuntimeFolders: cron has no XDG_RUNTIME_DIR, and finds the owner all the same.
func TestDifferentRuntimeFolders(t *testing.T) {
	p := newPlace(t)
	p.open(t, p.options(apptest.NewMemory(1)))
	cron := place{data: p.data, runtime: shortDir(t)}
	o := cron.options(nil)
	o.Stay = false
	if s := cron.open(t, o); s.Owner() {
		t.Error("two owners")
	}
}

//go:build unix

package ipc_test

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc"
	"greenroom/internal/ipc/lock"
	"greenroom/provider"
)

// impostor plays an owner at a socket, as another user or in a folder that others can enter, and counts the requests to it.
type impostor struct{ requests atomic.Int64 }

func newImpostor(t *testing.T, socket string, mode fs.FileMode, uid int) *impostor {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	i := &impostor{}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { i.requests.Add(1) })}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-served })
	if err := errors.Join(os.Chown(socket, uid, -1), os.Chmod(socket, 0o777), os.Chown(filepath.Dir(socket), uid, -1), os.Chmod(filepath.Dir(socket), mode)); errors.Is(err, fs.ErrPermission) {
		t.Skip("only root gives folders away")
	} else if err != nil {
		t.Fatal(err)
	}
	return i
}

const stranger = 4242

// TestAnImpostorIsNotUsed: a process of another user at an owner's socket gets no request, and this process becomes the
// owner.
func TestAnImpostorIsNotUsed(t *testing.T) {
	for _, tt := range []struct {
		name string
		mode fs.FileMode
		uid  int
	}{
		{"another user's folder", 0o755, stranger},
		{"another user's closed folder", 0o700, stranger},
		{"a folder that is open to others", 0o755, os.Getuid()},
	} {
		for _, where := range []string{"in the runtime folder", "in the temporary folder", "recorded"} {
			t.Run(tt.name+" "+where, func(t *testing.T) {
				p := newPlace(t)
				temp := filepath.Dir(shortDir(t))
				t.Setenv("TMPDIR", temp)
				name := socketName(t, p)
				socket := filepath.Join(p.runtime, name)
				switch where {
				case "in the temporary folder":
					socket = filepath.Join(temp, "greenroom-"+strconv.Itoa(os.Getuid()), name)
				case "recorded":
					socket = filepath.Join(shortDir(t), "elsewhere.sock")
					held, err := lock.Try(p.data)
					if err != nil {
						t.Fatal(err)
					}
					if err := held.Record(lock.Holder{PID: 1, Socket: socket}); err != nil {
						t.Fatal(err)
					}
					record, err := os.ReadFile(filepath.Join(p.data, lock.FileName))
					if err := errors.Join(err, held.Release(), os.WriteFile(filepath.Join(p.data, lock.FileName), record, 0o600)); err != nil {
						t.Fatal(err)
					}
				}
				them := newImpostor(t, socket, tt.mode, tt.uid)
				for _, stay := range []bool{false, true} {
					o := p.options(apptest.NewMemory(1))
					o.Stay = stay
					s, err := ipc.Open(t.Context(), o)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := s.MeetingLink(t.Context(), app.LinkRequest{Meeting: "board"}); !errors.Is(err, provider.NotFound) {
						t.Errorf("the link comes from elsewhere: %v", err)
					}
					if !s.Owner() {
						t.Error("it is attached to another user's process")
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
				if n := them.requests.Load(); n != 0 {
					t.Errorf("%d requests were sent to them", n)
				}
			})
		}
	}
}

// socketName is the name of a place's socket in a runtime folder.
func socketName(t *testing.T, p place) string {
	t.Helper()
	s := p.open(t, p.options(apptest.NewMemory(1)))
	h, err := lock.Read(p.data)
	if err != nil || h.Socket == "" {
		t.Fatal(h, err)
	}
	if err := errors.Join(s.Close(), os.Remove(filepath.Dir(h.Socket))); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(h.Socket)
}

// TestAHeldLockWithAnotherUsersSocket: the error says whose the socket is.
func TestAHeldLockWithAnotherUsersSocket(t *testing.T) {
	p := newPlace(t)
	held, err := lock.Try(p.data)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	socket := filepath.Join(shortDir(t), "elsewhere.sock")
	them := newImpostor(t, socket, 0o755, os.Getuid())
	if err := held.Record(lock.Holder{PID: 1, Socket: socket}); err != nil {
		t.Fatal(err)
	}
	o := p.options(nil)
	o.GiveUp = 1
	_, err = ipc.Open(t.Context(), o)
	if !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "is open to other users") || them.requests.Load() != 0 {
		t.Errorf("%v, and %d requests", err, them.requests.Load())
	}
}

// TestAPrivateDataFolderHoldsTheSocket: without a runtime folder of the user's, nothing is put into a shared one.
func TestAPrivateDataFolderHoldsTheSocket(t *testing.T) {
	p := place{data: filepath.Join(shortDir(t), "data")}
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("TMPDIR", filepath.Dir(shortDir(t)))
	p.open(t, p.options(apptest.NewMemory(1)))
	h, err := lock.Read(p.data)
	if err != nil || h.Socket != filepath.Join(p.data, "greenroom.sock") {
		t.Errorf("the socket is %s, %v", h.Socket, err)
	}
	if p.open(t, p.options(nil)).Owner() {
		t.Error("two owners")
	}
}

func TestADataFolderThatOthersCanChange(t *testing.T) {
	p := newPlace(t)
	if err := os.Chmod(p.data, 0o777); err != nil {
		t.Fatal(err)
	}
	s := p.open(t, p.options(apptest.NewMemory(1)))
	if w := s.State().Warning; !strings.Contains(w, "chmod go-w") {
		t.Errorf("the warning is %q", w)
	}
}

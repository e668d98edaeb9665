//go:build unix

package private

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shortDir is a folder whose path a socket's address can hold.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderIsOursAlone(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(dir string) error
		want string // in the error; empty for none
	}{
		{"ours", func(dir string) error { return os.Mkdir(dir, 0o700) }, ""},
		{"open to others", func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o755)) }, "open to other users"},
		{"open to a group", func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o710)) }, "open to other users"},
		{"a link to ours", func(dir string) error { return errors.Join(os.Mkdir(dir+"x", 0o700), os.Symlink(dir+"x", dir)) }, "is not a folder"},
		{"a file", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "is not a folder"},
		{"where others can replace it", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(filepath.Dir(dir), 0o777))
		}, "can replace it"},
		{"where a group can replace it", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chown(filepath.Dir(dir), os.Getuid(), other()), os.Chmod(filepath.Dir(dir), 0o770))
		}, "can replace it"},
		{"where others can only add", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(filepath.Dir(dir), 0o777|fs.ModeSticky))
		}, ""},
		{"another user's", func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, other(), -1)) }, "belongs to another user"},
		{"in another user's", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chown(filepath.Dir(dir), other(), -1))
		}, "belongs to another user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(shortDir(t), "run")
			if err := c.make(dir); errors.Is(err, fs.ErrPermission) {
				t.Skip("only root gives folders away")
			} else if err != nil {
				t.Fatal(err)
			}
			err := MakeFolder(dir)
			var e *Error
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &e) || !strings.Contains(e.Text, c.want) || e.Hint == "") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// other is a user or a group that isn't ours.
func other() int { return os.Getuid() + 4242 }

func TestAMissingFolderIsMade(t *testing.T) {
	dir := filepath.Join(shortDir(t), "a", "b")
	if err := Folder(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	must(t, MakeFolder(dir))
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, info, err)
		}
	}
	if err := MakeFolder(dir); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestAGroupOfTheUsersOwnIsNoOther(t *testing.T) {
	dir := shortDir(t)
	info := func(mode fs.FileMode, gid int) fs.FileInfo {
		t.Helper()
		if err := errors.Join(os.Chown(dir, -1, gid), os.Chmod(dir, mode)); err != nil {
			t.Skip(err)
		}
		i, err := os.Stat(dir)
		must(t, err)
		return i
	}
	if Writable(info(0o775, os.Getuid())) {
		t.Error("a group of the user's own number is another user")
	}
	if !Writable(info(0o775, other())) || !Writable(info(0o777, os.Getuid())) {
		t.Error("others can write and it isn't seen")
	}
}

func TestASocketTalksToItsUser(t *testing.T) {
	path := filepath.Join(shortDir(t), "run", "s")
	l, err := Listen(path, func(err error) { t.Error(err) })
	must(t, err)
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "hello")
			c.Close()
		}
	}()
	c, err := Dial(t.Context(), path)
	must(t, err)
	defer c.Close()
	if said, err := io.ReadAll(c); err != nil || string(said) != "hello" {
		t.Errorf("%q, %v", said, err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestNoWordPassesToWhatIsNotOurs(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(path string) error
	}{
		{"a folder that is open to others", func(path string) error { return os.Chmod(filepath.Dir(path), 0o755) }},
		{"a folder of another user", func(path string) error { return os.Chown(filepath.Dir(path), other(), -1) }},
		{"a socket of another user", func(path string) error { return os.Chown(path, other(), -1) }},
		{"a link", func(path string) error {
			return errors.Join(os.Rename(path, path+"x"), os.Symlink(path+"x", path))
		}},
		{"a file", func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(shortDir(t), "run", "s")
			l, err := Listen(path, nil)
			must(t, err)
			defer l.Close()
			if err := c.make(path); errors.Is(err, fs.ErrPermission) {
				t.Skip("only root gives files away")
			} else if err != nil {
				t.Fatal(err)
			}
			var e *Error
			if conn, err := Dial(t.Context(), path); !errors.As(err, &e) {
				t.Errorf("%v, %v", conn, err)
			}
			must(t, l.(*listener).Listener.(*net.UnixListener).SetDeadline(time.Unix(1, 0)))
			if conn, err := l.Accept(); err == nil {
				t.Errorf("%v came", conn)
			}
		})
	}
	if _, err := Dial(t.Context(), filepath.Join(shortDir(t), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing one: %v", err)
	}
}

func TestAnotherUsersConnectionIsClosed(t *testing.T) {
	path := filepath.Join(shortDir(t), "run", "s")
	var refused []error
	own, err := Listen(path, func(err error) { refused = append(refused, err) })
	must(t, err)
	defer own.Close()
	l, first := own.(*listener), true
	l.check = func(c net.Conn) error {
		if first {
			first = false
			return &Error{Text: "another user"}
		}
		return Peer(c)
	}
	came := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = c.Close()
		}
		came <- err
	}()
	for range 2 {
		c, err := Dial(context.Background(), path)
		must(t, err)
		defer c.Close()
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	if err := <-came; err != nil || len(refused) != 1 {
		t.Errorf("%v, refused %v", err, refused)
	}
}

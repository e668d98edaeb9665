// Package private protects unix sockets between programs of one user from other users of the machine.
//
// The path of a socket doesn't prove who listens: in a shared temporary folder, another user may have created the folder first. [Dial] and
// [Listen] therefore check the folder, the socket and the process at the other end before data is exchanged.
//
// Promises:
//   - The folder is not a link, belongs to this user, and no other user can enter or replace it: every folder above it belongs to this user or
//     to root, and others can't write to it or it has the sticky bit.
//   - The peer of a connection is a process of this user according to the kernel: SO_PEERCRED on Linux, LOCAL_PEERCRED on macOS and FreeBSD.
//
// Not promised: protection against root, and against other programs of the same user. Windows has no mode bits and no peer's user: there the
// owner of the folder is checked, and its access list is that of the user's temporary folder. Other systems without a peer's user rely on the
// folder.
package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// Error means that another user can access a folder, socket or connection. Hint is the remedy.
type Error struct{ Text, Hint string }

// Error returns the text without the hint.
func (e *Error) Error() string { return e.Text }

// Folder checks that only this user can access a folder. The error for a missing one is [fs.ErrNotExist].
func Folder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("private folder: %w", err)
	}
	if !info.IsDir() {
		return &Error{Text: dir + " is not a folder", Hint: "remove it, or choose your own folder"}
	}
	if err := checkFolder(dir, info); err != nil {
		return err
	}
	return checkParents(dir)
}

// MakeFolder is [Folder], but creates a missing folder (0700) with those above it.
func MakeFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make a private folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a private folder: %w", err)
	}
	return Folder(dir)
}

// Socket checks that a socket belongs to this user and is in a private folder. The error for a missing one is [fs.ErrNotExist].
func Socket(path string) error {
	if err := Folder(filepath.Dir(path)); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("private socket: %w", err)
	}
	return checkSocket(path, info)
}

// Dial connects to a socket of this user. The error is an [*Error] if another user can access the folder or the socket, or owns the process at
// the other end.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	if err := Socket(path); err != nil {
		return nil, err
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("private socket: %w", err)
	}
	if err := Peer(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Listen creates a socket (0600) in a private folder, and replaces a stale one. Connections of other users are closed before data is
// exchanged, and reported to refused, which may be nil.
func Listen(path string, refused func(error)) (net.Listener, error) {
	if err := MakeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove a stale socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("private socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("private socket: %w", err), l.Close())
	}
	return Own(l, refused), nil
}

// Own returns a listener on a unix socket that only accepts connections of this user.
func Own(l net.Listener, refused func(error)) net.Listener { return &listener{l, Peer, refused} }

type listener struct {
	net.Listener
	check   func(net.Conn) error
	refused func(error)
}

// Accept returns the next connection of this user.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err = l.check(c); err == nil {
			return c, nil
		}
		_ = c.Close()
		if l.refused != nil {
			l.refused(err)
		}
	}
}

func errOther(path string) error {
	return &Error{Text: path + " belongs to another user", Hint: "choose your own folder"}
}

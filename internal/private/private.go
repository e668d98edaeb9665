// Package private keeps what passes between two programs of one user from the machine's other users.
//
// A unix socket is reached by its path, and a path says nothing about who is behind it: in a shared temporary folder
// another user may have made the folder first, and a name that was written down may lead anywhere. [Dial] and [Listen]
// therefore look at the folder, the socket and the process at the other end, and refuse all that isn't the user's own,
// before a byte passes.
//
// Promises:
//   - The folder is a real one, not a link, belongs to this user, and no other user can enter it. No other user can put
//     another in its place: every folder above it belongs to this user or to root, and is closed to others' writing or
//     has the sticky bit.
//   - The peer of a connection is a process of this user, by the kernel's word: SO_PEERCRED on Linux, LOCAL_PEERCRED on
//     macOS and FreeBSD.
//
// Not promised: protection against root, and against other programs of the same user. On Windows, which has neither mode
// bits nor a peer's user for its sockets, the folder's owner is compared and its access list is that of the user's own
// temporary folder; other systems without a peer's user rely on the folder.
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

// Error reports that something isn't this user's alone. Hint says what to do.
type Error struct{ Text, Hint string }

// Error returns the text without the hint.
func (e *Error) Error() string { return e.Text }

// Folder checks that a folder exists and is this user's alone. A missing one is an [fs.ErrNotExist].
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

// MakeFolder is [Folder] for one that is made (0700), with those above it, where it is missing.
func MakeFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make a private folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make a private folder: %w", err)
	}
	return Folder(dir)
}

// Socket checks that a socket is this user's own and lies in a private folder. A missing one is an [fs.ErrNotExist].
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

// Dial connects to a socket of this user's, and fails with an [*Error] where the socket, its folder or the process behind
// it is another user's.
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

// Listen makes a socket (0600) in a private folder, in place of one that is left there. Connections of other users are
// closed before a byte passes, and reported to refused, which may be nil.
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

// Own makes a listener on a unix socket accept connections of this user alone.
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
		err = l.check(c)
		if err == nil {
			return c, nil
		}
		_ = c.Close() // no one was promised anything
		if l.refused != nil {
			l.refused(err)
		}
	}
}

func errOther(path string) error {
	return &Error{Text: path + " belongs to another user", Hint: "choose your own folder"}
}

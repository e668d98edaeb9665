//go:build unix

package private

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// overflow is the user that the kernel shows in a container for users outside of it, such as the owner of the root folder.
const overflow = 65534

// checkFolder refuses a folder that another user owns or can enter.
func checkFolder(dir string, info fs.FileInfo) error {
	if uid, ok := owner(info); ok && uid != os.Geteuid() {
		return errOther("the folder " + dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return &Error{Text: "the folder " + dir + " is open to other users", Hint: "chmod 700 " + dir}
	}
	return nil
}

// checkParents refuses a folder that another user could replace.
func checkParents(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return fmt.Errorf("private folder: %w", err)
	}
	for up := filepath.Dir(real); ; up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err != nil {
			return fmt.Errorf("private folder: %w", err)
		}
		if err := checkParent(dir, up, info); err != nil {
			return err
		}
		if up == filepath.Dir(up) {
			return nil
		}
	}
}

func checkParent(dir, up string, info fs.FileInfo) error {
	if uid, ok := owner(info); ok && uid != os.Geteuid() && uid != 0 && uid != overflow {
		return &Error{
			Text: fmt.Sprintf("the folder %s is inside %s, which belongs to another user", dir, up), Hint: "choose your own folder",
		}
	}
	if Writable(info) {
		return &Error{
			Text: fmt.Sprintf("the folder %s is inside %s, where other users can replace it", dir, up), Hint: "chmod go-w " + up,
		}
	}
	return nil
}

// Writable reports whether other users can replace the content of a folder. The group with the user's own number, which every user has, is no
// other user.
func Writable(info fs.FileInfo) bool {
	mode := info.Mode()
	if mode&fs.ModeSticky != 0 {
		return false
	}
	group := mode.Perm()&0o020 != 0
	if st, ok := info.Sys().(*syscall.Stat_t); ok && group {
		group = st.Gid != st.Uid && st.Gid != 0
	}
	return group || mode.Perm()&0o002 != 0
}

// Mine reports whether a file or folder belongs to this user or to root. For root it is true.
func Mine(info fs.FileInfo) bool {
	uid, ok := owner(info)
	return !ok || uid == os.Geteuid() || uid == 0 || os.Geteuid() == 0
}

func checkSocket(path string, info fs.FileInfo) error {
	if info.Mode().Type() != fs.ModeSocket {
		return &Error{Text: path + " is not a socket", Hint: "remove it"}
	}
	if uid, ok := owner(info); ok && uid != os.Geteuid() {
		return errOther("the socket " + path)
	}
	return nil
}

func owner(info fs.FileInfo) (uid int, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

// Peer checks that the process at the other end of a unix socket's connection is this user's. On systems that don't report the user, it returns
// nil.
func Peer(c net.Conn) error {
	raw, ok := c.(syscall.Conn)
	if !ok {
		return &Error{Text: fmt.Sprintf("%T has no peer", c)}
	}
	conn, err := raw.SyscallConn()
	if err != nil {
		return fmt.Errorf("peer of a socket: %w", err)
	}
	var uid int
	var known bool
	var failed error
	err = conn.Control(func(fd uintptr) { uid, known, failed = peer(int(fd)) })
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("peer of a socket: %w", err)
	}
	if known && uid != os.Geteuid() {
		return &Error{Text: fmt.Sprintf("the process at the other end of the socket belongs to user %d, not to this one", uid)}
	}
	return nil
}

package private

import (
	"fmt"
	"io/fs"
	"net"

	"golang.org/x/sys/windows"
)

// checkFolder refuses a folder that another user owns. Folders of administrators and of the system are trusted, as root's are elsewhere.
func checkFolder(dir string, _ fs.FileInfo) error {
	info, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("private folder: owner of %s: %w", dir, err)
	}
	owner, _, err := info.Owner()
	if err != nil {
		return fmt.Errorf("private folder: owner of %s: %w", dir, err)
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("private folder: this user: %w", err)
	}
	if owner.Equals(user.User.Sid) || owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) || owner.IsWellKnown(windows.WinLocalSystemSid) {
		return nil
	}
	return errOther("the folder " + dir)
}

func checkParents(string) error { return nil }

// Writable reports false: Windows has no mode bits.
func Writable(fs.FileInfo) bool { return false }

// Mine reports true: the folder's access list decides.
func Mine(fs.FileInfo) bool { return true }

func checkSocket(string, fs.FileInfo) error { return nil }

// Peer returns nil: Windows names no user for the peer of a unix socket.
func Peer(net.Conn) error { return nil }

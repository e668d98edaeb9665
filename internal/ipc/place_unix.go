//go:build unix

package ipc

import (
	"io/fs"
	"os"
	"syscall"

	"greenroom/internal/app"
	"greenroom/provider"
)

// checkOwner refuses a folder that somebody else owns or can enter.
func checkOwner(dir string, info fs.FileInfo) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return &app.Error{
			Kind: provider.Forbidden, Text: "the runtime folder " + dir + " belongs to another user",
			Hint: "set XDG_RUNTIME_DIR to a folder of yours",
		}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return &app.Error{
			Kind: provider.Forbidden, Text: "the runtime folder " + dir + " is open to other users",
			Hint: "chmod 700 " + dir,
		}
	}
	return nil
}

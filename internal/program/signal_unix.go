//go:build unix

package program

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// endGroup asks a program and what it has started to end.
func endGroup(cmd *exec.Cmd) error {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// killGroup kills what is left of the group. Nothing left is no error.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

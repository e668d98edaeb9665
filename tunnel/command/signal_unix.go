//go:build unix

package command

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// interrupt asks the program's process group to end, as ctrl-c in a terminal would.
func interrupt(cmd *exec.Cmd) error {
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// killGroup kills what is left of the group. That nothing is left is no error.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

//go:build unix

// Package group starts programs in their own process groups, so that their children end with them.
package group

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// Own makes a program the leader of a process group. On Linux, the kernel ends the program when this process is killed.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = attributes() }

// End sends a signal to a program and its children.
func End(cmd *exec.Cmd, signal syscall.Signal) error {
	if err := syscall.Kill(-cmd.Process.Pid, signal); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// Kill kills the rest of the group. An error means that nothing is left.
func Kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

//go:build unix

// Package group starts programs in process groups of their own, so that what they start ends with them.
package group

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// Own makes a program the leader of a process group. Where the kernel can, it ends the program when this process is killed.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = attributes() }

// End asks a program and what it has started to end.
func End(cmd *exec.Cmd, signal syscall.Signal) error {
	if err := syscall.Kill(-cmd.Process.Pid, signal); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

// Kill kills what is left of the group. Its error says no more than that nothing is left.
func Kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

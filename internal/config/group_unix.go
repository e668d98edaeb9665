//go:build unix

package config

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the leader of a process group, so that its children can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends a command that was started by [ownGroup], and every child that stayed in its group.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

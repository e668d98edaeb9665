//go:build unix && !linux

package program

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a program the leader of a process group, so that what it starts can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

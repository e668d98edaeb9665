package program

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a program the leader of a process group, so that what it starts can be ended with it. The kernel ends the
// program when this process is killed.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

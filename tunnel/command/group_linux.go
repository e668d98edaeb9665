package command

import (
	"os/exec"
	"syscall"
)

// ownGroup also has the kernel end the program with the thread that starts it, and so with this process.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

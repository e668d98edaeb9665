package group

import (
	"os/exec"
	"syscall"
)

// Own does nothing: Windows has no process groups.
func Own(*exec.Cmd) {}

// End ends the program at once: Windows has no signal that asks for it.
func End(cmd *exec.Cmd, _ syscall.Signal) error { return cmd.Process.Kill() }

// Kill ends the program alone.
func Kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }

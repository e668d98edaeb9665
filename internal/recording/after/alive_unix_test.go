//go:build unix

package after

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// alive reports whether a process runs; one that waits to be buried doesn't.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !bytes.Contains(stat, []byte(") Z "))
}

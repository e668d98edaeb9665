package command

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/tunnel"
)

// parent is a process that opens a tunnel and is killed.
func parent() int {
	if err := os.Setenv(stubVariable, "silent"); err != nil {
		return 1
	}
	_, err := New(Options{Command: []string{os.Args[0]}}).Open(context.Background(), tunnel.Local{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7070}})
	if err != nil {
		return 1
	}
	time.Sleep(time.Minute)
	return 0
}

// However this process ends, the program doesn't outlive it: it would hand connections to the next listener at the port.
func TestTheProgramEndsWithAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), stubVariable+"=parent", controlVariable+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := string((&opened{t: t, dir: dir}).file("started"))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	deadline := time.Now().Add(patience)
	for running(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("program %s runs on", pid)
		}
	}
}

// running reports whether a process runs. A zombie doesn't.
func running(pid string) bool {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z")
}

package fetch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
	"greenroom/internal/recording/source"
)

// childEnv holds, in the environment of a process that a test started, what that process is to fetch.
const childEnv = "GREENROOM_RECORDING_TEST_CHILD"

// order describes the download of a child process.
type order struct {
	URL     string
	Dir     string
	Name    string
	Journal string
	// FileLimit makes writes beyond it fail as a full disk does, 0 doesn't. The child then writes a line when it is paused, and
	// lifts the limit when it reads one.
	FileLimit uint64
}

// child runs what a test wants done in a process of its own, and says whether it was one.
func child() bool {
	text := os.Getenv(childEnv)
	if text == "" {
		return false
	}
	if err := obey(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func obey(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	d := New(Options{Crash: &crash.Group{}, Recheck: 20 * time.Millisecond})
	task := recording.Task{
		Key: "child", Dir: o.Dir, Name: o.Name, Journal: onDisk(o.Journal),
		Source: source.NewHTTP(source.HTTPOptions{Link: Fixed(o.URL), Transport: source.NewTransport(true)}),
	}
	if o.FileLimit > 0 {
		limitFileSize(o.FileLimit)
		paused := false
		task.Report = func(s recording.Report) {
			if s.State == recording.Paused && !paused {
				paused = true
				fmt.Println(s.Reason)
				bufio.NewReader(os.Stdin).ReadString('\n')
				freeFileSize()
			}
		}
	}
	r, err := d.Fetch(context.Background(), task)
	if err != nil {
		return err
	}
	if len(r.Restarted) > 0 {
		return errors.New("restarted: " + fmt.Sprint(r.Restarted))
	}
	return nil
}

// process prepares a child.
func process(t testing.TB, o order) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	// The race detector waits a second before it lets a process end.
	cmd.Env = append(os.Environ(), childEnv+"="+string(text), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

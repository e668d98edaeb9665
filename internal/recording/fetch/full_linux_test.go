package fetch

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
)

// A disk of its own shows what a limit can't: writing that fails in the middle, where no room could be reserved.
func TestADiskThatIsFullGoesOnWhenThereIsSpace(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("greenroom-test", disk, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("only root can mount a disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	data := content(8, 5<<20)
	for _, reserves := range []bool{true, false} {
		ballast := filepath.Join(disk, "ballast")
		if err := os.WriteFile(ballast, bytes.Repeat([]byte("x"), 6<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		o := serve(t, data)
		d := New(Options{Chunk: 256 << 10, Recheck: 10 * time.Millisecond, Crash: &crash.Group{}})
		if !reserves {
			d.disk.reserve = (*os.File).Truncate
		}
		task := task(t, o.source())
		task.Dir = filepath.Join(disk, "recordings")
		pauses := 0
		task.Report = func(s recording.Report) {
			if s.State != recording.Paused {
				return
			}
			if pauses++; !strings.Contains(s.Reason, "no space") {
				t.Errorf("it is paused because of %q", s.Reason)
			}
			if len(files(t, task.Dir)) != 1 {
				t.Errorf("the folder holds %q", files(t, task.Dir))
			}
			if err := os.Remove(ballast); err != nil && pauses == 1 {
				t.Error(err)
			}
		}
		r, err := d.Fetch(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, r.Path, data)
		if pauses == 0 || len(r.Restarted) > 0 {
			t.Errorf("paused %d times, started over because of %q", pauses, r.Restarted)
		}
		if most := int64(len(data) + 3<<20); r.FetchedBytes > most {
			t.Errorf("%d bytes were fetched", r.FetchedBytes)
		}
		if err := os.RemoveAll(task.Dir); err != nil {
			t.Fatal(err)
		}
	}
}

package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// ledger records the bytes that a server has sent of a file, and how many of them it had sent to an earlier process.
type ledger struct {
	mu   sync.Mutex
	once []bool // by page
	run  []bool // what the present process was sent
	// number counts processes. again are the bytes that the present one was sent although an earlier one was, limit ends it.
	number              int
	again, total, limit int64
	reached             chan struct{}
}

const page = 4 << 10

func newLedger(size int) *ledger {
	n := (size + page - 1) / page
	return &ledger{once: make([]bool, n), run: make([]bool, n)}
}

// begin prepares for another process that is to be killed after limit bytes, 0 for never, and says what became of the one
// before.
func (l *ledger) begin(limit int64) (reached chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, sent := range l.run {
		l.once[i] = l.once[i] || sent
	}
	clear(l.run)
	l.number++
	l.again, l.total, l.limit, l.reached = 0, 0, limit, make(chan struct{})
	return l.reached
}

func (l *ledger) sentAgain() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.again
}

// to makes a writer that notes what is written to it as the bytes of the file from off on.
func (l *ledger) to(w http.ResponseWriter, off int64) http.ResponseWriter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &noting{w, l, off, l.number}
}

func (l *ledger) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.once)
	clear(l.run)
}

type noting struct {
	http.ResponseWriter
	l   *ledger
	off int64
	// number is the process that asked. The network takes bytes for one that was killed for a moment still.
	number int
}

func (w *noting) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	ours := w.number == w.l.number
	for at := w.off; at < w.off+int64(n); {
		end := min(w.off+int64(n), (at/page+1)*page)
		if ours && w.l.once[at/page] {
			w.l.again += end - at
		}
		if w.l.run[at/page] = true; !ours {
			w.l.once[at/page] = true
		}
		at = end
	}
	w.off += int64(n)
	if !ours {
		return n, err
	}
	if before := w.l.total; before < w.l.limit && before+int64(n) >= w.l.limit {
		close(w.l.reached)
	}
	w.l.total += int64(n)
	return n, err
}

// Killed at any moment, a download resumes: the file is byte-identical in the end, and no more than 64 MiB are sent again,
// as the server counts them. GREENROOM_SOAK=1 kills 200 processes over 256 MiB.
func TestADownloadSurvivesBeingKilled(t *testing.T) {
	kills, size := 20, 64<<20
	if os.Getenv("GREENROOM_SOAK") != "" {
		kills, size = 200, 256<<20
	}
	if testing.Short() {
		t.Skip("it kills many processes")
	}
	data := content(11, size)
	o := serve(t, data)
	sent := newLedger(size)
	o.set(func() {
		o.before = func(w http.ResponseWriter, r *http.Request) bool {
			var off int64
			fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off)
			w.Header().Set("ETag", o.etag)
			if r.Header.Get("Range") != "bytes=0-0" {
				w = sent.to(w, off)
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
			return true
		}
	})
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	var most, all int64
	files := 0
	for killed := 0; killed < kills; {
		// Half of the moments are between bytes, the others at any time, which includes the beginning and the end.
		var reached chan struct{}
		var after <-chan time.Time
		if rand.IntN(2) == 0 {
			reached = sent.begin(1 + rand.Int64N(40<<20))
		} else {
			reached = sent.begin(0)
			after = time.After(time.Duration(rand.Int64N(int64(250 * time.Millisecond))))
		}
		cmd := process(t, order{URL: o.URL, Dir: dir, Name: "one.mp4", Journal: journal})
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		var err error
		select {
		case <-reached:
			cmd.Process.Kill()
			err = <-ended
		case <-after:
			cmd.Process.Kill()
			err = <-ended
		case err = <-ended:
		}
		again := sent.sentAgain()
		most, all = max(most, again), all+again
		if again > 64<<20 {
			t.Fatalf("after kill %d, %d bytes were sent again", killed, again)
		}
		var exit *exec.ExitError
		switch {
		case err == nil:
			files++
			holds(t, filepath.Join(dir, "one.mp4"), data)
			only(t, dir, "one.mp4")
			for _, path := range []string{filepath.Join(dir, "one.mp4"), journal} {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			sent.forget()
		case errors.As(err, &exit) && !exit.Exited():
			killed++
		default:
			t.Fatalf("after kill %d: %v", killed, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "one.mp4")); err == nil {
			holds(t, filepath.Join(dir, "one.mp4"), data) // killed after the file had its name
		}
	}
	sent.begin(0)
	if err := process(t, order{URL: o.URL, Dir: dir, Name: "one.mp4", Journal: journal}).Run(); err != nil {
		t.Fatal(err)
	}
	holds(t, filepath.Join(dir, "one.mp4"), data)
	only(t, dir, "one.mp4")
	t.Logf("%d kills over %d files of %d MiB: at most %.1f MiB were sent again to one process, %.1f on average",
		kills, files+1, size>>20, float64(most)/(1<<20), float64(all)/float64(kills)/(1<<20))
}

package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"path/filepath"
	"testing"

	"greenroom/internal/recording"
)

func TestAFileArrivesWhole(t *testing.T) {
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1 << 20, 1<<20 + 12345, 5<<20 + 1} {
		data := content(1, size)
		o := serve(t, data)
		task := task(t, o.source())
		var states []recording.State
		task.Report = func(s recording.Report) {
			if len(states) == 0 || states[len(states)-1] != s.State {
				states = append(states, s.State)
			}
		}
		r, err := small(t).Fetch(t.Context(), task)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		holds(t, r.Path, data)
		sum := sha256.Sum256(data)
		if r.Path != filepath.Join(task.Dir, "all-hands", "one.mp4") || r.Size != int64(size) || r.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%+v", r)
		}
		if r.FetchedBytes != int64(size) || len(r.Restarted) != 0 || r.Identity.ETag != `"one"` {
			t.Errorf("%+v", r)
		}
		only(t, task.Dir, "all-hands/one.mp4")
		if len(states) != 4 || states[0] != recording.Waiting || states[1] != recording.Running || states[2] != recording.Verifying || states[3] != recording.Done {
			t.Errorf("the states were %q", states)
		}
	}
}

func TestAFinishedFileIsNotFetchedAgain(t *testing.T) {
	o := serve(t, content(1, 300<<10))
	task := task(t, o.source())
	d := small(t)
	first, err := d.Fetch(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	before := o.requests.Load()
	second, err := d.Fetch(t.Context(), task)
	if err != nil || second.Path != first.Path || second.SHA256 != first.SHA256 || second.FetchedBytes != 0 {
		t.Errorf("%+v, %v", second, err)
	}
	if o.requests.Load() != before {
		t.Error("the source was asked again")
	}
}

func TestAPauseKeepsWhatIsThere(t *testing.T) {
	data := content(1, 4<<20)
	o := serve(t, data)
	task := task(t, o.source())
	d := New(Options{Chunk: 64 << 10, Limit: 4 << 20})
	ctx, pause := context.WithCancelCause(t.Context())
	why := errors.New("the user has paused it")
	task.Report = func(s recording.Report) {
		if s.Bytes > 1<<20 {
			pause(why)
		}
	}
	if _, err := d.Fetch(ctx, task); !errors.Is(err, why) {
		t.Fatal(err)
	}
	names := files(t, task.Dir)
	if len(names) != 1 || filepath.Ext(names[0]) != ".part" {
		t.Errorf("a paused file is %q", names)
	}
	task.Report = nil
	d.SetLimit(0)
	r, err := d.Fetch(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, r.Path, data)
	if r.FetchedBytes > 3<<20+512<<10 || len(r.Restarted) != 0 {
		t.Errorf("%d bytes were fetched after the pause, restarted %q", r.FetchedBytes, r.Restarted)
	}
}

// A user who has waited for a third of a file doesn't wait for it again because no chunk was complete.
func TestAPauseKeepsWhatIsThereOfChunks(t *testing.T) {
	data := content(41, 8<<20)
	o := serve(t, data)
	task := task(t, o.source())
	d := New(Options{Chunk: 4 << 20, Workers: 2, Limit: 8 << 20})
	for _, n := range []int64{1 << 20, 3 << 20} {
		pauseAt(t, d, task, n)
	}
	d.SetLimit(0)
	r, err := d.Fetch(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, r.Path, data)
	if r.FetchedBytes > 5<<20+512<<10 || len(r.Restarted) != 0 {
		t.Errorf("%d bytes were fetched after the pause, restarted %q", r.FetchedBytes, r.Restarted)
	}
}

func TestOneTaskIsUnderWayOnce(t *testing.T) {
	o := serve(t, content(1, 1<<20))
	task := task(t, o.source())
	d := New(Options{Chunk: 64 << 10, Limit: 1 << 10})
	running, ended := make(chan struct{}), make(chan error)
	begun := false
	task.Report = func(s recording.Report) {
		if s.State == recording.Running && !begun {
			begun = true
			close(running)
		}
	}
	go func() {
		_, err := d.Fetch(t.Context(), task)
		ended <- err
	}()
	<-running
	task.Report = nil
	if _, err := d.Fetch(t.Context(), task); !errors.Is(err, ErrBusy) {
		t.Errorf("a second call: %v", err)
	}
	if err := d.Discard(t.Context(), task); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, ErrDiscarded) {
		t.Errorf("the first call: %v", err)
	}
	only(t, task.Dir)
	if p, _ := load(t.Context(), task.Journal); p.Part != "" {
		t.Errorf("the journal holds %+v", p)
	}
}

func TestAPausedStreamStartsOverAndSaysSo(t *testing.T) {
	data := content(2, 1<<20)
	o := serve(t, data)
	o.set(func() {
		o.before = func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		}
	})
	task := task(t, o.source())
	d := New(Options{Limit: 1 << 20})
	pauseAt(t, d, task, 256<<10)
	d.SetLimit(0)
	r, err := d.Fetch(t.Context(), task)
	if err != nil || len(r.Restarted) != 1 || r.FetchedBytes != int64(len(data)) {
		t.Errorf("%+v, %v", r, err)
	}
	holds(t, r.Path, data)
}

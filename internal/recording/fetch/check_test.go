package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"greenroom/internal/crash"
	"greenroom/internal/recording"
)

func TestChecksumsOfTheWholeFileAreCompared(t *testing.T) {
	const body = "123456789"
	sum := sha256.Sum256([]byte(body))
	for algorithm, want := range map[string]string{
		"sha256": base64.StdEncoding.EncodeToString(sum[:]),
		// The check values of the catalogue of CRC algorithms, and those of RFC 1321 and 3174's algorithms.
		"crc32":     base64.StdEncoding.EncodeToString([]byte{0xcb, 0xf4, 0x39, 0x26}),
		"crc32c":    base64.StdEncoding.EncodeToString([]byte{0xe3, 0x06, 0x92, 0x83}),
		"crc64nvme": base64.StdEncoding.EncodeToString([]byte{0xae, 0x8b, 0x14, 0x86, 0x0a, 0x79, 0x98, 0x88}),
		"md5":       "JfnnlDI7RTiF9RgfG2JNCw==",
	} {
		task := task(t, text{body, recording.Identity{Algorithm: algorithm, Checksum: want}})
		if r, err := small(t).Fetch(t.Context(), task); err != nil || !r.Checked {
			t.Errorf("%s: %+v, %v", algorithm, r, err)
		}
	}
	unknown := task(t, text{body, recording.Identity{Algorithm: "md6", Checksum: "AAAA"}})
	if r, err := small(t).Fetch(t.Context(), unknown); err != nil || r.Checked {
		t.Errorf("an unknown algorithm: %+v, %v", r, err)
	}
}

// spoiled changes a byte of the first n files that are read.
type spoiled struct {
	recording.Source
	n atomic.Int64
}

func (s *spoiled) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	r, err := s.Source.Open(ctx, id, off, n)
	if err == nil && s.n.Add(-1) >= 0 {
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		b[0] ^= 1
		return io.NopCloser(strings.NewReader(string(b))), nil
	}
	return r, err
}

func TestACopyWithAnotherChecksumIsFetchedOnceMore(t *testing.T) {
	sum := sha256.Sum256([]byte("123456789"))
	source := &spoiled{Source: text{"123456789", recording.Identity{Algorithm: "sha256", Checksum: base64.StdEncoding.EncodeToString(sum[:])}}}
	source.n.Store(1)
	r, err := small(t).Fetch(t.Context(), task(t, source))
	if err != nil || len(r.Restarted) != 1 || !strings.Contains(r.Restarted[0], "checksum") {
		t.Fatalf("%+v, %v", r, err)
	}
	holds(t, r.Path, []byte("123456789"))
	source.n.Store(100)
	bad := task(t, source)
	if r, err = small(t).Fetch(t.Context(), bad); !errors.Is(err, ErrChecksum) || r.FetchedBytes != 18 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, name := range files(t, bad.Dir) {
		if !strings.HasSuffix(name, ".part") {
			t.Errorf("there is a file %s", name)
		}
	}
}

func TestWhatTheCheckRefusesGetsNoName(t *testing.T) {
	damaged := errors.New("no audio and no end")
	task := task(t, text{body: "one"})
	var seen string
	task.Check = func(_ context.Context, path string) error {
		seen = path
		holds(t, path, []byte("one"))
		if len(files(t, task.Dir)) != 1 {
			t.Errorf("the folder holds %q", files(t, task.Dir))
		}
		return damaged
	}
	d := small(t)
	if _, err := d.Fetch(t.Context(), task); !errors.Is(err, damaged) {
		t.Error(err)
	}
	if !strings.HasSuffix(seen, ".mp4.part") {
		t.Errorf("it looked at %s", seen)
	}
	if _, err := os.Stat(seen); err != nil {
		t.Errorf("what was refused is kept to be looked at: %v", err)
	}
	task.Check = nil
	r, err := d.Fetch(t.Context(), task)
	if err != nil || r.FetchedBytes != 3 {
		t.Errorf("another try: %+v, %v", r, err)
	}
	only(t, task.Dir, "all-hands/one.mp4")
}

func TestFilesComeInTheOrderInWhichTheyWereAskedFor(t *testing.T) {
	d := New(Options{Files: 1, Crash: &crash.Group{}})
	var order []string
	started, ended := make(chan struct{}), make(chan error)
	release := make(chan struct{})
	for i, name := range []string{"a", "b", "c", "d"} {
		task := task(t, text{body: name})
		task.Key = name
		task.Check = func(context.Context, string) error {
			order = append(order, name)
			if i == 0 {
				started <- struct{}{}
				<-release
			}
			return nil
		}
		queued := make(chan struct{})
		task.Report = func(s recording.Report) {
			if s.State == recording.Waiting {
				close(queued)
			}
		}
		go func() {
			_, err := d.Fetch(t.Context(), task)
			ended <- err
		}()
		<-queued
		if i == 0 {
			<-started
			continue
		}
		for waiting() < i {
			runtime.Gosched()
		}
	}
	close(release)
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(order, ""); got != "abcd" {
		t.Errorf("they came in the order %s", got)
	}
}

// waiting counts the goroutines that wait for their turn.
func waiting() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "semaphore.(*Weighted).Acquire(")
}

// A panic of a source's reader ends its task, and nothing else.
func TestAPanicEndsOnlyItsTask(t *testing.T) {
	var reports atomic.Int64
	group := &crash.Group{OnPanic: func(crash.Report) { reports.Add(1) }}
	d := New(Options{Crash: group})
	if _, err := d.Fetch(t.Context(), task(t, panicking{text{strings.Repeat("x", 5<<20), recording.Identity{Version: "1"}}})); !errors.Is(err, recording.ErrPanicked) {
		t.Error(err)
	}
	if r, err := d.Fetch(t.Context(), task(t, text{body: "one"})); err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	group.Wait()
	if reports.Load() == 0 {
		t.Error("the panic was not reported")
	}
}

type panicking struct{ text }

func (p panicking) Open(ctx context.Context, id recording.Identity, off, n int64) (io.ReadCloser, error) {
	if off == 0 {
		return p.text.Open(ctx, id, off, n)
	}
	panic("dropped it")
}

func TestAJournalThatFailsFailsTheTask(t *testing.T) {
	task := task(t, text{body: "one"})
	broken := errors.New("the store is closed")
	task.Journal.(*memory).fail = broken
	if _, err := small(t).Fetch(t.Context(), task); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestDiscardingLeavesNothing(t *testing.T) {
	data := content(34, 2<<20)
	task := task(t, serve(t, data).source())
	d := New(Options{Chunk: 64 << 10, Limit: 4 << 20})
	if err := d.Discard(t.Context(), task); err != nil {
		t.Errorf("what was never begun: %v", err)
	}
	pauseAt(t, d, task, 512<<10)
	if err := d.Discard(t.Context(), task); err != nil {
		t.Error(err)
	}
	only(t, task.Dir)
	d.SetLimit(0)
	r, err := d.Fetch(t.Context(), task)
	if err != nil || r.FetchedBytes != int64(len(data)) {
		t.Errorf("%+v, %v", r, err)
	}
	if err := d.Discard(t.Context(), task); err != nil {
		t.Error(err)
	}
	holds(t, filepath.Join(task.Dir, "all-hands", "one.mp4"), data) // a finished file stays
}

func TestDiscardingNeedsTheJournalAlone(t *testing.T) {
	task := task(t, serve(t, content(35, 1<<20)).source())
	pauseAt(t, New(Options{Chunk: 64 << 10, Limit: 1 << 20}), task, 128<<10)
	if err := small(t).Discard(t.Context(), recording.Task{Key: task.Key, Journal: task.Journal, Name: "room-2025-06-15T12:00:00Z.mp4"}); err != nil {
		t.Error(err)
	}
	only(t, task.Dir)
	// And the folder and the name alone.
	pauseAt(t, New(Options{Chunk: 64 << 10, Limit: 1 << 20}), task, 128<<10)
	task.Journal = &memory{}
	if err := small(t).Discard(t.Context(), task); err != nil {
		t.Error(err)
	}
	only(t, task.Dir)
}

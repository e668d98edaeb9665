package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"greenroom/internal/recording"
)

// faulty is storage that fails in one way at one call of one kind. The zero value never fails.
type faulty struct {
	// call is which of the calls of the kind fails, from 1 on.
	kind, way string
	call      int

	mu    sync.Mutex
	calls map[string]int
	hit   bool
}

// due reports whether this call of the kind is the one that fails.
func (f *faulty) due(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[kind]++
	due := kind == f.kind && f.calls[kind] == f.call
	f.hit = f.hit || due
	return due
}

func (f *faulty) err() error {
	if f.way == "full" {
		return &os.PathError{Op: f.kind, Path: "x", Err: syscall.ENOSPC}
	}
	return &os.PathError{Op: f.kind, Path: "x", Err: syscall.EIO}
}

func (f *faulty) storage() storage {
	plain := unsynced()
	fails := func(kind string, then func(*os.File) error) func(*os.File) error {
		return func(file *os.File) error {
			if f.due(kind) {
				return f.err()
			}
			return then(file)
		}
	}
	return storage{
		reserve: func(file *os.File, size int64) error {
			if f.due("reserve") {
				return f.err()
			}
			return plain.reserve(file, size)
		},
		write: func(file *os.File, b []byte, off int64) (int, error) {
			if !f.due("write") {
				return plain.write(file, b, off)
			}
			switch f.way {
			case "short":
				return plain.write(file, b[:len(b)/2], off)
			case "lost": // as a cache does that was never written back
				return len(b), nil
			case "elsewhere":
				return plain.write(file, b, off+1)
			}
			_, _ = plain.write(file, b[:len(b)/2], off)
			return len(b) / 2, f.err()
		},
		read: func(file *os.File, b []byte, off int64) (int, error) {
			due := f.due("read")
			if due && f.way != "flipped" {
				return 0, f.err()
			}
			n, err := plain.read(file, b, off)
			if due && n > 0 {
				b[n-1] ^= 1
			}
			return n, err
		},
		flush: fails("flush", plain.flush), sync: fails("sync", plain.sync), syncFolder: fails("sync the folder", plain.syncFolder),
		rename: func(in *folder, from, to string) error {
			if f.due("rename") {
				return f.err()
			}
			return plain.rename(in, from, to)
		},
	}
}

// faultsOf are the ways in which each kind of call can fail.
var faultsOf = map[string][]string{
	"reserve": {"broken", "full"}, "write": {"broken", "full", "short", "lost", "elsewhere"}, "read": {"broken", "flipped"},
	"flush": {"broken", "full"}, "sync": {"broken", "full"}, "sync the folder": {"broken"}, "rename": {"broken"},
}

// Whatever the disk does, a file has its final name only with the source's bytes. A disk that fails is the reason; when it works
// again the download continues, and fetches no more again than what had not been noted.
func TestAFaultyDiskSpoilsNoFile(t *testing.T) {
	const size, chunk = 200, 32
	data := content(9, size)
	for kind, ways := range faultsOf {
		for _, way := range ways {
			for _, streamed := range []bool{false, true} {
				name := fmt.Sprintf("%s %s", kind, way)
				if streamed {
					name += " in one stream"
				}
				t.Run(name, func(t *testing.T) {
					hits := 0
					for call := 1; call <= 12; call++ {
						disk := &faulty{kind: kind, way: way, call: call}
						onFaultyDisk(t, disk, data, chunk, streamed)
						if disk.hit {
							hits++
						}
					}
					if hits == 0 && !(streamed && kind == "flush") {
						t.Error("nothing has failed")
					}
				})
			}
		}
	}
}

func onFaultyDisk(t *testing.T, disk *faulty, data []byte, chunk int64, streamed bool) {
	t.Helper()
	dir, end := scratch(t)
	defer end()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{data: data, etag: `"one"`}
		w.answer = func(int, int) reply { return reply{whole: streamed, step: 8} }
		d, group := tiny(Options{Chunk: chunk, Workers: 2})
		d.disk = disk.storage()
		task := recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"}
		paused := ""
		task.Report = func(s recording.Report) {
			if s.State == recording.Paused {
				paused = s.Reason
			}
		}
		r, err := d.Fetch(t.Context(), task)
		if err != nil && disk.kind == "sync the folder" {
			// The file may have its name already; then it is whole.
			if wholeOrNothing(dir, data, err) != nil && wholeOrNothing(dir, data, nil) != nil {
				t.Errorf("call %d: %v", disk.call, wholeOrNothing(dir, data, nil))
			}
		} else if err := wholeOrNothing(dir, data, err); err != nil {
			t.Errorf("call %d: %v", disk.call, err)
		}
		switch {
		case !disk.hit && err != nil:
			t.Fatal(err)
		case !disk.hit:
		case disk.way == "full" && (err != nil || !strings.Contains(paused, "no space")):
			t.Errorf("call %d: paused because of %q; %v", disk.call, paused, err)
		case disk.way == "broken" && (!errors.Is(err, ErrDisk) || !errors.Is(err, syscall.EIO)):
			t.Errorf("call %d: the reason is %v", disk.call, err)
		case disk.way == "short" && !errors.Is(err, ErrDisk):
			t.Errorf("call %d: the reason is %v", disk.call, err)
		case (disk.way == "lost" || disk.way == "elsewhere" || disk.way == "flipped") && err != nil:
			t.Errorf("call %d: a part was not fetched again: %v", disk.call, err)
		}
		if err != nil {
			if r, err = d.Fetch(t.Context(), task); err != nil {
				t.Fatalf("call %d, when the disk works again: %v", disk.call, err)
			}
		}
		if err := wholeOrNothing(dir, data, nil); err != nil {
			t.Errorf("call %d: %v", disk.call, err)
		}
		if !r.Compared {
			t.Errorf("call %d: %+v", disk.call, r)
		}
		group.Wait()
	})
}

// A disk that never gives back what was written fails the download, for that reason.
func TestADiskThatForgetsFailsTheDownload(t *testing.T) {
	dir, end := scratch(t)
	defer end()
	data := content(9, 200)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{data: data, etag: `"one"`}
		d, group := tiny(Options{Chunk: 32})
		d.disk.read = func(_ *os.File, b []byte, off int64) (int, error) {
			clear(b)
			return bytes.NewReader(make([]byte, 200)).ReadAt(b, off)
		}
		_, err := d.Fetch(t.Context(), recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"})
		if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "different bytes than were written") {
			t.Error(err)
		}
		if err := wholeOrNothing(dir, data, err); err != nil {
			t.Error(err)
		}
		if most := (rereadsMost + 1) * 200; w.sent > most {
			t.Errorf("%d bytes were fetched, at most %d were of use", w.sent, most)
		}
		group.Wait()
	})
}

// Several faults of the disk and of the source at once change nothing about that.
func TestAFaultyDiskAndABadSource(t *testing.T) {
	many(t, 1000, func(rt *rapid.T) {
		size := rapid.IntRange(1, 300).Draw(rt, "size")
		data := content(3, size)
		kind := rapid.SampledFrom([]string{"reserve", "write", "read", "flush", "sync", "rename"}).Draw(rt, "kind")
		disk := &faulty{kind: kind, way: rapid.SampledFrom(faultsOf[kind]).Draw(rt, "way"), call: rapid.IntRange(1, 40).Draw(rt, "call")}
		cuts := rapid.SliceOfN(rapid.IntRange(0, 64), 0, 12).Draw(rt, "cuts")
		chunk := rapid.Int64Range(1, 64).Draw(rt, "chunk")
		dir, end := scratch(t)
		defer end()
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			w := &wire{data: data, etag: `"one"`}
			w.answer = func(int, int) reply {
				if len(cuts) == 0 {
					return reply{step: 5}
				}
				at := cuts[0]
				cuts = cuts[1:]
				return reply{cut: &at, step: 5}
			}
			d, group := tiny(Options{Chunk: chunk, Workers: 3})
			d.disk = disk.storage()
			task := recording.Task{Key: "x", Source: w.source(), Journal: &memory{}, Dir: dir, Name: "one.mp4"}
			var err error
			for range 3 {
				if _, err = d.Fetch(t.Context(), task); err == nil {
					break
				}
				wrong = errors.Join(wrong, wholeOrNothing(dir, data, err))
			}
			wrong = errors.Join(wrong, err, wholeOrNothing(dir, data, nil))
			group.Wait()
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}

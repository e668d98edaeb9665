package store

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "greenroom/internal/cases"

	"greenroom/internal/app"
)

// world is a store and, independent of it, its expected content.
type world struct {
	t     *testing.T
	dir   string
	store *Store
	clock *clock
	// acked are the times of acknowledged deliveries, by provider id; unsure those whose writers got an error.
	acked  map[string]time.Duration
	unsure map[string]bool
	rings  int
	next   int
	// backup is a backup's path and the deliveries acknowledged before it.
	backup       string
	backupAcked  map[string]time.Duration
	backupUnsure map[string]bool
	copies       int
}

// The store of the world is small: segments of eight deliveries, a ring of four, ten days of retention.
const worldRetains = 10 * day

func (w *world) options() Options {
	return w.clock.options(Options{Path: filepath.Join(w.dir, FileName), SegmentRows: 8, RingRows: 4, RetainFor: worldRetains, Timeout: time.Millisecond})
}

func (w *world) open(r *rapid.T) {
	s, err := Open(w.options())
	if err != nil {
		r.Fatalf("open: %v", err)
	}
	s.db.NoSync = true // cut writes are simulated, lost unsynced data is not
	s.log.within, s.log.size = time.Hour, rapid.Int64Range(1, 20_000).Draw(r, "size of the log")
	w.store = s
}

func (w *world) close(r *rapid.T) {
	if err := w.store.Close(); err != nil {
		r.Fatalf("close: %v", err)
	}
}

// effect counts how often a delivery was applied.
func effect(tx *Tx, d *app.Delivery) error {
	return tx.PutValue(d.ProviderID, append(tx.Value(d.ProviderID), 'x'))
}

// entries are up to six deliveries, some of them repeats of earlier ones.
func (w *world) entries(r *rapid.T) []Entry {
	var out []Entry
	for range rapid.IntRange(1, 6).Draw(r, "deliveries") {
		n := w.next
		if n > 0 && rapid.IntRange(0, 3).Draw(r, "repeat") == 0 {
			n = rapid.IntRange(0, n-1).Draw(r, "which")
		} else {
			w.next++
		}
		d := delivery(n)
		d.At = app.At(w.clock.now())
		d.Body = make(app.Body, rapid.SampledFrom([]int{10, 500, 6000}).Draw(r, "body"))
		out = append(out, Entry{Delivery: d, Effect: effect})
	}
	return out
}

func (w *world) note(all []Entry, err error) {
	for _, e := range all {
		id := e.Delivery.ProviderID
		if _, known := w.acked[id]; known {
			continue
		}
		if err != nil {
			w.unsure[id] = true
			continue
		}
		delete(w.unsure, id)
		w.acked[id] = w.clock.ran()
	}
}

func (w *world) append(r *rapid.T) {
	all := w.entries(r)
	_, err := w.store.AppendBatch(w.t.Context(), all)
	if err != nil {
		r.Fatalf("append: %v", err)
	}
	w.note(all, nil)
}

func (w *world) reject(r *rapid.T) {
	if _, err := w.store.AppendBatch(w.t.Context(), []Entry{{Delivery: delivery(1 << 20), Keep: KeepInRing}}); err != nil {
		r.Fatalf("reject: %v", err)
	}
	w.rings = min(w.rings+1, 4)
}

// cut ends the disk within a write, anywhere in a commit; then the machine starts again.
func (w *world) cut(r *rapid.T) {
	left, sectors := rapid.IntRange(0, 12).Draw(r, "writes"), rapid.IntRange(0, 7).Draw(r, "sectors")
	onWrite(w.t, w.store, func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error) {
		left--
		switch {
		case left >= 0:
			return write(b, at)
		case left == -1:
			if _, err := write(b[:min(len(b), sectors*512)], at); err != nil {
				return 0, err
			}
		}
		return 0, refusedBy(syscall.EIO)
	})
	for range rapid.IntRange(1, 3).Draw(r, "commits") {
		all := w.entries(r)
		_, err := w.store.AppendBatch(w.t.Context(), all)
		w.note(all, err)
	}
	w.close(r)
	w.open(r)
}

// copied continues with a copy of the files between commits, without closing them: as after a kill.
func (w *world) copied(r *rapid.T) {
	w.copies++
	dir := filepath.Join(w.t.TempDir(), fmt.Sprint(w.copies))
	files := make(map[string][]byte)
	between(w.t, w.store, func() {
		for _, name := range []string{FileName, FileName + redoSuffix} {
			b, err := os.ReadFile(filepath.Join(w.dir, name))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				r.Fatalf("%v", err)
			}
			files[name] = b
		}
	})
	w.close(r)
	w.dir = dir
	if err := os.Mkdir(dir, 0o700); err != nil {
		r.Fatalf("%v", err)
	}
	for name, b := range files {
		if b == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			r.Fatalf("%v", err)
		}
	}
	w.open(r)
}

func (w *world) retain(r *rapid.T) {
	d := time.Duration(rapid.IntRange(1, 72).Draw(r, "hours")) * time.Hour
	w.clock.run(d)
	if err := w.store.enqueue(w.t.Context(), w.store.queue, &write{maintain: func() error { w.store.retain(); return nil }, done: make(chan error, 1)}); err != nil {
		r.Fatalf("retain: %v", err)
	}
}

func (w *world) index(r *rapid.T) {
	if err := w.store.indexNext(map[string]bool{}, hurry); err != nil && !errors.Is(err, errIndexed) {
		r.Fatalf("index: %v", err)
	}
}

// step changes the system's clock by any amount.
func (w *world) step(r *rapid.T) {
	w.clock.step(time.Duration(rapid.IntRange(-1000, 1000).Draw(r, "days")) * day)
}

func (w *world) compact(r *rapid.T) {
	if _, _, err := w.store.Compact(w.t.Context()); err != nil {
		r.Fatalf("compact: %v", err)
	}
	w.store.db.NoSync = true
}

func (w *world) backUp(r *rapid.T) {
	w.copies++
	w.backup = filepath.Join(w.t.TempDir(), fmt.Sprintf("backup-%d", w.copies))
	if _, err := w.store.BackupFile(w.t.Context(), w.backup); err != nil {
		r.Fatalf("back up: %v", err)
	}
	w.backupAcked, w.backupUnsure = clone(w.acked), clone(w.unsure)
}

func (w *world) restore(r *rapid.T) {
	if w.backup == "" {
		r.Skip("no backup")
	}
	w.close(r)
	if _, err := Restore(w.t.Context(), filepath.Join(w.dir, FileName), w.backup); err != nil {
		r.Fatalf("restore: %v", err)
	}
	w.acked, w.unsure = clone(w.backupAcked), clone(w.backupUnsure)
	w.rings = -1 // as many as there were
	w.open(r)
}

func clone[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// check compares everything. A delivery may be missing if it is older than retention, by the time of running: wrong clock time
// doesn't count.
func (w *world) check(r *rapid.T) {
	first := make(map[string]int)
	rings, last := 0, uint64(1<<63)
	q := app.EventQuery{Limit: 50}
	for {
		page, err := w.store.Events(w.t.Context(), q)
		if err != nil {
			r.Fatalf("events: %v", err)
		}
		for _, e := range page.Events {
			if e.Seq >= last {
				r.Fatalf("%d comes after %d", e.Seq, last)
			}
			last = e.Seq
			if e.ProviderID == delivery(1<<20).ProviderID {
				rings++
			} else if e.DuplicateOf == 0 {
				first[e.ProviderID]++
			}
		}
		if !page.More {
			break
		}
		q.Before = page.Next
	}
	if w.rings < 0 {
		w.rings = rings
	}
	if rings != w.rings {
		r.Fatalf("%d rejected deliveries of %d", rings, w.rings)
	}
	err := w.store.View(w.t.Context(), func(tx *Tx) error {
		for id, at := range w.acked {
			if applied := len(tx.Value(id)); applied != 1 {
				return fmt.Errorf("%s was applied %d times", id, applied)
			}
			if first[id] == 0 && w.clock.ran()-at < worldRetains {
				return fmt.Errorf("%s is missing after %s", id, w.clock.ran()-at)
			}
		}
		for id, n := range first {
			_, acked := w.acked[id]
			if n > 1 || !acked && !w.unsure[id] {
				return fmt.Errorf("%s is there %d times, acknowledged: %v", id, n, acked)
			}
			if len(tx.Value(id)) != 1 {
				return fmt.Errorf("%s was applied %d times", id, len(tx.Value(id)))
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}

// In any order of events: no acknowledged delivery is missing before retention, and none is stored or applied twice.
func TestNothingIsLostAndNothingIsTwice(t *testing.T) {
	if os.Getenv("GREENROOM_SOAK") == "" {
		if err := flag.Set("rapid.checks", "20"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		w := &world{t: t, dir: t.TempDir(), clock: newClock(), acked: make(map[string]time.Duration), unsure: make(map[string]bool)}
		w.open(r)
		defer func() { _ = w.store.Close() }()
		r.Repeat(map[string]func(*rapid.T){
			"append": w.append, "append more": w.append, "append still more": w.append, "reject": w.reject, "cut": w.cut, "kill": w.copied,
			"retain": w.retain, "index": w.index, "step": w.step, "compact": w.compact, "back up": w.backUp, "restore": w.restore,
			"reopen": func(r *rapid.T) { w.close(r); w.open(r) },
			"":       w.check,
		})
		found, err := w.store.Check(t.Context())
		if err != nil || len(found) > 0 {
			r.Fatalf("the check finds %q, %v", found, err)
		}
	})
}

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

// dataFile is the bench's store.
func dataFile(b *bench) string {
	return filepath.Join(b.getenv("XDG_DATA_HOME"), "greenroom", store.FileName)
}

// On a file system that can only be read, what only reads works, and what writes says why it doesn't.
func TestCommandsOnAFileSystemForReading(t *testing.T) {
	b, _ := realBench(t)
	b.run(t, 0, "room", "create", "board")
	dir := filepath.Dir(dataFile(b))
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, args := range [][]string{
		{"room", "list"}, {"room", "show", "board"}, {"meeting", "list"}, {"event", "list"}, {"store", "check"}, {"store", "backup", copied},
	} {
		b.run(t, 0, args...)
		if !strings.Contains(b.err.String(), "read-only") {
			t.Errorf("%v says %q", args, b.err.String())
		}
	}
	if found, err := store.CheckFile(t.Context(), copied); err != nil || len(found) > 0 {
		t.Errorf("the copy: %v, %v", found, err)
	}
	b.run(t, 1, "doctor")
	if !strings.Contains(b.out.String(), "it is read-only") {
		t.Errorf("doctor: %s", b.out.String())
	}
	for _, args := range [][]string{{"room", "create", "other"}, {"store", "compact"}, {"meeting", "start", "board"}} {
		b.run(t, 1, args...)
		if !strings.Contains(b.err.String(), "read-only file system") {
			t.Errorf("%v says %q", args, b.err.String())
		}
	}
}

// Every command says in one sentence that the store is damaged, check lists how, and a backup mends it.
func TestCommandsOnADamagedStore(t *testing.T) {
	b, _ := realBench(t)
	b.run(t, 0, "room", "create", "board")
	b.outTTY = false
	b.run(t, 0, "store", "backup", "-")
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(backup, bytes.Clone(b.out.Bytes()), 0o600); err != nil {
		t.Fatal(err)
	}
	b.outTTY = true
	b.run(t, 2, "store", "backup", "-")
	b.run(t, 2, "store", "backup", "-", "--json")
	if err := os.Truncate(dataFile(b), 20000); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"room", "list"}, {"event", "list"}, {"meeting", "start", "board"}, {"store", "compact"}, {"store", "backup", backup + "2"}} {
		b.run(t, 1, args...)
		if said := b.err.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "is damaged") || !strings.Contains(said, "greenroom store restore") {
			t.Errorf("%v says %q", args, said)
		}
	}
	b.run(t, 1, "store", "check", "--json")
	if !strings.Contains(b.out.String(), `"findings":["the file ends before its last page`) {
		t.Errorf("check: %s", b.out.String())
	}
	b.run(t, 1, "doctor")
	if !hasRow(b.out.String(), []string{"greenroom", "store", "FAILED"}) {
		t.Errorf("doctor: %s", b.out.String())
	}
	b.run(t, 0, "store", "restore", backup, "--yes")
	b.run(t, 0, "room", "show", "board")
	b.run(t, 0, "store", "check")
}

// Nothing that is named on the command line or in the environment is waited for.
func TestNoFIFOIsAwaited(t *testing.T) {
	b, _ := realBench(t)
	b.run(t, 0, "room", "create", "board")
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// Should it wait, a writer that closes at once ends that.
	watch := time.AfterFunc(patience, func() {
		t.Error("it waits")
		f, err := os.OpenFile(fifo, os.O_RDWR, 0)
		if err == nil {
			err = f.Close()
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	defer watch.Stop()
	b.run(t, 4, "--config", fifo, "room", "list")
	b.run(t, 1, "store", "restore", fifo, "--yes")
	b.run(t, 2, "room", "create", "other", "--logo", fifo)
	for _, args := range [][]string{{"--config", fifo, "room", "list"}, {"store", "restore", fifo, "--yes"}} {
		b.run(t, map[bool]int{true: 4, false: 1}[args[0] == "--config"], args...)
		if !strings.Contains(b.err.String(), "not a regular file") {
			t.Errorf("%v says %q", args, b.err.String())
		}
	}
	b.run(t, 0, "--config", os.DevNull, "room", "list")
	b.run(t, 2, "--data-dir", "", "room", "list")
	b.run(t, 2, "--config=", "room", "list")
}

// A damaged search index is no fault of the store: check names it, and rebuilds it.
func TestACheckOfADamagedSearchIndex(t *testing.T) {
	b, _ := realBench(t)
	b.run(t, 0, "room", "create", "board")
	s, err := store.Open(store.Options{Path: dataFile(b)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), store.Entry{Delivery: app.Delivery{Account: "daily", Verdict: provider.Verified, Kind: provider.KindUnknown}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(dataFile(b), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(func(tx *bolt.Tx) error {
		segments := tx.Bucket([]byte("segments"))
		first, _ := segments.Cursor().First()
		texts, err := segments.Bucket(first).CreateBucket([]byte("texts"))
		if err != nil {
			return err
		}
		return texts.Put([]byte("shape"), []byte{3, 0})
	}), db.Close()); err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "store", "check", "--json")
	if said := b.out.String(); !strings.Contains(said, `"findings":[]`) || !strings.Contains(said, `"notes":["the search index of the events from 1 on is damaged`) {
		t.Errorf("check says %s", said)
	}
	b.run(t, 0, "store", "check", "--json")
	if said := b.out.String(); !strings.Contains(said, `"notes":[]`) {
		t.Errorf("check says %s after it dropped the index", said)
	}
}

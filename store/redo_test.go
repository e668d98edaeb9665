package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

// logging opens a store whose every batch is made durable in the redo log.
func logging(t testing.TB, dir string) *Store {
	t.Helper()
	s := open(t, Options{Path: filepath.Join(dir, FileName)})
	write := &write{maintain: func() error { return nil }, done: make(chan error, 1)}
	s.log.within = time.Hour
	if err := s.enqueue(t.Context(), s.queue, write); err != nil { // the first merge gives the file an epoch
		t.Fatal(err)
	}
	add(t, s, 0)
	return s
}

func add(t testing.TB, s *Store, n int) {
	t.Helper()
	if err := tryAdd(t, s, n); err != nil {
		t.Fatal(err)
	}
}

func tryAdd(t testing.TB, s *Store, n int) error {
	t.Helper()
	_, err := s.Append(t.Context(), Entry{Delivery: delivery(n), Effect: effect})
	return err
}

// files copies the files of a store between two batches: what a process that is killed leaves.
func files(t testing.TB, s *Store) string {
	t.Helper()
	dir := t.TempDir()
	between(t, s, func() {
		for _, suffix := range []string{"", redoSuffix} {
			b, err := os.ReadFile(s.Path() + suffix)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, FileName+suffix), b, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	return dir
}

// has checks that a store has the deliveries below n, each applied once, and no other.
func has(t testing.TB, s *Store, n int) {
	t.Helper()
	page, err := s.Events(t.Context(), app.EventQuery{Limit: 1000})
	if err != nil || len(page.Events) != n {
		t.Errorf("%d deliveries instead of %d, %v", len(page.Events), n, err)
	}
	if err := s.View(t.Context(), func(tx *Tx) error {
		for i := range n {
			if id := delivery(i).ProviderID; len(tx.Value(id)) != 1 {
				t.Errorf("%s was applied %d times", id, len(tx.Value(id)))
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("the check finds %q, %v", found, err)
	}
}

// Wherever the log is cut, the records before the cut count, and a repeat of the one that is lost is stored.
func TestALogThatIsCut(t *testing.T) {
	const n = 5
	s := logging(t, t.TempDir())
	var ends []int64
	for i := 1; i <= n; i++ {
		add(t, s, i)
		between(t, s, func() { ends = append(ends, s.log.at) })
	}
	dir := files(t, s)
	log, err := os.ReadFile(filepath.Join(dir, FileName+redoSuffix))
	if err != nil {
		t.Fatal(err)
	}
	first := ends[n-2] // behind the delivery before the last one
	for at := first; at <= first+(ends[n-1]-first); at += 97 {
		torn := append(append([]byte(nil), log[:at]...), make([]byte, len(log)-int(at))...)
		for _, b := range [][]byte{log[:at], torn} {
			if err := os.WriteFile(filepath.Join(dir, FileName+redoSuffix), b, 0o600); err != nil {
				t.Fatal(err)
			}
			copied := t.TempDir()
			for _, name := range []string{FileName, FileName + redoSuffix} {
				if err := copyFile(filepath.Join(copied, name), filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			again := open(t, Options{Path: filepath.Join(copied, FileName)})
			has(t, again, n)
			add(t, again, n)
			has(t, again, n+1)
		}
	}
}

// A file without its log, or with the log of another file, has what was merged.
func TestALogBelongsToOneFile(t *testing.T) {
	s := logging(t, t.TempDir())
	backup := filepath.Join(t.TempDir(), "backup")
	if _, err := s.BackupFile(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	add(t, s, 1)
	add(t, s, 2)
	dir := files(t, s)
	path := filepath.Join(dir, FileName)
	kept, err := Restore(t.Context(), path, backup)
	if err != nil {
		t.Fatal(err)
	}
	has(t, open(t, Options{Path: path}), 1)
	has(t, open(t, Options{Path: kept}), 3)
}

// Opening a file that can only be read fails while its log has records that aren't in it.
func TestALogBesideAFileThatCanOnlyBeRead(t *testing.T) {
	s := logging(t, t.TempDir())
	add(t, s, 1)
	path := filepath.Join(files(t, s), FileName)
	if s, err := Open(Options{Path: path, ReadOnly: true}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%v", err)
		if err == nil {
			s.Close()
		}
	}
	s = open(t, Options{Path: path})
	has(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	has(t, open(t, Options{Path: path, ReadOnly: true}), 2)
}

// The log is gone after a clean end, and is made again where it was deleted.
func TestTheLogComesAndGoes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open can't be deleted there")
	}
	dir := t.TempDir()
	s := logging(t, dir)
	add(t, s, 1)
	path := filepath.Join(dir, FileName+redoSuffix)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	add(t, s, 2)
	add(t, s, 3)
	has(t, s, 4)
	add(t, s, 4)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after closing: %v", err)
	}
	has(t, open(t, Options{Path: filepath.Join(dir, FileName)}), 5)
}

// A disk that refuses the log refuses the delivery, and nothing else.
func TestALogThatIsRefused(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO} {
		dir := t.TempDir()
		s := logging(t, dir)
		var fails atomic.Bool
		inWriter(t, s, func() {
			s.log.writeAt = func(b []byte, at int64) (int, error) {
				if !fails.Load() {
					return s.log.file.WriteAt(b, at)
				}
				n, err := s.log.file.WriteAt(b[:len(b)/2], at)
				return n, errors.Join(err, refusedBy(errno))
			}
		})
		add(t, s, 1)
		fails.Store(true)
		for range 3 {
			if err := tryAdd(t, s, 2); err == nil {
				t.Error("a delivery was acknowledged")
			}
		}
		fails.Store(false)
		add(t, s, 2)
		has(t, s, 3)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		has(t, open(t, Options{Path: filepath.Join(dir, FileName)}), 3)
	}
}

// onFullDisk makes the disk refuse to write the store's file until full is false.
func onFullDisk(t *testing.T, s *Store) (full *atomic.Bool) {
	t.Helper()
	full = new(atomic.Bool)
	full.Store(true)
	between(t, s, func() {
		seam := writeAt(s.db.DB)
		real := *seam
		*seam = func(b []byte, at int64) (int, error) {
			if full.Load() {
				return 0, refusedBy(syscall.ENOSPC)
			}
			return real(b, at)
		}
	})
	return full
}

// A disk that refuses the merge loses nothing that was acknowledged: it is in the log until there is room.
func TestAMergeThatIsRefused(t *testing.T) {
	for _, well := range []bool{true, false} {
		dir := t.TempDir()
		s := logging(t, dir)
		add(t, s, 1)
		add(t, s, 2)
		full := onFullDisk(t, s)
		if err := s.View(t.Context(), func(*Tx) error { return nil }); err != nil { // merges
			t.Error(err)
		}
		for range 3 {
			if err := tryAdd(t, s, 3); err == nil {
				t.Error("a delivery was acknowledged on a full disk")
			}
		}
		if well {
			full.Store(false)
			add(t, s, 3)
			has(t, s, 4)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		has(t, open(t, Options{Path: filepath.Join(dir, FileName)}), map[bool]int{true: 4, false: 3}[well])
	}
}

// A merge that was refused is tried again, although no one writes or reads. What can be read then has changed.
func TestAMergeThatWasRefusedIsTriedAgain(t *testing.T) {
	s := logging(t, t.TempDir())
	add(t, s, 1)
	var full atomic.Bool
	var refused atomic.Int64
	full.Store(true)
	between(t, s, func() {
		s.log.again = time.Millisecond
		seam := writeAt(s.db.DB)
		real := *seam
		*seam = func(b []byte, at int64) (int, error) {
			if full.Load() {
				refused.Add(1)
				return 0, refusedBy(syscall.ENOSPC)
			}
			return real(b, at)
		}
	})
	count(t, s) // merges in vain
	was := s.Commits()
	for refused.Load() < 4 {
		runtime.Gosched()
	}
	full.Store(false)
	if err := s.ViewLater(t.Context(), func(tx *Tx) error {
		if n := rowsIn(tx.b); n != 2 {
			t.Errorf("%d deliveries can be read", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if s.Commits() == was {
		t.Error("readers who remember what they read miss the merge")
	}
}

// What doesn't fit into the log is merged at once, and the log stays small.
func TestARecordLargerThanTheLog(t *testing.T) {
	dir := t.TempDir()
	s := logging(t, dir)
	between(t, s, func() { s.log.size = redoStep })
	for n := 1; n < 4; n++ {
		d := delivery(n)
		d.Body = make(app.Body, n*redoStep)
		if _, err := s.Append(t.Context(), Entry{Delivery: d, Effect: effect}); err != nil {
			t.Fatal(err)
		}
		add(t, s, n+3)
		if info, err := os.Stat(filepath.Join(dir, FileName+redoSuffix)); err != nil || info.Size() > redoStep {
			t.Errorf("the log has %d bytes, %v", info.Size(), err)
		}
	}
	has(t, open(t, Options{Path: filepath.Join(files(t, s), FileName)}), 7)
}

// Effects that can't be settled don't have a large log carried out again for each of them.
func TestALargeLogIsMergedWhenAnEffectCannotBeSettled(t *testing.T) {
	s := logging(t, t.TempDir())
	update(t, s, func(tx *Tx) error {
		m := roster.Meeting{Meeting: app.Meeting{ID: "m", Status: app.Open}}
		return errors.Join(tx.PutMeeting(m), tx.PutStay(m.ID, roster.Stay{Stay: app.Stay{Session: "s"}}))
	})
	bad := []byte("m\x00s")
	inWriter(t, s, func() {
		clear(s.warm)
		if err := s.db.Update(func(b *bolt.Tx) error { return b.Bucket(bucketStays).Put(bad, []byte("{")) }); err != nil {
			t.Error(err)
		}
	})
	large := delivery(1)
	large.Body = make(app.Body, 2*redoStep)
	for _, d := range []app.Delivery{delivery(2), large} { // at least the second is in the log
		if _, err := s.Append(t.Context(), Entry{Delivery: d, Effect: effect}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.AppendBatch(t.Context(), []Entry{
		{Delivery: delivery(3), Effect: effect},
		{Delivery: delivery(4), Effect: func(tx *Tx, _ *app.Delivery) error { tx.Touch("m"); return nil }},
	})
	if err != nil || got[0].Delivery.Unapplied != "" || got[1].Delivery.Unapplied == "" {
		t.Errorf("%+v, %v", got, err)
	}
	between(t, s, func() {
		if s.log.at > redoStep {
			t.Errorf("the log still has %d bytes", s.log.at)
		}
	})
}

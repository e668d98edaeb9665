package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

func count(t *testing.T, s *Store) int {
	t.Helper()
	n := 0
	q := app.EventQuery{Limit: 1000}
	for {
		page, err := s.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Events)
		if !page.More {
			return n
		}
		q.Before = page.Next
	}
}

func TestCompactionGivesBackSpaceWhileEverythingGoesOn(t *testing.T) {
	clock := newClock()
	s := open(t, clock.options(Options{SegmentRows: 500}))
	appendN(t, s, 5000, func(_ int, d *app.Delivery) { d.Body = make(app.Body, 4000) })
	clock.run(60 * 24 * time.Hour)
	retain(t, s)
	if n := count(t, s); n == 0 || n > 500 {
		t.Fatalf("%d deliveries are kept after retention", n)
	}
	st, err := s.Stats(t.Context())
	if err != nil || st.Deliveries > 500 {
		t.Fatalf("%+v, %v", st, err)
	}
	kept := count(t, s)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			d := delivery(100_000 + i)
			if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := s.Events(t.Context(), app.EventQuery{}); err != nil {
				t.Error(err)
			}
		})
	}
	before, after, err := s.Compact(t.Context())
	wg.Wait()
	if err != nil || after*2 > before {
		t.Fatalf("%d bytes before and %d after, %v", before, after, err)
	}
	if n := count(t, s); n != kept+50 {
		t.Errorf("%d deliveries, want %d", n, kept+50)
	}
	if again, err := s.Append(t.Context(), Entry{Delivery: delivery(4999)}); err != nil || again.DuplicateOf == 0 {
		t.Errorf("a repeat of one that retention dropped is taken for new: %+v, %v", again, err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	left, err := filepath.Glob(s.Path() + ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABackupIsAStore(t *testing.T) {
	s := open(t, Options{})
	appendN(t, s, 100, nil)
	dir := t.TempDir()
	backup := filepath.Join(dir, "backup.db")
	if _, err := s.BackupFile(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BackupFile(t.Context(), backup); !errors.Is(err, os.ErrExist) {
		t.Errorf("a backup was overwritten: %v", err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}

	target := filepath.Join(t.TempDir(), FileName)
	other := open(t, Options{Path: target})
	appendN(t, other, 3, nil)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := Restore(t.Context(), target, backup)
	if err != nil || kept == "" {
		t.Fatalf("%q, %v", kept, err)
	}
	if n := count(t, open(t, Options{Path: target})); n != 100 {
		t.Errorf("%d deliveries", n)
	}
	if n := count(t, open(t, Options{Path: kept})); n != 3 {
		t.Errorf("%d in what was kept", n)
	}
}

func TestOnlyAStoreIsRestored(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, FileName)
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a store ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := filepath.Join(dir, "stranger")
	db, err := bolt.Open(stranger, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{text, stranger, filepath.Join(dir, "missing")} {
		if _, err := Restore(t.Context(), target, bad); err == nil {
			t.Errorf("%s was restored", bad)
		}
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was put there")
	}
}

func TestANewerFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := open(t, Options{Path: path})
	if err := s.db.Update(func(b *bolt.Tx) error { return putSchema(b, schema+1) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Path: path}); !errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
}

func TestAFileInUseIsRefused(t *testing.T) {
	s := open(t, Options{})
	if _, err := Open(Options{Path: s.Path(), Timeout: 10 * time.Millisecond}); !errors.Is(err, ErrInUse) {
		t.Errorf("%v", err)
	}
}

// A file of version 0 has rooms and meetings that know no platform.
func TestAFileOfTheFirstVersionIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(b *bolt.Tx) error {
		rooms, err := b.CreateBucket(bucketRooms)
		if err != nil {
			return err
		}
		meetings, err := b.CreateBucket(bucketMeetings)
		if err != nil {
			return err
		}
		return errors.Join(
			rooms.Put([]byte("r1"), []byte(`{"id":"r1","name":"Board","locked":true,"created_at":"2025-01-02T03:04:05Z"}`)),
			meetings.Put([]byte("m1"), []byte(`{"id":"m1","room_id":"r1","platform_id":"87651234",`+
				`"platform_room":"board-1","guest_url":"https://x.whereby.com/board-1","ends_at":"2025-01-02T04:04:05Z"}`)),
			meetings.Put([]byte("m0"), []byte(`{"id":"m0","room_id":"r1","platform_room":"board-0","status":"ended",`+
				`"ended_at":"2025-01-01T04:04:05Z"}`)),
		)
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Path: path})
	if err := s.View(t.Context(), func(tx *Tx) error {
		r, err := tx.RoomByName("board")
		if err != nil || !r.Locked || r.Account != "" || r.Recording != provider.RecordingNone || r.Trigger != provider.TriggerNone {
			t.Errorf("%+v, %v", r, err)
		}
		m, err := tx.MeetingByPlatform("whereby", "board-1", "")
		if err != nil || m.Platform != provider.Whereby || m.Room != "Board" || m.Status != app.Open || m.PlatformID != "87651234" {
			t.Errorf("%+v, %v", m, err)
		}
		if by, err := tx.MeetingByPlatform("whereby", "", "87651234"); err != nil || by.ID != "m1" {
			t.Errorf("%+v, %v", by, err)
		}
		unended, err := tx.Unended()
		if err != nil || len(unended) != 1 {
			t.Errorf("%d unended, %v", len(unended), err)
		}
		all, err := tx.RoomMeetings("r1")
		if err != nil || len(all) != 2 {
			t.Errorf("%d of the room, %v", len(all), err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".v0"); err != nil {
		t.Errorf("no copy was set aside: %v", err)
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Schema != schema {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestAQueueThatIsFullSaysSo(t *testing.T) {
	s := open(t, Options{QueueLen: 2, Batch: 1})
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Update(t.Context(), func(*Tx) error { close(held); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	queued := make(chan error, 2)
	for range 2 {
		w := &write{effect: func(*Tx) error { return nil }, done: queued}
		s.queue <- w
	}
	if _, err := s.Append(t.Context(), Entry{Delivery: delivery(1)}); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	close(hold)
	wg.Wait()
	for range 2 {
		if err := <-queued; err != nil {
			t.Error(err)
		}
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s, err := Open(Options{Path: filepath.Join(t.TempDir(), FileName)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), Entry{Delivery: delivery(1)}); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := s.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := s.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestEffectsSeeEachOthersWritesWithinACommit(t *testing.T) {
	s := open(t, Options{})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			err := s.Update(t.Context(), func(tx *Tx) error {
				m, err := tx.Meeting("m")
				if errors.Is(err, ErrNotFound) {
					m = roster.Meeting{Meeting: app.Meeting{ID: "m", RoomID: "r", Status: app.Open}}
				} else if err != nil {
					return err
				}
				m.Size++
				return tx.PutMeeting(m)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.View(t.Context(), func(tx *Tx) error {
		m, err := tx.Meeting("m")
		if err != nil || m.Size != 100 {
			t.Errorf("%d of 100 increments, %v", m.Size, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestASecondRestoreKeepsTheFirstOriginal(t *testing.T) {
	s := open(t, Options{})
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := s.BackupFile(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), FileName)
	precious := open(t, Options{Path: target})
	appendN(t, precious, 3, nil)
	if err := precious.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := Restore(t.Context(), target, backup)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Restore(t.Context(), target, backup)
	if err != nil || second == first {
		t.Fatalf("%q and %q, %v", first, second, err)
	}
	if n := count(t, open(t, Options{Path: first})); n != 3 {
		t.Errorf("%d deliveries in the original", n)
	}
}

func TestAQuietStoreIsRetainedByAgeToo(t *testing.T) {
	clock := newClock()
	s := open(t, clock.options(Options{RetainFor: 30 * 24 * time.Hour}))
	for day := range 100 {
		d := delivery(day)
		d.At = app.At(clock.now())
		if _, err := s.Append(t.Context(), Entry{Delivery: d}); err != nil {
			t.Fatal(err)
		}
		clock.run(24 * time.Hour)
	}
	retain(t, s)
	if n := count(t, s); n < 30 || n > 36 {
		t.Errorf("%d days of one delivery each are kept, of 30 wanted", n)
	}
}

func TestTheOldestPageBeginsWithTheFirst(t *testing.T) {
	s := open(t, Options{})
	appendN(t, s, 30, nil)
	page, err := s.Events(t.Context(), app.EventQuery{Forward: true, Limit: 10})
	if err != nil || len(page.Events) != 10 || page.Events[9].Seq != 1 || page.Events[0].Seq != 10 || !page.More || page.Next != 10 {
		t.Errorf("%+v, %v", page, err)
	}
}

package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"greenroom/internal/app"
	"greenroom/internal/cursor"
)

// fileOf is the file that the library syncs.
func fileOf(s *Store) **os.File {
	at := reflect.ValueOf(s.db.DB).Elem().FieldByName("file")
	return (**os.File)(unsafe.Pointer(at.UnsafeAddr()))
}

// A disk that refuses or cuts a write, of data or of the first pages, refuses the delivery and nothing else. One that can't make
// a write durable ends all writing: what it kept isn't known. Either way the next opening finds what was acknowledged.
func TestADiskThatFails(t *testing.T) {
	page := int64(os.Getpagesize())
	pipe, end, err := os.Pipe() // can't be synced
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	defer end.Close()
	type write = func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error)
	for _, c := range []struct {
		name  string
		data  bool // of data, rather than of a first page
		final bool
		fail  func(s *Store) write
	}{
		{"no space for data", true, false, func(*Store) write {
			return func([]byte, int64, func([]byte, int64) (int, error)) (int, error) {
				return 0, refusedBy(syscall.ENOSPC)
			}
		}},
		{"data can't be written", true, false, func(*Store) write {
			return func([]byte, int64, func([]byte, int64) (int, error)) (int, error) { return 0, refusedBy(syscall.EIO) }
		}},
		{"data is cut", true, false, func(*Store) write {
			return func(b []byte, at int64, w func([]byte, int64) (int, error)) (int, error) {
				n, err := w(b[:len(b)/3], at)
				return n, errors.Join(err, refusedBy(syscall.ENOSPC))
			}
		}},
		{"no space for the first page", false, false, func(*Store) write {
			return func([]byte, int64, func([]byte, int64) (int, error)) (int, error) {
				return 0, refusedBy(syscall.ENOSPC)
			}
		}},
		{"the first page is cut", false, false, func(*Store) write {
			return func(b []byte, at int64, w func([]byte, int64) (int, error)) (int, error) {
				n, err := w(b[:40], at)
				return n, errors.Join(err, refusedBy(syscall.EIO))
			}
		}},
		{"data isn't synced", true, true, func(s *Store) write {
			return func(b []byte, at int64, w func([]byte, int64) (int, error)) (int, error) {
				*fileOf(s) = pipe
				return w(b, at)
			}
		}},
		{"the first page isn't synced", false, true, func(s *Store) write {
			return func(b []byte, at int64, w func([]byte, int64) (int, error)) (int, error) {
				*fileOf(s) = pipe
				return w(b, at)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), FileName)
			published := 0
			s := open(t, Options{Path: path, OnCommit: func(all []app.Change) { published += len(all) }})
			s.log.within = -1 // each delivery is a transaction of the library
			add := func(n int) error {
				_, err := s.Append(t.Context(), Entry{
					Delivery: delivery(n), Position: cursor.Position{Hook: "h", Epoch: 1, Seq: uint64(n)},
					Effect: func(tx *Tx, d *app.Delivery) error { return tx.PutValue(d.ProviderID, []byte("applied")) },
				})
				return err
			}
			for n := range 20 {
				if err := add(n + 1); err != nil {
					t.Fatal(err)
				}
			}
			whole, failing := *fileOf(s), c.fail(s)
			restore := onWrite(t, s, func(b []byte, at int64, w func([]byte, int64) (int, error)) (int, error) {
				if (at >= 2*page) != c.data {
					return w(b, at)
				}
				return failing(b, at, w)
			})
			was := published
			for range 3 {
				if err := add(21); err == nil {
					t.Error("a delivery was acknowledged")
				} else if errors.Is(err, ErrFailed) != c.final {
					t.Errorf("the error is %v", err)
				}
			}
			if published != was {
				t.Errorf("%d changes of what isn't stored were published", published-was)
			}
			inWriter(t, s, func() { *fileOf(s) = whole })
			restore()
			st, err := s.Stats(t.Context())
			if err != nil || strings.Contains(st.Problem, "the disk failed") != c.final {
				t.Errorf("the problem is %q, %v", st.Problem, err)
			}
			if n := count(t, s); n < 20 || n > 21 || n == 21 && !c.final {
				t.Errorf("%d deliveries can be read", n)
			}
			if err := add(22); (err == nil) == c.final {
				t.Errorf("with the disk well again: %v", err)
			}
			if _, _, err := s.Compact(t.Context()); (err == nil) == c.final {
				t.Errorf("compaction with the disk well again: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, Options{Path: path})
			if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
				t.Errorf("after opening again: %q, %v", found, err)
			}
			if err := add(22); err != nil {
				t.Error(err)
			}
			applied := make(map[string]int)
			page, err := s.Events(t.Context(), app.EventQuery{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				if e.DuplicateOf == 0 {
					applied[e.ProviderID]++
				}
			}
			if err := s.View(t.Context(), func(tx *Tx) error {
				for n := range 22 {
					id := delivery(n + 1).ProviderID
					if n+1 != 21 && (applied[id] != 1 || tx.Value(id) == nil) {
						t.Errorf("%s is there %d times, its effect %q", id, applied[id], tx.Value(id))
					}
					if (applied[id] == 1) != (tx.Value(id) != nil) {
						t.Errorf("%s is there %d times, its effect %q", id, applied[id], tx.Value(id))
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// Readers who wait for the next merge get what is in the file if there won't be one.
func TestPatientReadersOfADiskThatFails(t *testing.T) {
	pipe, end, err := os.Pipe() // can't be synced
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	s := logging(t, t.TempDir())
	add(t, s, 1)
	done, log := make(chan struct{}), (*os.File)(nil)
	err = s.Update(t.Context(), func(*Tx) error {
		s.patient = append(s.patient, done)
		log, s.log.file = s.log.file, pipe
		s.log.writeAt = log.WriteAt
		return nil
	})
	defer log.Close()
	if !errors.Is(err, ErrFailed) {
		t.Errorf("the error is %v", err)
	}
	select {
	case <-done:
	default:
		t.Error("the reader still waits")
	}
}

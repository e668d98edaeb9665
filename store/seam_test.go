package store

import (
	"io/fs"
	"reflect"
	"syscall"
	"testing"
	"unsafe"

	bolt "go.etcd.io/bbolt"
)

// writeAt replaces the library's writing of the file. The library has no option for that, only for another file.
func writeAt(db *bolt.DB) *func([]byte, int64) (int, error) {
	at := reflect.ValueOf(db).Elem().FieldByName("ops").FieldByName("writeAt")
	return (*func([]byte, int64) (int, error))(unsafe.Pointer(at.UnsafeAddr()))
}

// inWriter runs f while nothing is written.
func inWriter(t testing.TB, s *Store, f func()) {
	t.Helper()
	w := &write{maintain: func() error { f(); return nil }, done: make(chan error, 1)}
	if err := s.enqueue(t.Context(), s.queue, w); err != nil {
		t.Fatal(err)
	}
}

// between runs f between two batches, without merging them.
func between(t testing.TB, s *Store, f func()) {
	t.Helper()
	if err := s.Update(t.Context(), func(*Tx) error { f(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// onWrite has every write of the file and of the redo log go through f, until the function that is returned is called.
func onWrite(t testing.TB, s *Store, f func(b []byte, at int64, write func([]byte, int64) (int, error)) (int, error)) func() {
	t.Helper()
	var seam *func([]byte, int64) (int, error)
	var real func([]byte, int64) (int, error)
	inWriter(t, s, func() {
		seam = writeAt(s.db.DB)
		real = *seam
		*seam = func(b []byte, at int64) (int, error) { return f(b, at, real) }
		s.log.writeAt = func(b []byte, at int64) (int, error) {
			return f(b, inLog+at, func(b []byte, _ int64) (int, error) { return s.log.file.WriteAt(b, at) })
		}
	})
	return func() { inWriter(t, s, func() { *seam, s.log.writeAt = real, nil }) }
}

// inLog is added to the place of a write in the redo log.
const inLog = 1 << 50

// refusedBy is the error of a write as the system's files return it.
func refusedBy(errno syscall.Errno) error {
	return &fs.PathError{Op: "write", Path: FileName, Err: errno}
}

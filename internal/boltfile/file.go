// Package boltfile opens bbolt files without trusting them.
//
// bbolt maps its file and trusts what it reads: a missing or damaged page causes a panic or a fault, partly in the library's goroutines,
// and commits to a deleted file are lost. Here the pages are checked before the file is mapped ([Open]), later damage is an error
// ([Kind.Guard]), a replaced file is noticed ([File.There]), and a new file gets its name only when it is complete ([Create]).
package boltfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"greenroom/internal/regular"
)

// Errors.
var (
	// ErrInUse is returned by [Open] when another process holds the file.
	ErrInUse = errors.New("the file is in use by another program")
	// ErrGone is returned by [File.There] if the name no longer leads to the file, whose commits would be lost.
	ErrGone = errors.New("the file is gone")
)

// Kind is a kind of file.
type Kind struct {
	// Name is the name of such a file in errors; Advice is the remedy for a damaged one.
	Name, Advice string
	// Levels returns the number of levels of buckets within a top-level bucket. Of a bucket without any, only the pages that refer to
	// others are read before the file is mapped. If Levels is nil, every page is read, which is needed for files without a list of free
	// pages: the library visits all of their pages to make one.
	Levels func(bucket string) int
}

// Options are how a file is opened.
type Options struct {
	Kind
	// Timeout is how long to wait for another process that holds the file.
	Timeout time.Duration
	// Retained is the expected size of the file in bytes.
	Retained int64
	// ReadOnly opens the file without write access.
	ReadOnly bool
	// NoFreelistSync leaves the list of free pages out of the file.
	NoFreelistSync bool
}

// File is an open database.
type File struct {
	*bolt.DB
	// Path is free of symbolic links: renaming over it replaces the file and not a link to it.
	Path string
	// OS is the open file.
	OS   *os.File
	kind Kind
	id   os.FileInfo
}

// RealPath follows the symbolic links of a path, even if the last one leads to a file that doesn't exist yet.
func RealPath(path string) (string, error) {
	const links = 40 // what Linux follows
	for range links {
		to, err := os.Readlink(path)
		if err != nil {
			break // it isn't a link, or doesn't exist
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return filepath.Abs(path)
	case err != nil:
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	return filepath.Abs(filepath.Join(dir, filepath.Base(path)))
}

// The address space that is reserved for a file, within which it can grow without interrupting reads and writes. It costs no memory. A
// file that outgrows it must be mapped again, which waits for all reads.
const (
	leastMapped = 64 << 30
	mostMapped  = 32 << 40
	mappedTimes = 4 // of the file's size, present or expected
)

// mapped returns how many bytes to map, 0 for the library's choice: on Windows the file would get the size of the mapping.
func mapped(size, retained int64) int64 {
	if runtime.GOOS == "windows" || strconv.IntSize < 64 {
		return 0
	}
	return max(leastMapped, mappedTimes*min(max(size, retained), mostMapped/mappedTimes))
}

// Open opens an existing file, whose structure it checks before mapping it.
func Open(path string, o Options) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: open the file: %w", o.Name, err)
	}
	for size := mapped(info.Size(), o.Retained); ; size /= 2 {
		f, err := openMapped(path, o, size)
		if size > 0 && errors.Is(err, syscall.ENOMEM) {
			continue // the user's limit of address space
		}
		return f, err
	}
}

func openMapped(path string, o Options, size int64) (*File, error) {
	f := &File{Path: path, kind: o.Kind}
	err := o.Guard(path, func() (err error) {
		f.DB, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: o.Timeout, FreelistType: bolt.FreelistMapType, InitialMmapSize: int(max(size, 64<<20)), ReadOnly: o.ReadOnly,
			NoFreelistSync: o.NoFreelistSync,
			OpenFile:       func(name string, flag int, mode os.FileMode) (*os.File, error) { return f.open(name, flag, mode, o) },
		})
		return err
	})
	switch {
	case err == nil:
		return f, nil
	case f.OS != nil:
		_ = f.OS.Close() // the library did, unless it panicked
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout), errors.Is(err, ErrInUse):
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	case errors.Is(err, ErrDamaged):
		return nil, err
	}
	return nil, fmt.Errorf("%s: open %s: %w", o.Name, path, err)
}

// open opens, locks and verifies the file.
func (f *File) open(name string, flag int, mode os.FileMode, o Options) (*os.File, error) {
	got, err := regular.OpenFile(name, flag&^os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	if err = Lock(got, !o.ReadOnly, o.Timeout); err == nil {
		err = f.verify(got)
	}
	if err == nil {
		f.id, err = got.Stat()
	}
	if err != nil {
		return nil, errors.Join(err, got.Close())
	}
	f.OS = got
	return got, nil
}

// verify checks the pages that refer to others, so that no later use of the file follows a wrong reference.
func (f *File) verify(r io.ReaderAt) error {
	p, err := OpenPages(r)
	if err != nil {
		return f.kind.Damaged(f.Path, err.Error())
	}
	if found := p.verify(f.kind.Levels); len(found) > 0 {
		return f.kind.Damaged(f.Path, found[0])
	}
	return nil
}

// Create makes a new file with the content that fill writes. It gets its name only when it is complete, so that a crash never leaves an
// empty file of that name.
func Create(path string, o Options, fill func(*bolt.Tx) error) error {
	part := path + ".new"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: make the file: %w", o.Name, err)
	}
	defer os.Remove(part) // gone after the rename below
	db, err := bolt.Open(part, 0o600, &bolt.Options{Timeout: o.Timeout, FreelistType: bolt.FreelistMapType, NoFreelistSync: o.NoFreelistSync})
	if err != nil {
		return fmt.Errorf("%s: make the file: %w", o.Name, err)
	}
	if err = db.Update(fill); err == nil {
		err = Seal(db)
	}
	if err = errors.Join(err, db.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return fmt.Errorf("%s: make the file: %w", o.Name, err)
	}
	return regular.SyncFolder(filepath.Dir(path))
}

// Seal commits once more. The two first pages of a file are those of the last two commits, and if one can't be read the other is used:
// after Seal, both refer to everything.
func Seal(db *bolt.DB) error {
	return db.Update(func(*bolt.Tx) error { return nil })
}

// There returns nil while the name leads to the file, else [ErrGone].
func (f *File) There(name string) error {
	same, err := same(name, f.id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s was deleted or moved while in use: put it back, or restart Greenroom", ErrGone, name)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrGone, err)
	case !same:
		return fmt.Errorf("%w: %s was replaced by another file: restart Greenroom", ErrGone, name)
	}
	return nil
}

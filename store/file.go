package store

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

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"greenroom/internal/regular"
)

// file is the database with the file that it is in.
type file struct {
	*bolt.DB
	// path is free of symbolic links: renaming over it replaces the file and not a link to it.
	path string
	f    *os.File
	id   os.FileInfo
}

// realPath follows the symbolic links of a path, also where the last one leads to a file that isn't there yet.
func realPath(path string) (string, error) {
	const links = 40 // what Linux follows
	for range links {
		to, err := os.Readlink(path)
		if err != nil {
			break // it is no link, or isn't there
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
		return "", fmt.Errorf("store: find %s: %w", path, err)
	}
	return filepath.Abs(filepath.Join(dir, filepath.Base(path)))
}

// The address space that is set aside for a file: reads and writes go on while it grows within that. It costs no memory.
// Only a file that outgrows it must be mapped again, which waits for every read.
const (
	leastMapped = 64 << 30
	mostMapped  = 32 << 40
	mappedTimes = 4 // the size of the file, and what retention keeps
)

// mapped is how many bytes to map, 0 where the library chooses. Windows would make the file as large as its mapping.
func mapped(size, retained int64) int64 {
	if runtime.GOOS == "windows" || strconv.IntSize < 64 {
		return 0
	}
	return max(leastMapped, mappedTimes*min(max(size, retained), mostMapped/mappedTimes))
}

// openFile maps a file that is there, and looks whether its structure holds.
func openFile(path string, o Options) (*file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("store: open the file: %w", err)
	}
	for size := mapped(info.Size(), o.RetainBytes); ; size /= 2 {
		f, err := openMapped(path, o, size)
		if size > 0 && errors.Is(err, syscall.ENOMEM) {
			continue // the user's limit of address space
		}
		return f, err
	}
}

func openMapped(path string, o Options, size int64) (*file, error) {
	f := &file{path: path}
	err := guarded(path, func() (err error) {
		f.DB, err = bolt.Open(path, 0o600, &bolt.Options{
			Timeout: o.Timeout, FreelistType: bolt.FreelistMapType, InitialMmapSize: int(max(size, 64<<20)), ReadOnly: o.ReadOnly,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) { return f.open(name, flag, mode, o) },
		})
		return err
	})
	switch {
	case err == nil:
		return f, nil
	case f.f != nil:
		_ = f.f.Close() // the library did, unless it panicked
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout), errors.Is(err, ErrInUse):
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	case errors.Is(err, ErrDamaged):
		return nil, err
	}
	return nil, fmt.Errorf("store: open %s: %w", path, err)
}

// open opens and locks the file and looks whether it can be mapped.
func (f *file) open(name string, flag int, mode os.FileMode, o Options) (*os.File, error) {
	got, err := regular.OpenFile(name, flag&^os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	if err = lockFile(got, !o.ReadOnly, o.Timeout); err == nil {
		err = f.verify(got)
	}
	if err == nil {
		f.id, err = got.Stat()
	}
	if err != nil {
		return nil, errors.Join(err, got.Close())
	}
	f.f = got
	return got, nil
}

// verify reads the pages that hold the others together, so that no use of the file follows a wrong reference.
func (f *file) verify(r io.ReaderAt) error {
	p, err := openPages(r)
	if err != nil {
		return damaged(f.path, err.Error())
	}
	if found := p.verify(); len(found) > 0 {
		return damaged(f.path, found[0])
	}
	return nil
}

// create makes a new store. It has its name only when it is whole: an empty file of that name is never one of ours.
func create(path string, o Options) error {
	part := path + ".new"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: make the file: %w", err)
	}
	defer os.Remove(part) // gone after the rename below
	db, err := bolt.Open(part, 0o600, &bolt.Options{Timeout: o.Timeout, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return fmt.Errorf("store: make the file: %w", err)
	}
	err = db.Update(func(b *bolt.Tx) error {
		if err := makeBuckets(b); err != nil {
			return err
		}
		return putSchema(b, schema)
	})
	if err == nil {
		err = seal(db)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("store: make the file: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("store: make the file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// seal commits once more. A file has two first pages, of the last two commits, and when one can't be read the other
// counts: after this, that one holds everything, too.
func seal(db *bolt.DB) error {
	return db.Update(func(*bolt.Tx) error { return nil })
}

// there reports whether the file is still the one of its name.
func (f *file) there(name string) error {
	now, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s was deleted or moved while it is in use: put it back, or restart Greenroom", ErrGone, name)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrGone, err)
	case !os.SameFile(now, f.id):
		return fmt.Errorf("%w: another file is in the place of %s: restart Greenroom", ErrGone, name)
	}
	return nil
}

package fetch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"greenroom/internal/recording"
	"greenroom/internal/recording/layout"
)

const folderPerm = 0o755

// folder is a file's folder. No name and no symbolic link leads out of the target folder.
type folder struct {
	root *os.Root
	// path is absolute.
	path string
}

// openFolder opens the folder of a name inside dir, and creates it if needed.
func openFolder(dir, name string) (*folder, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the target folder: %w", err)
	}
	if err := os.MkdirAll(dir, folderPerm); err != nil {
		return nil, disk("make the target folder", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, disk("open the target folder", err)
	}
	sub := path.Dir(name)
	if sub == "." {
		return &folder{root, dir}, nil
	}
	defer root.Close()
	if err := root.MkdirAll(sub, folderPerm); err != nil {
		return nil, disk("make a folder in the target folder", err)
	}
	inner, err := root.OpenRoot(sub)
	if err != nil {
		return nil, disk("open a folder in the target folder", err)
	}
	return &folder{inner, filepath.Join(dir, filepath.FromSlash(sub))}, nil
}

func (f *folder) join(name string) string { return filepath.Join(f.path, name) }

// with calls do with the opened folder.
func (f *folder) with(do func(d *os.File) error) error {
	d, err := f.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return do(d)
}

// adopt renames a part file from an earlier folder or name. If the old file can't be moved (it is on another disk), it returns true, and
// the caller restarts the download and removes it.
func (f *folder) adopt(old, name string) (left bool) {
	if old == "" || old == f.join(name) || filepath.Ext(old) != partEnd {
		return false
	}
	if info, err := os.Lstat(old); err != nil || !info.Mode().IsRegular() {
		return false
	}
	if _, err := f.root.Lstat(name); err == nil {
		return false
	}
	return os.Rename(old, f.join(name)) != nil
}

// storage has the system's operations on files. Tests replace them with failing ones.
type storage struct {
	reserve    func(f *os.File, size int64) error
	write      func(f *os.File, b []byte, off int64) (int, error)
	read       func(f *os.File, b []byte, off int64) (int, error)
	flush      func(f *os.File) error // the bytes of a file of fixed size
	sync       func(f *os.File) error
	syncFolder func(d *os.File) error
	rename     func(in *folder, from, to string) error
}

var system = storage{
	reserve: reserve, write: (*os.File).WriteAt, read: (*os.File).ReadAt, flush: syncData, sync: (*os.File).Sync,
	syncFolder: syncFolder, rename: (*folder).rename,
}

// part is the unfinished file. It is locked while it is open.
type part struct {
	*os.File
	disk *storage
	in   *folder
	name string
}

// openPart opens the unfinished file, and creates it if needed. The lock is on the file, not on its name: between opening and locking,
// another process may finish the file and rename it, hence the comparison.
func openPart(in *folder, name string, how *storage, mode layout.Mode) (*part, error) {
	for range 10 {
		if info, err := in.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("open %s: it is no regular file", in.join(name))
		}
		f, err := mode.Open(in.root.OpenFile, name, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return nil, disk("open the part file", err)
		}
		if err := lockFile(f); err != nil {
			f.Close()
			return nil, err
		}
		ours, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("open the part file: %w", err)
		}
		if there, err := in.root.Lstat(name); err == nil && os.SameFile(ours, there) {
			return &part{f, how, in, name}, nil
		}
		f.Close()
	}
	return nil, fmt.Errorf("open %s: %w", in.join(name), ErrBusy)
}

// removePart removes a task's part file, found by the task's folder and name.
func removePart(t recording.Task) error {
	if err := checkName(t.Name); err != nil {
		return err
	}
	if t.Dir == "" {
		return fs.ErrNotExist
	}
	root, err := os.OpenRoot(t.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Remove(path.Join(path.Dir(t.Name), partName(t.Key, path.Base(t.Name))))
}

func (p *part) path() string { return p.in.join(p.name) }

// size returns the file's present size.
func (p *part) size() (int64, error) {
	info, err := p.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at the part file: %w", err)
	}
	return info.Size(), nil
}

// reset empties the file and reserves space for size bytes, so that a full disk is noticed before anything is fetched. Space that was
// reserved in vain is released.
func (p *part) reset(size int64) error {
	if err := p.Truncate(0); err != nil {
		return disk("empty the part file", err)
	}
	if size <= 0 {
		return nil
	}
	if err := p.disk.reserve(p.File, size); err != nil {
		if undo := p.Truncate(0); undo != nil {
			err = errors.Join(err, undo)
		}
		return &diskError{doing: "reserve room", err: err, need: size, probe: func() error {
			err := p.disk.reserve(p.File, size)
			if err != nil {
				err = errors.Join(err, p.Truncate(0))
			}
			return err
		}}
	}
	return nil
}

// write writes bytes at an offset.
func (p *part) write(b []byte, off int64) error {
	n, err := p.disk.write(p.File, b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		// Nothing was written there, so zeros do no harm, and show whether there is space now.
		zeros := make([]byte, len(b))
		return &diskError{doing: "write the part file", err: err, probe: func() error {
			if _, err := p.disk.write(p.File, zeros, off); err != nil {
				return err
			}
			return p.disk.flush(p.File)
		}}
	}
	return nil
}

// ReadAt reads data that was written.
func (p *part) ReadAt(b []byte, off int64) (int, error) { return p.disk.read(p.File, b, off) }

// flush makes written data durable.
func (p *part) flush() error {
	if err := p.disk.flush(p.File); err != nil {
		return disk("sync the part file", err)
	}
	return nil
}

// remove deletes the file.
func (p *part) remove() error {
	if err := p.in.root.Remove(p.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the part file: %w", err)
	}
	return nil
}

// diskError is a failure of the local disk.
type diskError struct {
	doing string
	err   error
	// need is the number of bytes that need space, 0 when unknown. probe returns nil if there is space now; a nil probe doesn't know.
	need  int64
	probe func() error
}

func disk(doing string, err error) error { return &diskError{doing: doing, err: err} }

func (e *diskError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// Is reports whether target is [ErrDisk].
func (e *diskError) Is(target error) bool { return target == ErrDisk }

// full reports whether the cause is lack of space.
func (e *diskError) full() bool { return isFull(e.err) }

// solved reports whether another try is worthwhile.
func (e *diskError) solved() bool { return e.probe == nil || e.probe() == nil }

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

// folder is where a file is to stand. Nothing reaches out of the target folder through it, by name or by symbolic link.
type folder struct {
	root *os.Root
	// path is absolute.
	path string
}

// openFolder opens, and makes where needed, the folder of a name inside dir.
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

// sync makes the names in the folder durable. Systems on which a folder can't be synced do that automatically.
func (f *folder) sync(how func(*os.File) error) error {
	d, err := f.root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return how(d)
}

// adopt renames a part file from an earlier folder or name. It reports whether the old file could not be moved (another
// disk); the caller then starts over and removes it.
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

// storage is how the system writes files. Tests have others, that fail.
type storage struct {
	reserve    func(f *os.File, size int64) error
	write      func(f *os.File, b []byte, off int64) (int, error)
	read       func(f *os.File, b []byte, off int64) (int, error)
	flush      func(f *os.File) error // the bytes of a file of settled size
	sync       func(f *os.File) error
	syncFolder func(d *os.File) error
	rename     func(in *folder, from, to string) error
}

var system = storage{
	reserve: reserve, write: (*os.File).WriteAt, read: (*os.File).ReadAt, flush: syncData, sync: (*os.File).Sync,
	syncFolder: syncFolder, rename: (*folder).rename,
}

// part is the unfinished file. While it is open no other process has it open as one.
type part struct {
	*os.File
	disk *storage
	in   *folder
	name string
}

// openPart opens the unfinished file, making it when it isn't there. The lock is on the file, not on its name: another
// process may have finished it and given it its final name between our opening and our locking, hence the comparison.
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

// removePart removes a task's part file from the place that its name gives.
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

// size is that of the file as it is.
func (p *part) size() (int64, error) {
	info, err := p.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at the part file: %w", err)
	}
	return info.Size(), nil
}

// reset empties the file and reserves room for size bytes, so that a disk without room is noticed before anything is
// fetched. What was reserved in vain is given back.
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

// write puts bytes where they belong.
func (p *part) write(b []byte, off int64) error {
	n, err := p.disk.write(p.File, b, off)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		// What was to be written isn't there, so zeros do no harm, and tell whether it would fit by now.
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

// ReadAt reads what was written.
func (p *part) ReadAt(b []byte, off int64) (int, error) { return p.disk.read(p.File, b, off) }

// flush makes what was written durable.
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
	// need is how many bytes there must be room for, 0 when unknown. probe says whether there is by now; nil can't tell.
	need  int64
	probe func() error
}

func disk(doing string, err error) error { return &diskError{doing: doing, err: err} }

func (e *diskError) Error() string { return e.doing + ": " + e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// Is says that it is [ErrDisk].
func (e *diskError) Is(target error) bool { return target == ErrDisk }

// full reports whether the cause is lack of space.
func (e *diskError) full() bool { return isFull(e.err) }

// solved reports whether another try is worthwhile.
func (e *diskError) solved() bool { return e.probe == nil || e.probe() == nil }
